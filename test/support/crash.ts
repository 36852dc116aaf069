import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import type { Interval } from "../../runner/src/contract/intervals.ts";
import type { RunningRunner, RunResult } from "./runner.ts";
import { expectInvariant, type World } from "./world.ts";

/** Waits until more is stored than `before`, so that a kill meets the work and not the start. */
export async function waitForProgress(world: World, before: number, { child }: RunningRunner): Promise<void> {
  while (child.exitCode === null && (await countCovered(world)) <= before) await sleep(10);
}

/** Seconds that all series cover together: cheap to ask for again and again, and it grows with each page. */
export async function countCovered(world: World): Promise<number> {
  const [row] = await world.database.query<{ seconds: number }>(
    "select coalesce(sum(extract(epoch from covered_to - covered_from)), 0)::float8 as seconds from r3a.series",
  );
  return row?.seconds ?? 0;
}

/**
 * Runs until nothing was skipped: the server needs a moment to notice that a killed process is gone, and until then
 * its locks are held.
 */
export async function runUntilComplete(world: World, args: string): Promise<RunResult> {
  for (let attempt = 1; ; attempt += 1) {
    const run = await world.run(`${args} --json`);
    expect(run).toMatchObject({ code: 0 });
    if (JSON.parse(run.stdout).intervals[0].skipped === 0) return run;
    if (attempt === 20) throw new Error("the lock of a series is held, and no process that lives holds it");
    await sleep(100);
  }
}

/** The series holds exactly what the exchange holds of the span, covers it, and the log has no gap in it. */
export async function expectComplete(
  world: World,
  interval: Interval,
  symbols: readonly string[],
  { from, to }: { readonly from: number; readonly to: number },
): Promise<void> {
  for (const symbol of symbols) {
    expect(await world.stored(symbol, interval)).toEqual(world.truth(symbol, interval, from, to));
  }
  const series = await world.database.query(
    `select c.symbol, (extract(epoch from covered_from) * 1000)::float8 as "from",
            (extract(epoch from covered_to) * 1000)::float8 as "to",
            (select count(*)::int from r3a.ohlcv_gap_log g where g.coin_id = s.coin_id and g."interval" = s."interval"
               and g.state <> 'repaired') as gaps
     from r3a.series s join r3a.coin c on c.id = s.coin_id where s."interval" = $1 and c.symbol = any($2) order by 1`,
    [interval, symbols],
  );
  expect(series).toEqual(symbols.toSorted().map((symbol) => ({ symbol, from, to, gaps: 0 })));
  await expectInvariant(world);
}

/** A generator of numbers in [0, 1) from a seed, so that a failure can be seen again. */
export function createDice(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
