import type { z } from "zod";
import { type Fault, SettingsFault } from "../errors.ts";
import { checkJobs } from "../model/check-jobs.ts";
import { checkSettings } from "./check.ts";
import { DEFAULTS } from "./decode.ts";
import { jobOverride, resources } from "./fields.ts";
import { nearest } from "./nearest.ts";
import { PROJECT, SETTINGS, type Settings } from "./schema.ts";
import { SECRET_SETTINGS } from "./secret-keys.ts";

/** Which file a setting stands in; asked with the setting's name alone. */
export type PlaceOf = (name: string) => string;

/** Settings from raw values; everything that is wrong is thrown together as one SettingsFault. */
export function parseSettings(raw: Readonly<Record<string, unknown>>, placeOf: PlaceOf): Settings {
  const { settings, faults } = examineSettings(raw, placeOf);
  if (faults.length > 0) throw new SettingsFault(faults);
  return settings;
}

/**
 * As parseSettings, for a loader with faults of its own to add. Where there are faults, the settings are what is left
 * with the wrong values at their defaults.
 */
export function examineSettings(
  raw: Readonly<Record<string, unknown>>,
  placeOf: PlaceOf,
): { readonly settings: Settings; readonly faults: readonly string[] } {
  const first = SETTINGS.safeParse(raw);
  const issues = first.success ? [] : first.error.issues;
  const wrong = issues.flatMap((issue) => faultsOf(issue));
  const settings = first.success ? first.data : SETTINGS.parse(without(raw, issues));
  const checked = [...checkSettings(settings), ...checkJobs(settings)].filter(
    (fault) => !isBlurred(fault, wrong),
  );
  return { settings, faults: [...wrong, ...checked].map((fault) => describe(fault, placeOf)) };
}

/** The line of a fault: file, key, what is wrong and what to do. */
export function describe({ key, message }: Fault, placeOf: PlaceOf): string {
  const name = /^[^.[]*/.exec(key)?.[0] ?? key;
  return `${placeOf(name)}: ${PROJECT}:${key}: ${message}`;
}

/** A fault that may only be there because a wrong value beside it was taken out. */
function isBlurred({ key }: Fault, wrong: readonly Fault[]): boolean {
  const job = /^jobs\.[^.]+/.exec(key)?.[0];
  return wrong.some(
    (other) =>
      key === other.key ||
      key.startsWith(`${other.key}.`) ||
      (job !== undefined && other.key.startsWith(`${job}.`) && /seconds$/i.test(key)),
  );
}

/** The raw values without what the schema refused, so that the rest can be checked in the same go. */
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

/** What to say of a key that nobody knows. */
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

/** Says no value: it might be a secret that got under a wrong key. */
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
