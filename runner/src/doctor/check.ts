import pLimit from "p-limit";
import { messageOf, SettingsFault } from "../errors.ts";
import { commandLine } from "../program-name.ts";
import { isFailure, type Status } from "../status.ts";

/** The result of a check. `output`: one sentence with the facts. `remedy`: what to do next, empty if there is nothing to do. */
export type Finding = {
  readonly status: Status;
  readonly output: string;
  readonly remedy: string;
};
export type Result = Finding & { readonly name: string };

/** One check. The check changes nothing, and the signal ends the check. */
export type Check = {
  readonly name: string;
  /** Names of the checks that must succeed first; otherwise this check is skipped. */
  readonly needs: readonly string[];
  /** Names of the checks that must end first, with any result. */
  readonly after?: readonly string[];
  /** For a check that needs longer than the others. */
  readonly limitMs?: number;
  /** Gives one result, or a list of named results if the check is a group. */
  readonly look: (signal: AbortSignal) => Promise<Finding | readonly Result[]>;
};

export const pass = (output: string): Finding => ({ status: "pass", output, remedy: "" });
export const skip = (output: string): Finding => ({ status: "skip", output, remedy: "" });
export const warn = (output: string, remedy: string): Finding => ({ status: "warn", output, remedy });
export const fail = (output: string, remedy: string): Finding => ({ status: "fail", output, remedy });

/** `fail` or `warn` if the value reaches that limit, else `pass`. */
export function byLimit(
  value: number,
  limits: { readonly warn: number; readonly fail: number },
  output: string,
  remedy: string,
): Finding {
  if (value >= limits.fail) return fail(output, remedy);
  return value >= limits.warn ? warn(output, remedy) : pass(output);
}

/** The first items of a list as text: `a; b; c and 4 more`. */
export function listSome(items: readonly string[], most = 4): string {
  const more = items.length > most ? ` and ${items.length - most} more` : "";
  return `${items.slice(0, most).join("; ")}${more}`;
}

const LIMIT_MS = 5_000;
/** The database's pool has three connections, and the wait for a connection must not use up a check's time. */
const AT_ONCE = 3;

/**
 * Runs the checks that `only` names, or all (null), and the checks that they need. A needed check is in the results only if
 * it did not pass. The results have the order of `checks`. Each check has its own time limit, so a check that hangs hides
 * no other check. A check that throws or takes too long is an error. Rejects only with the reason of `signal`.
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
  const remedy = `remove the cause, then: ${commandLine(`doctor --only ${check.name}`)}`;
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
