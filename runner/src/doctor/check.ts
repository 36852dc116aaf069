import pLimit from "p-limit";
import { messageOf, SettingsFault } from "../errors.ts";
import { isFailure, type Status } from "../status.ts";

/** What a check says. `output` is one sentence with the facts, `remedy` what to do next, empty where that is nothing. */
export type Finding = {
  readonly status: Status;
  readonly output: string;
  readonly remedy: string;
};
export type Result = Finding & { readonly name: string };

/** One look at one thing. It changes nothing, and the signal ends it. */
export type Check = {
  readonly name: string;
  /** Names of checks without whose success this one has nothing to look at. */
  readonly needs: readonly string[];
  /** Names of checks that come first, however they end. */
  readonly after?: readonly string[];
  /** Where it needs longer than the others. */
  readonly limitMs?: number;
  /** A group of checks gives results with names of their own. */
  readonly look: (signal: AbortSignal) => Promise<Finding | readonly Result[]>;
};

export const pass = (output: string): Finding => ({ status: "pass", output, remedy: "" });
export const skip = (output: string): Finding => ({ status: "skip", output, remedy: "" });
export const warn = (output: string, remedy: string): Finding => ({ status: "warn", output, remedy });
export const fail = (output: string, remedy: string): Finding => ({ status: "fail", output, remedy });

/** A finding of the worst of the two levels that a value reaches. */
export function byLimit(
  value: number,
  limits: { readonly warn: number; readonly fail: number },
  output: string,
  remedy: string,
): Finding {
  if (value >= limits.fail) return fail(output, remedy);
  return value >= limits.warn ? warn(output, remedy) : pass(output);
}

/** The first few of a list, in words: `a; b; c and 4 more`. */
export function listSome(items: readonly string[], most = 4): string {
  const more = items.length > most ? ` and ${items.length - most} more` : "";
  return `${items.slice(0, most).join("; ")}${more}`;
}

const LIMIT_MS = 5_000;
/** The database's pool has three connections, and waiting for one must not count against a check. */
const AT_ONCE = 3;

/**
 * Runs the checks, in the order given, those that `only` names or all (null); also what these need, which is in the
 * result only where it did not pass. Each has its own time, so that one that hangs hides nothing; what could not be
 * looked at is an error. Rejects only with the reason of `signal`.
 */
export async function runChecks(
  checks: readonly Check[],
  only: readonly string[] | null,
  signal: AbortSignal,
  limitMs = LIMIT_MS,
): Promise<readonly Result[]> {
  const started = new Map<string, Promise<readonly Result[]>>();
  const enter = pLimit(AT_ONCE);
  const start = (name: string): Promise<readonly Result[]> => {
    const known = started.get(name);
    if (known !== undefined) return known;
    const check = checks.find((each) => each.name === name);
    if (check === undefined) throw new Error(`there is no check ${name}`);
    const results = run(check).then((found) => ("status" in found ? [{ name, ...found }] : found));
    started.set(name, results);
    return results;
  };
  const run = async (check: Check): Promise<Finding | readonly Result[]> => {
    await Promise.all((check.after ?? []).map(start));
    const needed = (await Promise.all(check.needs.map(start))).flat();
    const missing = needed.find(({ status }) => status === "skip" || isFailure(status));
    if (missing !== undefined) return skip(`needs ${missing.name}, see there`);
    return enter(() => lookWithin(check, signal, check.limitMs ?? limitMs));
  };
  const asked = checks.filter(({ name }) => only === null || only.includes(name));
  await Promise.all(asked.map(({ name }) => start(name)));
  const results = await Promise.all(
    checks.map(async ({ name }) => {
      const found = (await started.get(name)) ?? [];
      return only === null || only.includes(name) ? found : found.filter(({ status }) => status !== "pass");
    }),
  );
  return results.flat();
}

async function lookWithin(
  check: Check,
  signal: AbortSignal,
  limitMs: number,
): Promise<Finding | readonly Result[]> {
  signal.throwIfAborted();
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), limitMs);
  const both = AbortSignal.any([signal, limit.signal]);
  const ended = Promise.withResolvers<never>();
  both.addEventListener("abort", () => ended.reject(both.reason), { once: true });
  const remedy = `mend what stands in the way, then: runner doctor --only ${check.name}`;
  try {
    return await Promise.race([check.look(both), ended.promise]);
  } catch (error) {
    signal.throwIfAborted();
    const why = error instanceof SettingsFault ? error.faults.join("; ") : messageOf(error);
    const output = limit.signal.aborted
      ? `could not be checked within ${limitMs / 1000} s`
      : `could not be checked: ${why}`;
    return { status: "error", output, remedy };
  } finally {
    clearTimeout(timer);
  }
}
