import { beforeEach, expect, test } from "vitest";
import { IN_BACKUP } from "../../runner/src/candle/waiting-gap.ts";
import { INTERVALS, WIDTH_MS } from "../../runner/src/contract/intervals.ts";
import { readPartStates } from "../../runner/src/db/backup/part-state.ts";
import { openDatabase } from "../../runner/src/db/connect.ts";
import { lockKey } from "../../runner/src/db/lock.ts";
import {
  addPendingGaps,
  type PendingLeaf,
  shrinkPendingGaps,
} from "../../runner/src/db/restore/pending-gaps.ts";
import { type OwnClient, own } from "../../runner/src/db/session.ts";
import { leafAt } from "../../runner/src/partition/layout.ts";
import { NEVER } from "../support/backup/object.ts";
import { makeSeries } from "../support/candle/made-series.ts";
import { DAY, HOUR, MINUTE } from "../support/candle/series.ts";
import { useDatabase } from "../support/database/database.ts";
import { withSession } from "../support/database/empty-database.ts";

const database = useDatabase();

/** Where two months, and no two quarters or years, meet. */
const SEAM = Date.UTC(2024, 1, 1);
const leaves: readonly PendingLeaf[] = [
  leafAt("1m", SEAM),
  leafAt("4h", SEAM),
  leafAt("1h", SEAM),
  leafAt("1m", SEAM - 1),
].map((leaf) => ({
  ...leaf,
  intervals: INTERVALS.filter((interval) => leafAt(interval, leaf.span.from).name === leaf.name),
}));
const [newest, slow] = leaves;

async function withOwn<T>(work: (client: OwnClient) => Promise<T>): Promise<T> {
  const db = openDatabase(database.url, "pending gaps");
  try {
    return await own(db, NEVER, async (client) => {
      await client.query("begin");
      const result = await work(client);
      await client.query("commit");
      return result;
    });
  } finally {
    await db.pool.end();
  }
}

/** The unrepaired gaps, as text. */
const readLog = async () =>
  (
    await database.query<{ gap: string }>(`
      select format('%s %s %s..%s %s', c.symbol, g."interval", to_char(g.from_ts at time zone 'UTC', 'MM-DD HH24:MI'),
                    to_char(g.to_ts at time zone 'UTC', 'MM-DD HH24:MI'), coalesce(g.evidence ->> 'error', g.state)) as gap
      from r3a.ohlcv_gap_log g join r3a.coin c on c.id = g.coin_id where g.state <> 'repaired'
      order by c.symbol, g."interval", g.from_ts`)
  ).map(({ gap }) => gap);

/** Slots that the series cover and that are neither stored nor in exactly one gap. */
const findUnexplained = () =>
  database.query(
    `select s.coin_id, s."interval", at from r3a.series s
     join unnest($1::text[], $2::interval[]) as w ("interval", width) on w."interval" = s."interval"
     cross join lateral generate_series(s.covered_from, s.covered_to - w.width, w.width) at
     where (select count(*) from r3a.ohlcv_partitioned t
            where t.coin_id = s.coin_id and t."interval" = s."interval" and t."timestamp" = at)
         + (select count(*) from r3a.ohlcv_gap_log g where g.coin_id = s.coin_id and g."interval" = s."interval"
            and g.state <> 'repaired' and g.from_ts <= at and at < g.to_ts) <> 1`,
    [INTERVALS, INTERVALS.map((interval) => `${WIDTH_MS[interval]} ms`)],
  );

/** Stores the rows of a leaf again, but for those that the condition names, and takes the leaf out of the log. */
async function load(leaf: PendingLeaf, lost = "false"): Promise<void> {
  const interval = leaf.intervals[0] ?? "1m";
  await withOwn(async (client) => {
    await client.query(
      `insert into r3a.${leaf.name} select t.* from public.kept t where t."interval" = any ($1)
       and t."timestamp" >= $2 and t."timestamp" < $3 and not (${lost})`,
      [leaf.intervals, new Date(leaf.span.from), new Date(leaf.span.to)],
    );
    await shrinkPendingGaps(client, leaf, await readPartStates(client, leafAt(interval, leaf.span.from)));
  });
}

beforeEach(async () => {
  await database.query("drop table if exists public.kept");
  await database.query("truncate r3a.coin, r3a.series, r3a.ohlcv_gap_log, r3a.ohlcv_partitioned cascade");
  await makeSeries(database.url, [
    {
      ...{ symbol: "BTCUSDT", interval: "1m", from: SEAM - HOUR, to: SEAM + HOUR },
      gaps: [
        { from: SEAM - 40 * MINUTE, to: SEAM - 30 * MINUTE },
        { from: SEAM - 5 * MINUTE, to: SEAM + 5 * MINUTE, state: "confirmed_absent" },
      ],
    },
    { symbol: "BTCUSDT", interval: "4h", from: SEAM - DAY, to: SEAM + DAY },
    { symbol: "BTCUSDT", interval: "1d", from: SEAM - DAY, to: SEAM + DAY },
    { symbol: "ETHUSDT", interval: "1m", from: SEAM - HOUR, to: SEAM + HOUR },
    { symbol: "SOLUSDT", interval: "1h", from: SEAM - DAY, to: SEAM + DAY },
  ]);
  await database.query(`create table public.kept as select * from r3a.ohlcv_partitioned`);
  await database.query(`truncate r3a.ohlcv_partitioned`);
});

test("what is not loaded yet is a gap that no run asks for; each leaf takes its span out, and the log is as before", async () => {
  const before = await readLog();
  await withOwn((client) => addPendingGaps(client, leaves));
  expect(await readLog()).toEqual([
    `BTCUSDT 1d 01-31 00:00..02-02 00:00 ${IN_BACKUP}`,
    `BTCUSDT 1m 01-31 23:00..01-31 23:20 ${IN_BACKUP}`,
    "BTCUSDT 1m 01-31 23:20..01-31 23:30 open",
    `BTCUSDT 1m 01-31 23:30..01-31 23:55 ${IN_BACKUP}`,
    "BTCUSDT 1m 01-31 23:55..02-01 00:05 confirmed_absent",
    `BTCUSDT 1m 02-01 00:05..02-01 01:00 ${IN_BACKUP}`,
    `BTCUSDT 4h 01-31 00:00..02-02 00:00 ${IN_BACKUP}`,
    `ETHUSDT 1m 01-31 23:00..02-01 01:00 ${IN_BACKUP}`,
    `SOLUSDT 1h 01-31 00:00..02-02 00:00 ${IN_BACKUP}`,
  ]);
  const due = await database.query(
    `select from r3a.ohlcv_gap_log where evidence ->> 'error' = '${IN_BACKUP}'
     and (next_check_at is not null or state <> 'not_requested' or reason is not null)`,
  );
  expect(due).toEqual([]);
  expect(await findUnexplained()).toEqual([]);
  for (const leaf of leaves) {
    await load(leaf);
    expect(await findUnexplained()).toEqual([]);
    if (leaf === newest)
      expect((await readLog()).filter((gap) => / 1m .*backup/.test(gap))).toEqual([
        `BTCUSDT 1m 01-31 23:00..01-31 23:20 ${IN_BACKUP}`,
        `BTCUSDT 1m 01-31 23:30..01-31 23:55 ${IN_BACKUP}`,
        `ETHUSDT 1m 01-31 23:00..02-01 00:00 ${IN_BACKUP}`,
      ]);
  }
  expect(await readLog()).toEqual(before);
  // what waited was no gap of the exchange, so the log keeps no history of it either
  expect(await database.query("select from r3a.ohlcv_gap_log where evidence <> '{}'")).toEqual([]);
});

test("what a leaf does not bring is open and due at once, and a leaf that nobody has is so as a whole", async () => {
  await withOwn((client) => addPendingGaps(client, leaves));
  // a coin that came meanwhile: what a backfill stored of it in the leaf went before the leaf was loaded
  await makeSeries(database.url, [
    { symbol: "XRPUSDT", interval: "1h", from: SEAM - HOUR, to: SEAM + HOUR, gaps: [] },
  ]);
  await database.query("truncate r3a.ohlcv_partitioned");
  for (const leaf of leaves) {
    if (leaf === slow) await load(leaf, "true");
    else await load(leaf, `t."timestamp" = '2024-02-01 00:30Z' or t."timestamp" >= '2024-02-01 22:00Z'`);
  }
  expect(await findUnexplained()).toEqual([]);
  const opened = await database.query(
    `select c.symbol, g."interval", (extract(epoch from g.to_ts - g.from_ts) / 60)::int as minutes, reason, attempts
     from r3a.ohlcv_gap_log g join r3a.coin c on c.id = g.coin_id
     where state = 'open' and next_check_at <= now() order by 1, 2`,
  );
  const missing = { reason: "failed", attempts: 0 };
  expect(opened).toEqual([
    { symbol: "BTCUSDT", interval: "1d", minutes: 2 * 1_440, ...missing },
    { symbol: "BTCUSDT", interval: "1m", minutes: 1, ...missing },
    { symbol: "BTCUSDT", interval: "4h", minutes: 2 * 1_440, ...missing },
    { symbol: "ETHUSDT", interval: "1m", minutes: 1, ...missing },
    { symbol: "SOLUSDT", interval: "1h", minutes: 120, ...missing },
    { symbol: "XRPUSDT", interval: "1h", minutes: 120, ...missing },
  ]);
  expect((await readLog()).filter((gap) => gap.includes(IN_BACKUP))).toEqual([]);
});

test("a leaf waits for a sync that holds one of its series, keeps no other sync away meanwhile, and sees what that sync did", async () => {
  await withOwn((client) => addPendingGaps(client, leaves));
  const leaf = newest ?? expect.fail("no leaf");
  const key = (symbol: string) => lockKey("series", `${symbol}:1m`);
  await withSession(database.url, async (sync) => {
    await sync.query("select pg_advisory_lock($1)", [key("BTCUSDT")]);
    let isLoaded = false;
    const loading = load(leaf).then(() => {
      isLoaded = true;
    });
    const isFree = async () =>
      (await sync.query(`select pg_try_advisory_lock($1) as free`, [key("ETHUSDT")])).rows[0]?.free === true;
    // as often as it takes to meet the moment in which the leaf tries, and several tries of the leaf
    for (let free = 0; free < 5; ) {
      if (await isFree()) {
        free += 1;
        await sync.query("select pg_advisory_unlock($1)", [key("ETHUSDT")]);
      }
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    expect(isLoaded).toBe(false);
    // meanwhile that sync has found that the exchange lacks the next candle; it could not store one in a leaf that is loaded
    await sync.query(`
      insert into r3a.ohlcv_gap_log (id, coin_id, "interval", from_ts, to_ts, state, reason)
      select gen_random_uuid(), coin_id, "interval", covered_to, covered_to + interval '1 min', 'confirmed_absent', 'absent'
      from r3a.series s join r3a.coin c on c.id = s.coin_id where c.symbol = 'BTCUSDT' and s."interval" = '1m';
      update r3a.series s set covered_to = covered_to + interval '1 min' from r3a.coin c
      where c.id = s.coin_id and c.symbol = 'BTCUSDT' and s."interval" = '1m'`);
    await sync.query("select pg_advisory_unlock($1)", [key("BTCUSDT")]);
    await loading;
    expect(await findUnexplained()).toEqual([]);
    expect((await readLog()).filter((gap) => gap.includes("02-01 01:0"))).toEqual([
      "BTCUSDT 1m 02-01 01:00..02-01 01:01 confirmed_absent",
    ]);
  });
});
