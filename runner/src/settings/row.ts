import { ENVIRONMENT, type EnvironmentName } from "../contract/environment.ts";
import { parseCount } from "./parsers.ts";

/**
 * One setting: its variable, and how the text of the variable is read. Its default, meaning and secrecy stand in the
 * contract.
 */
export type Row<T> = {
  readonly name: EnvironmentName;
  /** Throws as the functions of parsers.ts do, with a sentence that never holds the value of a secret. */
  readonly parse: (text: string) => T;
  /** The value where the variable is not set and has no default; without it the variable must be set. */
  readonly absent?: T;
  /** Another variable that gives the same setting, such as the file that holds it. One of the two may be set. */
  readonly other?: Pick<Row<T>, "name" | "parse">;
  /** Without this, a variable that is set but blank counts as not set; with this, `parse` gets the blank. */
  readonly takesBlank?: true;
};

/** The rows of a group of settings. */
export type Rows<S> = { readonly [K in keyof S]: Row<S[K]> };

type Variables = typeof ENVIRONMENT;
type NumberName = {
  [K in EnvironmentName]: Variables[K] extends { most: number } ? K : never;
}[EnvironmentName];

/** A whole number from 1 to the most that the contract allows. */
export function countRow(name: NumberName): Row<number> {
  return { name, parse: (text) => parseCount(text, ENVIRONMENT[name].most) };
}
