import { expect } from "vitest";
import { RESULTS } from "../../dev/docs/results/schemas.ts";
import type { CommandName } from "../../runner/src/contract/commands.ts";
import type { RunResult } from "./runner.ts";

/** What a test reads of a result after its schema was held against it. */
export type Result = Readonly<Record<string, unknown>> & { readonly command: CommandName };

/** A check and its measure, e.g. `freshness:age`, is a key of health; all other keys are names of fields. */
const KEY = /^[a-z][A-Za-z0-9]*$|^[a-z]+:[a-z]+$/;
/** Times of the years 2001 to 2128 as epoch ms. */
const isEpochMs = (value: unknown) => typeof value === "number" && value >= 1e12 && value < 5e12;

/** Holds the output of a run against the schema of its command and the rules for all results. */
export function expectResult({ stdout, stderr }: RunResult): Result {
  expect(stdout, stderr).toMatch(/^\{"version":1,"command":"[a-z-]+",[\s\S]*\}\n$/);
  const result = JSON.parse(stdout) as Result;
  const parsed = RESULTS[result.command]?.safeParse(result);
  expect(parsed?.error, stdout.slice(0, 2_000)).toBeUndefined();
  expect(parsed?.success, `${result.command} has no schema`).toBe(true);
  expect(listBreaches(result)).toEqual([]);
  return result;
}

/** Paths of keys that are not in camelCase, and of times that are numbers. */
function listBreaches(value: unknown, path = ""): readonly string[] {
  if (isEpochMs(value)) return [`${path} is ${value}`];
  if (Array.isArray(value)) return value.flatMap((each, index) => listBreaches(each, `${path}[${index}]`));
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, each]) => [
    ...(KEY.test(key) ? [] : [`${path}.${key}`]),
    ...listBreaches(each, `${path}.${key}`),
  ]);
}
