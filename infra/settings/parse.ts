import type { z } from "zod";
import type { Fault } from "../errors.ts";
import { jobOverride, resources } from "./fields.ts";
import { nearest } from "./nearest.ts";
import { restoreDate } from "./plain-scalar.ts";
import { DEFAULTS, isSetting, PROJECT, SETTINGS, type SettingName, type Settings } from "./schema.ts";
import { SECRET_SETTINGS } from "./secret-keys.ts";

/** The file in which a setting stands, by the name of the setting. */
export type PlaceOf = (name: string) => string;

/** A value as a reader found it: as plain data, and for a scalar also as text. */
export type RawValue = { readonly text?: string | undefined; readonly value: unknown };

/** What a reader found: the values by setting, their files, and the faults of the files themselves. */
export type Source = {
  readonly values: Readonly<Record<string, RawValue>>;
  readonly placeOf: PlaceOf;
  /** Whole lines of the error. */
  readonly faults: readonly string[];
};

/**
 * Settings from raw values, each of the right type and form. Each wrong value is replaced by its default. Whether the
 * settings fit each other and the jobs is checked after this step (model/load.ts).
 */
export function parseSettings(values: Source["values"]): {
  readonly settings: Settings;
  readonly wrong: readonly Fault[];
} {
  const raw = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, decode(name, value)]));
  const first = SETTINGS.safeParse(raw);
  if (first.success) return { settings: first.data, wrong: [] };
  const { issues } = first.error;
  return { settings: SETTINGS.parse(without(raw, issues)), wrong: issues.flatMap(faultsOf) };
}

/**
 * A raw value in the type of its setting. A text that does not fit the type stays a text, and the schema refuses it.
 */
export function decode(name: string, { text, value }: RawValue): unknown {
  return text !== undefined && isSetting(name) ? decodeText(DEFAULTS[name], text) : value;
}

/**
 * The value of a text, by the type of the setting's default. The engine gives every scalar as a text and the rest as
 * JSON, so the texts of both readers are decoded here. A scalar that the engine reads in another way was refused before
 * (plain-scalar.ts), except a date.
 */
function decodeText(model: Settings[SettingName], text: string): unknown {
  if (typeof model === "string") return restoreDate(text);
  if (typeof model === "boolean") return text === "true" ? true : text === "false" ? false : text;
  if (typeof model === "number") return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** The line of a fault: file, key, what is wrong and what to do. A value outside the settings has no project's name. */
export function describe({ key, message, place }: Fault, placeOf: PlaceOf): string {
  if (place !== undefined) return `${place}: ${key}: ${message}`;
  const name = /^[^.[]*/.exec(key)?.[0] ?? key;
  return `${placeOf(name)}: ${PROJECT}:${key}: ${message}`;
}

/** The raw values without those that the schema refused, so that the rest can be checked in the same run. */
function without(
  raw: Readonly<Record<string, unknown>>,
  issues: readonly z.core.$ZodIssue[],
): Record<string, unknown> {
  const copy = structuredClone(raw) as Record<string, unknown>;
  for (const issue of issues)
    for (const path of issue.code === "unrecognized_keys"
      ? issue.keys.map((key) => [...issue.path, key])
      : [issue.path])
      remove(copy, path.map(String));
  return copy;
}

function remove(from: Record<string, unknown>, [step = "", ...rest]: readonly string[]): void {
  const next = from[step];
  if (rest.length > 0 && typeof next === "object" && next !== null && !Array.isArray(next))
    remove(next as Record<string, unknown>, rest);
  else delete from[step];
}

function keyOf(path: readonly PropertyKey[]): string {
  return path
    .map((step, index) =>
      typeof step === "number" ? `[${step}]` : `${index === 0 ? "" : "."}${String(step)}`,
    )
    .join("");
}

function faultsOf(issue: z.core.$ZodIssue): readonly Fault[] {
  if (issue.code !== "unrecognized_keys") return [{ key: keyOf(issue.path), message: messageOf(issue) }];
  const known = knownAt(issue.path.length);
  return issue.keys.map((key) => ({ key: keyOf([...issue.path, key]), message: unknownKey(key, known) }));
}

/** Keys by depth: settings, fields of a job (`jobs.NAME`), its resources. */
function knownAt(depth: number): readonly string[] {
  if (depth === 0) return [...Object.keys(DEFAULTS), ...Object.keys(SECRET_SETTINGS)];
  return Object.keys(depth === 2 ? jobOverride.shape : resources.shape);
}

/** The message about an unknown key. */
export function unknownKey(key: string, known: readonly string[] = knownAt(0)): string {
  const near = nearest(key, known);
  return `unknown; ${near === undefined ? "docs/settings.md lists all settings" : `did you mean ${near}?`}`;
}

const WRITE: Readonly<Record<string, string>> = {
  boolean: "true or false",
  string: "a text",
  number: "a number",
  int: "a whole number",
  array: "a list, [a, b]",
  object: "a map, {key: value}",
  record: "a map, {key: value}",
};

/** The message about a wrong value. It never has the value, which may be a secret under a wrong key. */
function messageOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return `has the wrong type; write ${WRITE[issue.expected] ?? issue.expected}`;
    case "invalid_value":
      return `is not among the allowed values; write one of ${issue.values.map(String).join(", ")}`;
    case "too_small":
      return `is too small; write ${issue.inclusive === false ? "more than" : "at least"} ${issue.minimum}`;
    case "too_big":
      return `is too large; write ${issue.inclusive === false ? "less than" : "at most"} ${issue.maximum}`;
    case "invalid_union": {
      const inner = issue.errors[0]?.[0];
      return issue.message.startsWith("must") || inner === undefined
        ? `has the wrong form; it ${issue.message}`
        : messageOf(inner);
    }
    default:
      return `has the wrong form; it ${issue.message}`;
  }
}
