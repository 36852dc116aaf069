import pLimit from "p-limit";
import { messageOf, SettingsFault } from "../errors.ts";

/** What a check says. `found` is one sentence with the facts, `remedy` what to do next, empty where that is nothing. */
export type Finding = {
  readonly status: "pass" | "warn" | "fail" | "skip";
  readonly found: string;
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
  readonly look: (signal: AbortSignal) => Promise<Finding>;
};

export const pass = (found: string): Finding => ({ status: "pass", found, remedy: "" });
export const skip = (found: string): Finding => ({ status: "skip", found, remedy: "" });
export const warn = (found: string, remedy: string): Finding => ({ status: "warn", found, remedy });
export const fail = (found: string, remedy: string): Finding => ({ status: "fail", found, remedy });

/** A finding of the worst of the two levels that a value reaches. */
export function byLimit(
  value: number,
  limits: { readonly warn: number; readonly fail: number },
  found: string,
  remedy: string,
): Finding {
  if (value >= limits.fail) return fail(found, remedy);
  return value >= limits.warn ? warn(found, remedy) : pass(found);
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
 * looked at is a failure. Rejects only with the reason of `signal`.
 */
export async function runChecks(
  checks: readonly Check[],
  only: readonly string[] | null,
  signal: AbortSignal,
  limitMs = LIMIT_MS,
): Promise<readonly Result[]> {
  const started = new Map<string, Promise<Result>>();
  const enter = pLimit(AT_ONCE);
  const start = (name: string): Promise<Result> => {
    const known = started.get(name);
    if (known !== undefined) return known;
    const check = checks.find((each) => each.name === name);
    if (check === undefined) throw new Error(`there is no check ${name}`);
    const result = run(check).then((finding) => ({ name, ...finding }));
    started.set(name, result);
    return result;
  };
  const run = async (check: Check): Promise<Finding> => {
    await Promise.all((check.after ?? []).map(start));
    const needed = await Promise.all(check.needs.map(start));
    const missing = needed.find(({ status }) => status === "fail" || status === "skip");
    if (missing !== undefined) return skip(`needs ${missing.name}, see there`);
    return enter(() => lookWithin(check, signal, check.limitMs ?? limitMs));
  };
  const asked = checks.filter(({ name }) => only === null || only.includes(name));
  await Promise.all(asked.map(({ name }) => start(name)));
  const results = await Promise.all([...started.values()]);
  const rank = (name: string) => checks.findIndex((check) => check.name === name);
  return results
    .filter(({ name, status }) => only === null || only.includes(name) || status !== "pass")
    .toSorted((a, b) => rank(a.name) - rank(b.name));
}

async function lookWithin(check: Check, signal: AbortSignal, limitMs: number): Promise<Finding> {
  signal.throwIfAborted();
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), limitMs);
  const both = AbortSignal.any([signal, limit.signal]);
  const ended = Promise.withResolvers<never>();
  both.addEventListener("abort", () => ended.reject(both.reason), { once: true });
  const again = `mend what stands in the way, then: runner doctor --only ${check.name}`;
  try {
    return await Promise.race([check.look(both), ended.promise]);
  } catch (error) {
    signal.throwIfAborted();
    if (limit.signal.aborted) return fail(`could not be checked within ${limitMs / 1000} s`, again);
    const why = error instanceof SettingsFault ? error.faults.join("; ") : messageOf(error);
    return fail(`could not be checked: ${why}`, again);
  } finally {
    clearTimeout(timer);
  }
}
