import { writeFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";

const startedAt = performance.now();
const phases: { name: string; seconds: number }[] = [];
const failures: string[] = [];
const figures: Record<string, number> = {};
let checks = 0;

const secondsSince = (from: number): number => (performance.now() - from) / 1_000;

export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** A step that the rest needs; its time stands in the summary. */
export async function phase<T>(name: string, work: () => Promise<T>): Promise<T> {
  say(`==> ${name}`);
  const from = performance.now();
  try {
    return await work();
  } finally {
    phases.push({ name, seconds: secondsSince(from) });
    say(`<== ${name}: ${secondsSince(from).toFixed(1)} s`);
  }
}

/** One promise of the system. A broken one fails the run at its end: the others are still told. */
export async function check(name: string, work: () => Promise<string>): Promise<void> {
  checks += 1;
  try {
    say(`  ok    ${name}: ${await work()}`);
  } catch (error) {
    failures.push(name);
    say(`  FAIL  ${name}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Throws with both sides unless they are equal. */
export function expectEqual(actual: unknown, expected: unknown, what: string): void {
  if (isDeepStrictEqual(actual, expected)) return;
  const show = (value: unknown) => JSON.stringify(value)?.slice(0, 1_500);
  throw new Error(`${what}: expected ${show(expected)}, got ${show(actual)}`);
}

/** Names of the checks that failed so far. */
export function listFailures(): readonly string[] {
  return failures;
}

/** Keeps a measured number for the file that R3A_E2E_FIGURES names: the bench sets it beside its limit. */
export function record(name: string, value: number): void {
  figures[name] = value;
}

/** The last lines: what each phase took, and how many checks held. */
export function summarize(): void {
  say("");
  for (const { name, seconds } of phases) say(`${seconds.toFixed(1).padStart(8)} s  ${name}`);
  say(`${secondsSince(startedAt).toFixed(1).padStart(8)} s  in all`);
  if (checks > 0) say(`${checks - failures.length} of ${checks} checks held`);
  if (failures.length > 0) say(`failed: ${failures.join("; ")}`);
  const file = process.env.R3A_E2E_FIGURES;
  if (file !== undefined && Object.keys(figures).length > 0) writeFileSync(file, JSON.stringify(figures));
}
