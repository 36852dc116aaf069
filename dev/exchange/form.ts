/** Says what is wrong with a value, or null. */
export type Check = (value: unknown) => string | null;

/** A change or rule that cannot be taken; all its faults together. */
export class FormError extends Error {
  readonly issues: readonly string[];

  constructor(issues: readonly string[]) {
    super(issues.join("; "));
    this.issues = issues;
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export const isText: Check = (value) => (typeof value === "string" ? null : "must be text");

export const isWhole: Check = (value) => (Number.isSafeInteger(value) ? null : "must be a whole number");

/** A number of [least, most]. */
export function isNumberIn(least: number, most = Infinity): Check {
  return (value) =>
    typeof value === "number" && value >= least && value <= most
      ? null
      : `must be a number from ${least} to ${most}`;
}

export function isListOf(check: Check): Check {
  return (value) => {
    if (!Array.isArray(value)) return "must be a list";
    return value.map(check).find((issue) => issue !== null) ?? null;
  };
}

/** An object with some of these fields and no other. */
export function isForm(checks: Readonly<Record<string, Check>>): Check {
  return (value) => {
    if (!isRecord(value)) return "must be an object";
    const issues = Object.entries(value).flatMap(([name, field]) => {
      if (field === undefined) return [];
      const check = Object.hasOwn(checks, name) ? checks[name] : undefined;
      const issue = check ? check(field) : "is unknown";
      return issue === null ? [] : [`${name} ${issue}`];
    });
    return issues.length === 0 ? null : issues.join("; ");
  };
}
