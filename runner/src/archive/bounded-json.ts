import { printable } from "../candle/printable.ts";
import { messageOf } from "../errors.ts";
import { parseTime } from "../time.ts";

/** Reads one value of a JSON text, or throws with its path and what is wrong. */
export type Read<T> = (value: unknown, path: string) => T;

/** A value is not of the type, size or range that it must have. `message` begins with its path. */
export class WrongValue extends Error {
  constructor(path: string, text: string) {
    super(`${path === "" ? "the text" : path} ${text}`);
    this.name = "WrongValue";
  }
}

/** A whole number from `least` to `most`, both included. */
export function whole(least: number, most = Number.MAX_SAFE_INTEGER): Read<number> {
  return (value, path) => {
    if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most)
      return value as number;
    throw new WrongValue(path, `must be a whole number from ${least} to ${most}, not ${shown(value)}`);
  };
}

/** A text of that form and of at most `most` characters, without control characters. */
export function text(most: number, form = /^[^\p{C}\p{Zl}\p{Zp}]*$/u): Read<string> {
  return (value, path) => {
    if (typeof value === "string" && value.length <= most && form.test(value)) return value;
    throw new WrongValue(
      path,
      `must be a text of the form ${form} of at most ${most} characters, not ${shown(value)}`,
    );
  };
}

/** An ISO 8601 time in UTC, as the text that it is. */
export const timeText: Read<string> = (value, path) => {
  const found = text(40, /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,3})?Z$/)(value, path);
  try {
    parseTime(found);
    return found;
  } catch (error) {
    throw new WrongValue(path, messageOf(error));
  }
};

export function oneOf<const T extends string | number>(...values: readonly T[]): Read<T> {
  return (value, path) => {
    const found = values.find((each) => each === value);
    if (found !== undefined) return found;
    throw new WrongValue(path, `must be ${values.join(" or ")}, not ${shown(value)}`);
  };
}

export function orNull<T>(read: Read<T>): Read<T | null> {
  return (value, path) => (value === null ? null : read(value, path));
}

export function orNothing<T>(read: Read<T>): Read<T | undefined> {
  return (value, path) => (value === undefined ? undefined : read(value, path));
}

/** A list of at most `most` values. */
export function listOf<T>(read: Read<T>, most: number): Read<readonly T[]> {
  return (value, path) => {
    if (!Array.isArray(value)) throw new WrongValue(path, `must be a list, not ${shown(value)}`);
    if (value.length > most) throw new WrongValue(path, `has ${value.length} entries where ${most} can be`);
    return value.map((each, index) => read(each, `${path}[${index}]`));
  };
}

/**
 * An object with these fields. Others are left out: a later release may add what this one can do without, and raises the
 * version of the text for what it cannot.
 */
export function objectOf<T>(fields: { readonly [Field in keyof T]: Read<T[Field]> }): Read<T> {
  return (value, path) => {
    if (typeof value !== "object" || value === null || Array.isArray(value))
      throw new WrongValue(path, `must be an object, not ${shown(value)}`);
    const read: Partial<T> = {};
    for (const field in fields) {
      const inner = Object.hasOwn(value, field) ? Reflect.get(value, field) : undefined;
      read[field] = fields[field](inner, path === "" ? field : `${path}.${field}`);
    }
    return read as T;
  };
}

function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  return typeof value === "object"
    ? value === null
      ? "null"
      : "an object"
    : printable(JSON.stringify(value), 60);
}
