/** One environment variable of the runner. */
export type Variable = {
  readonly meaning: string;
  /** The value where the variable is not set; runner and infra both take it from here. */
  readonly default?: string | number | boolean;
  /** The largest number that is taken; the smallest is 1. */
  readonly most?: number;
  /** The value must never show up in code, objects, logs or errors. */
  readonly isSecret?: true;
};
