import { afterAll, beforeAll, expect, test } from "vitest";
import type { Span } from "../../runner/src/candle/span.ts";
import { type Database, openDatabase } from "../../runner/src/db/connect.ts";
import { findCoinsDue, findTouching, readRequested } from "../../runner/src/db/gap-reads.ts";
import { loadSeries } from "../../runner/src/db/series.ts";
import type { GapRequest } from "../../runner/src/sync/fill-plan.ts";
import { pageGaps } from "../../runner/src/sync/fill-plan.ts";
import { MINUTE_MS } from "../../runner/src/time.ts";
import { addTestCoins } from "../support/candle/candle-rows.ts";
import { useDatabase } from "../support/database/database.ts";

/** What reads the gap log, with more rows in it than a part or a page has, and without statistics. */
const START = Date.UTC(2024, 0, 1);
const GAPS = 20_000;
const at = (slot: number) => START + slot * MINUTE_MS;
const database = useDatabase();
let db: Database;
let coinId = 0;

beforeAll(async () => {
  db = openDatabase(database.url, "gap reads");
  [coinId = 0] = await addTestCoins(database, ["AUSDT"]);
  await database.query(
    `insert into r3a.series (coin_id, "interval", covered_from, covered_to) values ($1, '1m', $2, $3)`,
    [coinId, new Date(START), new Date(at(2 * GAPS + 100))],
  );
  // every second minute: each fourth one open and due, each fourth before the listing, the others explained and not due
  await database.query(
    `insert into r3a.ohlcv_gap_log (id, coin_id, "interval", from_ts, to_ts, state, reason, next_check_at)
     select gen_random_uuid(), $1, '1m', t, t + interval '1 min',
            (array['open', 'confirmed_absent', 'before_listing', 'after_delisting'])[1 + n % 4], 'absent',
            case when n % 4 = 0 then $2::timestamptz else $2::timestamptz + interval '1 day' end
     from generate_series(0, ${GAPS - 1}) n, lateral (select $2::timestamptz + n * interval '2 min' as t) x`,
    [coinId, new Date(START)],
  );
});
afterAll(() => db.pool.end());

const series = () => ({ coinId, symbol: "AUSDT", interval: "1m" as const });
async function read(request: GapRequest): Promise<Span[]> {
  const spans: Span[] = [];
  for await (const part of readRequested(db, series(), request)) {
    expect(part.length).toBeLessThanOrEqual(300);
    spans.push(...part);
  }
  return spans;
}
const slotsOf = (spans: readonly Span[]) => spans.map(({ from }) => (from - START) / MINUTE_MS / 2);
const every = (keep: (n: number) => boolean) => Array.from({ length: GAPS }, (_, n) => n).filter(keep);

test("each request brings its own gaps, each once, by time", async () => {
  const all = { which: "all", now: START, within: null } as const;
  expect(slotsOf(await read({ ...all, listed: null }))).toEqual(every((n) => n % 4 !== 2));
  const listed = at(2 * 1_000);
  expect(slotsOf(await read({ ...all, listed }))).toEqual(every((n) => n % 4 !== 2 || n >= 1_000));
  expect(slotsOf(await read({ ...all, which: "refuted", listed }))).toEqual(
    every((n) => n % 4 === 2 && n >= 1_000),
  );
  const within = { from: at(801), to: at(2_401) };
  expect(slotsOf(await read({ ...all, which: "wanted", listed: null, within }))).toEqual(
    every((n) => n % 4 === 0 && n > 400 && n <= 1_200),
  );
});

test.each([1, 7, 5_000])(
  "what is due at %d times takes a request for each page of it, and no more",
  async (times) => {
    // in an order that has nothing to do with that of the gaps
    await database.query(
      `update r3a.ohlcv_gap_log set next_check_at = $1::timestamptz - (hashtext(from_ts::text) % ${times}) * interval '1 s'
     where state = 'open'`,
      [new Date(START - 6_000_000)],
    );
    const tasks: Span[] = [];
    const due: GapRequest = { which: "due", now: START };
    for await (const task of pageGaps("1m", due, readRequested(db, series(), due))) tasks.push(task);
    const pages = (2 * GAPS) / 1_000;
    expect(tasks.length).toBeLessThanOrEqual(pages + 1);
    const gaps = every((n) => n % 4 === 0).map((n) => at(2 * n));
    for (const from of gaps)
      expect(tasks.filter((task) => task.from <= from && task.to >= from + MINUTE_MS)).toHaveLength(1);
    await database.query(`update r3a.ohlcv_gap_log set next_check_at = $1 where state = 'open'`, [
      new Date(START),
    ]);
  },
);

test("a page finds the gaps that overlap or touch it, and no others", async () => {
  const found = await findTouching(db, series(), { from: at(1_001), to: at(1_010) });
  expect(slotsOf(found)).toEqual([500, 501, 502, 503, 504, 505]);
});

test("a sync loads a handful, whatever the log holds", async () => {
  const [state] = await loadSeries(db, "1m", [coinId]);
  expect(state?.gaps.length).toBeLessThan(5);
  expect(state?.unlisted.length).toBeLessThanOrEqual(40);
  expect([state?.failed, state?.openGaps]).toEqual([[], GAPS / 4]);
  expect(await findCoinsDue(db, "1m", { symbols: null, now: START })).toEqual([{ coinId, symbol: "AUSDT" }]);
  expect(await findCoinsDue(db, "1m", { symbols: null, now: START - 1 })).toEqual([]);
});

test("without statistics each look goes by an index and reads no more than it returns", async () => {
  const plan = async (where: string) => {
    const rows = await database.query<{ "QUERY PLAN": string }>(
      `explain select id from r3a.ohlcv_gap_log g where coin_id = ${coinId} and "interval" = '1m' and ${where}`,
    );
    return rows.map((row) => row["QUERY PLAN"]).join("\n");
  };
  expect(await plan(`state = 'open' and reason = 'failed' order by next_check_at limit 20`)).toContain(
    "ohlcv_gap_log_open",
  );
  expect(
    await plan(`state <> 'repaired' and next_check_at <= now() order by next_check_at, from_ts limit 300`),
  ).toContain("ohlcv_gap_log_next");
  expect(await plan(`state <> 'repaired' and from_ts < now() order by from_ts desc limit 1`)).toContain(
    "ohlcv_gap_log_unrepaired",
  );
});

test("the count of open gaps follows whoever changes the log, and whatever for", async () => {
  const counted = async () =>
    (await database.query<{ open: number }>(`select open::int from r3a.gap_count`))[0]?.open ?? 0;
  const exact = async () =>
    (
      await database.query<{ n: number }>(
        `select count(*)::int as n from r3a.ohlcv_gap_log where state = 'open'`,
      )
    )[0]?.n;
  for (const change of [
    `update r3a.ohlcv_gap_log set state = 'repaired' where from_ts < '2024-01-03' and state = 'open'`,
    `update r3a.ohlcv_gap_log set attempts = attempts + 1`,
    `update r3a.ohlcv_gap_log set state = 'not_requested', reason = null where from_ts > '2024-01-20' and state = 'open'`,
    `update r3a.ohlcv_gap_log set state = 'open' where state = 'confirmed_absent' and from_ts > '2024-01-15'`,
    `delete from r3a.ohlcv_gap_log where from_ts > '2024-01-22'`,
    `insert into r3a.ohlcv_gap_log (id, coin_id, "interval", from_ts, to_ts, state, reason)
     select gen_random_uuid(), coin_id, '1m', '2023-01-01', '2023-01-02', 'open', 'failed' from r3a.series`,
  ]) {
    await database.query(change);
    expect([change, await counted()]).toEqual([change, await exact()]);
  }
  await database.query("begin; delete from r3a.ohlcv_gap_log; rollback");
  expect(await counted()).toBe(await exact());
  await database.query("truncate r3a.ohlcv_gap_log");
  expect(await counted()).toBe(0);
});
