import { expect } from "vitest";
import { type Interval, WIDTH_MS } from "../../../runner/src/contract/intervals.ts";
import type { World } from "../world.ts";

/** What tests ask about one stored series. */

export const MINUTE = 60_000;
export const HOUR = 3_600_000;
export const DAY = 86_400_000;

export const iso = (ms: number): string => new Date(ms).toISOString();

/** A row of the gap log; times in ms. */
export type LoggedGap = {
  readonly from: number;
  readonly to: number;
  readonly state: string;
  readonly reason: string;
  readonly attempts: number;
  readonly evidence: Readonly<Record<string, string | number | null>>;
  readonly nextCheckAt: number | null;
};

const GAPS = `
  select (extract(epoch from from_ts) * 1000)::float8 as "from", (extract(epoch from to_ts) * 1000)::float8 as "to",
         state, reason, attempts, evidence, (extract(epoch from next_check_at) * 1000)::float8 as "nextCheckAt"
  from r3a.ohlcv_gap_log g join r3a.coin c on c.id = g.coin_id
  where c.symbol = $1 and g."interval" = $2 and g.state <> 'repaired' order by from_ts`;

/** The gaps of a series that are not repaired, by time. */
export async function gapsOf(
  world: World,
  symbol: string,
  interval: Interval,
): Promise<readonly LoggedGap[]> {
  return world.database.query<LoggedGap>(GAPS, [symbol, interval]);
}

/** The covered span of a series in ms, null where nothing is covered. */
export async function coveredOf(
  world: World,
  symbol: string,
  interval: Interval,
): Promise<readonly [from: number, to: number] | null> {
  const [row] = await world.database.query<{ from: Date; to: Date }>(
    `select covered_from as "from", covered_to as "to" from r3a.series s join r3a.coin c on c.id = s.coin_id
     where c.symbol = $1 and s."interval" = $2 and covered_from is not null`,
    [symbol, interval],
  );
  return row === undefined ? null : [row.from.getTime(), row.to.getTime()];
}

/** Stored rows are the exchange's own, none else, and what is missing of the span [from, to) lies in the gap log. */
export async function expectOnlyTruth(
  world: World,
  symbol: string,
  interval: Interval,
  [from, to]: readonly [from: number, to: number],
): Promise<void> {
  const gaps = await gapsOf(world, symbol, interval);
  const expected = world
    .truth(symbol, interval, from, to)
    .filter(([open]) => !gaps.some((gap) => open >= gap.from && open < gap.to));
  expect(await world.stored(symbol, interval)).toEqual(expected);
}

/** The series holds every closed candle since `from`, exactly, and has no gap. */
export async function expectWhole(
  world: World,
  symbol: string,
  interval: Interval,
  from: number,
): Promise<void> {
  const width = WIDTH_MS[interval];
  const to = Math.floor(world.exchange.now() / width) * width;
  expect(await gapsOf(world, symbol, interval)).toEqual([]);
  expect(await coveredOf(world, symbol, interval)).toEqual([from, to]);
  expect(await world.stored(symbol, interval)).toEqual(world.truth(symbol, interval, from, to));
}

/** Every log line and result of a run, for tests that look for a word in it. */
export const outputOf = ({ stdout, stderr }: { readonly stdout: string; readonly stderr: string }): string =>
  `${stdout}\n${stderr}`;

/** The exit code, with the whole log beside it where it is another. */
export function expectExit(
  run: { readonly code: number | null; readonly stdout: string; readonly stderr: string },
  code: number,
): void {
  expect(run.code, outputOf(run)).toBe(code);
}
