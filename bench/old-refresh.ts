import type pg from "pg";
import { buildLegacyLayout, insertLegacyCandles } from "../dev/fixtures/legacy-layout.ts";
import { fillSixYears, fillUpToNow } from "../dev/fixtures/six-years.ts";
import { withClient } from "../dev/postgres/with-client.ts";
import { slotOf } from "../runner/src/candle/interval.ts";
import type { Span } from "../runner/src/candle/span.ts";
import { INTERVALS, type Interval } from "../runner/src/contract/intervals.ts";
import { openDatabase } from "../runner/src/db/connect.ts";
import { own } from "../runner/src/db/session.ts";
import { refreshOn } from "../runner/src/maint/refresh-last-ts.ts";
import { DAY_MS, MINUTE_MS } from "../runner/src/time.ts";
import { type Figure, median, round, timed } from "./report.ts";
import type { Stage } from "./stage.ts";

const COINS = 60;
const DENSE_DAYS = 7;
/** 60 coins and five intervals: 2,400 and 21,600 leaves. */
const [FEW_MONTHS, ALL_MONTHS] = [8, 72];
const ROUNDS = 7;
const OUT_OF_MEMORY = "53200";
const signal = new AbortController().signal;

/** The statement of the old job, with its default look-back. */
const OLD_SQL = `
  WITH latest AS (
    SELECT coin_id,"interval", max("timestamp") AS mx
    FROM r3a.ohlcv_partitioned
    WHERE "timestamp" >= NOW() - INTERVAL '3 days'
    GROUP BY coin_id, "interval"
  )
  INSERT INTO r3a_util.last_ts_by_coin_interval (coin_id,"interval",last_ts)
  SELECT coin_id,"interval",mx FROM latest
  ON CONFLICT (coin_id,"interval")
  DO UPDATE SET last_ts = GREATEST(r3a_util.last_ts_by_coin_interval.last_ts, EXCLUDED.last_ts)`;

/**
 * refresh-lastts against the old statement on the old layout, at the same candles of the last days. Each round has a new
 * connection, as each job has one, and follows the storing of the minute's candles, which is what happens between two
 * runs. Two figures are shown that no job meets: a backend that has planned the old statement before is twice as fast,
 * and right after the old statement refresh-lastts takes a twentieth longer. Connecting is left out on both sides.
 */
export async function measureOldRefresh(stage: Stage): Promise<readonly Figure[]> {
  const old = await stage.emptyDatabase();
  await withClient(old, async (client) => {
    await buildOld(client, FEW_MONTHS, true);
    const today = slotOf("1d", Date.now());
    for (const interval of INTERVALS)
      await storeOld(client, interval, {
        from: today - DENSE_DAYS * DAY_MS,
        to: slotOf(interval, Date.now()),
      });
  });
  const fresh = await stage.database();
  await fillSixYears(fresh, COINS);
  const [olds, warms, ours, crowded]: [number[], number[], number[], number[]] = [[], [], [], []];
  const startedAt = Date.now();
  for (let turn = 0; turn < ROUNDS; turn += 1) {
    const now = startedAt + turn * MINUTE_MS;
    await fillUpToNow(fresh, now);
    ours.push(await timeOurs(fresh, now));
    await withClient(old, (client) =>
      storeOld(client, "1m", { from: slotOf("1m", now) - MINUTE_MS, to: slotOf("1m", now) }),
    );
    await withClient(old, async (client) => {
      olds.push(await timed(() => client.query(OLD_SQL)));
      warms.push(await timed(() => client.query(OLD_SQL)));
    });
    crowded.push(await timeOurs(fresh, now));
  }
  const [before, now] = [median(olds), median(ours)];
  return [
    {
      claim: "refresh-lastts against the old SQL, 2,400 old leaves",
      value: before / now,
      unit: "x",
      least: 100,
      detail: `${round(now)} against ${round(before)} ms on a new connection (${round(median(crowded))} right after the old one, ${round(median(warms))} where the old one was planned before), ${COINS} symbols, median of ${ROUNDS}`,
    },
  ];
}

/** The old statement on 60 symbols and six years: it needs more locks than a server with default settings has. */
export async function measureOldLayout(stage: Stage): Promise<readonly Figure[]> {
  const url = await stage.emptyDatabase();
  const failed = await withClient(url, async (client) => {
    await buildOld(client, ALL_MONTHS, false);
    return client.query(OLD_SQL).then(
      () => null,
      (error: pg.DatabaseError) => error,
    );
  });
  return [
    {
      claim: "the old SQL at 21,600 old leaves runs out of locks",
      value: failed?.code === OUT_OF_MEMORY ? 1 : 0,
      unit: "",
      least: 1,
      detail: failed?.message ?? "it did not fail",
    },
  ];
}

/** Rows only where they are asked for. With the btree and BRIN that the old maint gave each leaf, or without. */
function buildOld(client: pg.Client, months: number, leafIndexes: boolean): Promise<void> {
  const date = new Date();
  const first = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() - months + 1));
  return buildLegacyLayout(client, {
    coins: COINS,
    firstMonth: first.toISOString().slice(0, 7),
    months,
    rowsPerLeaf: 0,
    leafIndexes,
  });
}

/** Every candle of all coins in the span. */
async function storeOld(client: pg.Client, interval: Interval, span: Span): Promise<void> {
  for (let coinId = 1; coinId <= COINS; coinId += 1)
    await insertLegacyCandles(client, { coinId, interval, ...span });
}

async function timeOurs(url: string, now: number): Promise<number> {
  const db = openDatabase(url, "bench");
  try {
    const request = { now, lookbackMs: 3 * DAY_MS, isPreview: false };
    return await own(db, signal, (client) => timed(() => refreshOn(client, request)));
  } finally {
    await db.pool.end();
  }
}
