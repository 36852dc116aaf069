import { afterAll, beforeAll, expect, test } from "vitest";
import { type Database, openDatabase } from "../../runner/src/db/connect.ts";
import { ensureLeaf } from "../../runner/src/db/leaves.ts";
import { loadSeries } from "../../runner/src/db/series.ts";
import { storePages } from "../../runner/src/db/store.ts";
import { refreshLastTs } from "../../runner/src/maint/refresh-last-ts.ts";
import { leafAt } from "../../runner/src/partition/layout.ts";
import { applyPage } from "../../runner/src/sync/apply.ts";
import { DAY_MS, MINUTE_MS } from "../../runner/src/time.ts";
import { addTestCoins, makeCandles, makePage } from "../support/candle/candle-rows.ts";
import { useDatabase } from "../support/database/database.ts";

const NOW = Date.UTC(2024, 5, 2);
const database = useDatabase();
let db: Database;
beforeAll(() => {
  db = openDatabase(database.url, "beside");
});
afterAll(() => db.pool.end());

test("a backfill that began before the newest candles were deleted does not raise the value again", async () => {
  const [coin = 0] = await addTestCoins(database, ["C0USDT"]);
  for (const ms of [NOW, NOW - 700 * MINUTE_MS]) await ensureLeaf(db, leafAt("1m", ms));
  const stored = makePage(coin, makeCandles("1m", NOW - 600 * MINUTE_MS, 600), { interval: "1m" });
  await storePages(db, [stored], { runId: null });
  const [begun] = await loadSeries(db, "1m", [coin]);
  if (begun === undefined) throw new Error("the series is not there");
  await database.query(`delete from r3a.ohlcv_partitioned where "timestamp" >= to_timestamp($1)`, [
    (NOW - 100 * MINUTE_MS) / 1000,
  ]);
  const request = { now: NOW, lookbackMs: 3 * DAY_MS, isPreview: false };
  const refreshed = await refreshLastTs(db, request, new AbortController().signal);
  expect(refreshed?.changes).toMatchObject([{ to: NOW - 101 * MINUTE_MS }]);

  const span = { from: NOW - 700 * MINUTE_MS, to: NOW - 600 * MINUTE_MS };
  for (const candles of [makeCandles("1m", span.from, 100), []]) {
    const slots = candles.map(({ openTime }) => openTime);
    const page = { span, slots, rejected: new Map(), failure: null };
    const { write } = applyPage(begun, { page, candles }, NOW);
    await storePages(db, [{ ...write, overlapsStored: true }], { runId: null });
  }
  const rows = await database.query("select last_ts from r3a_util.last_ts_by_coin_interval");
  expect(rows).toEqual([{ last_ts: new Date(NOW - 101 * MINUTE_MS) }]);
});

test("a value that no candle can have stops no sync before it is corrected", async () => {
  const values = ["infinity", "-infinity", "290000-07-01", "0044-03-15 BC"];
  const coins = await addTestCoins(
    database,
    values.map((_, index) => `V${index}USDT`),
  );
  await database.query(
    `insert into r3a_util.last_ts_by_coin_interval select c, '1m', v from unnest($1::int[], $2::timestamptz[]) as u (c, v)`,
    [coins, values],
  );
  const latest = Date.now() + 2 * DAY_MS;
  for (const { symbol, lastTs } of await loadSeries(db, "1m", coins)) {
    expect(lastTs, symbol).toBeGreaterThanOrEqual(0);
    expect(lastTs, symbol).toBeLessThan(latest);
  }
});
