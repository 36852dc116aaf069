import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import type { UsedDatabase } from "../database/database.ts";
import { type RunningRunner, type RunResult, startRunner } from "../runner.ts";

/** Starts maint as a process of its own. */
export function startMaint(database: UsedDatabase, args = ""): RunningRunner {
  return startRunner(["maint", ...args.split(" ").filter(Boolean)], { DB_URL: database.url });
}

/**
 * Runs maint until nothing is left. After a kill the server needs a moment to notice that the client is gone (5 s in a
 * statement), and until then its lock is held.
 */
export async function runMaintUntilDone(database: UsedDatabase): Promise<void> {
  for (let attempt = 1; attempt <= 100; attempt += 1) {
    const run = await startMaint(database, "--json").ended;
    expect(run.code, run.stderr).toBe(0);
    if (run.stdout !== "" && JSON.parse(run.stdout).backlog === 0) return;
    await sleep(100);
  }
  throw new Error("maint has not come to an end in 100 runs");
}

/** The leaf of the period that is now. */
export async function openLeafOf(database: UsedDatabase, parent: string): Promise<string> {
  const [row] = await database.query<{ leaf: string }>(
    `select leaf::text from r3a_util.leaf_partitions() where parent = $1::regclass and now() >= from_ts and now() < to_ts`,
    [parent],
  );
  if (row === undefined) throw new Error(`no leaf of now below ${parent}`);
  return row.leaf;
}

/** Waits until a build on the table has begun and is not finished. */
export async function waitForInvalid(database: UsedDatabase, table: string): Promise<void> {
  const invalid = `select from pg_index where indrelid = $1::regclass and not indisvalid`;
  for (let attempt = 1; (await database.query(invalid, [table])).length === 0; attempt += 1) {
    if (attempt === 3_000) throw new Error(`no build has begun on ${table}`);
    await sleep(10);
  }
}

/** The steps of a run with --json that ended so. */
export function stepsThat(outcome: "failed" | "blocked", { stdout }: RunResult) {
  const { steps }: { steps: { outcome: string; op: string; object: string; error: string }[] } =
    JSON.parse(stdout);
  return steps.filter((step) => step.outcome === outcome);
}
