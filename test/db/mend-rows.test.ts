import { beforeEach, expect, test } from "vitest";
import { applyRevisions } from "../../runner/src/db/restore/mend/revisions.ts";
import { salvageRows } from "../../runner/src/db/restore/mend/salvage.ts";
import { leafAt } from "../../runner/src/partition/layout.ts";
import { makeSeries } from "../support/candle/made-series.ts";
import { DAY, HOUR, iso } from "../support/candle/series.ts";
import { useDatabase } from "../support/database/database.ts";
import { fillScratch, withOwn, withReach } from "../support/mend/scratch.ts";

/** Rows of a damaged leaf that no backup has, on tables that are whole: what of them comes onto the scratch table. */

const database = useDatabase();
const FROM = Date.UTC(2024, 0, 5);
const MINUTES = leafAt("1m", FROM);
const SLOW = leafAt("4h", FROM);
const LIVE = `r3a.${MINUTES.name}`;
const at = (minute: number) => `"timestamp" = '${iso(FROM + minute * 60_000)}'`;
const salvage = (leaf = MINUTES) =>
  withReach(database.url, (reach) => salvageRows(reach, leaf, `r3a.${leaf.name}`));
const rowsOf = async (table: string, condition = "true") =>
  (
    await database.query<{ row: string }>(
      `select t::text as row from ${table} t where ${condition} order by 1`,
    )
  ).map(({ row }) => row);
/** The keys are dropped for a test that needs rows twice. */
const dropKey = () =>
  database.query(`alter table r3a.ohlcv_partitioned drop constraint ohlcv_partitioned_pkey`);

beforeEach(async () => {
  await database.query(
    `truncate r3a.ohlcv_partitioned, r3a.series, r3a.ohlcv_gap_log, r3a.candle_revision, r3a.leaf_reopening, r3a.leaf_state`,
  );
  await database.query(`delete from r3a.coin`);
  await makeSeries(database.url, [
    { symbol: "BTCUSDT", interval: "1m", from: FROM, to: FROM + 2 * HOUR },
    {
      symbol: "ETHUSDT",
      interval: "1m",
      from: FROM,
      to: FROM + 2 * HOUR,
      gaps: [{ from: FROM + HOUR, to: FROM + HOUR + 600_000 }],
    },
    { symbol: "BTCUSDT", interval: "4h", from: FROM, to: FROM + 2 * DAY },
    { symbol: "BTCUSDT", interval: "1d", from: FROM, to: FROM + 2 * DAY },
  ]);
});

test("rows on slots that the objects lack come from the damaged table, and rows that the objects have stay", async () => {
  const before = await rowsOf(LIVE);
  const scratch = await fillScratch(
    database,
    MINUTES,
    `not (${at(3)}) and "timestamp" < '${iso(FROM + HOUR)}'`,
  );
  await database.query(`update ${LIVE} set close = close * 10, high = high * 10 where ${at(7)}`);
  expect(await salvage()).toEqual({
    added: 112,
    filled: 0,
    unsound: 0,
    twice: 0,
    pages: expect.any(Number),
    unread: [],
    crashes: 0,
  });
  expect(await rowsOf(scratch)).toEqual(before);
});

test("a leaf of two intervals, and symbols that only the damaged leaf knows; nothing that no series covers", async () => {
  await makeSeries(database.url, [{ symbol: "SOLUSDT", interval: "1d", from: FROM, to: FROM + DAY }]);
  const before = await rowsOf(`r3a.${SLOW.name}`);
  const scratch = await fillScratch(
    database,
    SLOW,
    `"interval" = '1d' and coin_id = (select min(id) from r3a.coin)`,
  );
  // a candle that no series covers, and one of a symbol that is not known
  await database.query(`
    insert into r3a.${SLOW.name} (coin_id, "interval", "timestamp", open, high, low, close, volume)
    select coin_id, "interval", "timestamp" + interval '9 days', open, high, low, close, volume from r3a.${SLOW.name}
    union all
    select 999, "interval", "timestamp", open, high, low, close, volume from r3a.${SLOW.name} where "interval" = '4h'`);
  expect(await salvage(SLOW)).toMatchObject({ added: 13, unsound: 0 });
  expect(await rowsOf(scratch)).toEqual(before);
});

test("what is no candle, or is there twice with different values, is left; the same row twice is one row", async () => {
  const scratch = await fillScratch(database, MINUTES, "false");
  await dropKey();
  try {
    await database.query(`update ${LIVE} set high = low / 2 where ${at(1)}`);
    await database.query(`update ${LIVE} set volume = 'NaN' where ${at(2)}`);
    await database.query(
      `update ${LIVE} set open = open::numeric(40, 35), close = close + 1e-33 where ${at(3)}`,
    );
    await database.query(`update ${LIVE} set "timestamp" = "timestamp" + interval '1 s' where ${at(4)}`);
    await database.query(`update ${LIVE} set source = E'a\\tb' where ${at(5)}`);
    await database.query(`insert into ${LIVE} select * from ${LIVE} where ${at(6)}`);
    await database.query(
      `create temp table again as select * from ${LIVE} where ${at(7)}; update again set volume = 1;
       insert into ${LIVE} select * from again; drop table again`,
    );
    const lacking = [1, 2, 3, 4, 5, 7];
    expect(await salvage()).toMatchObject({ added: 230 - 2 * lacking.length, unsound: 10, twice: 2 });
    expect(await rowsOf(scratch, lacking.map(at).join(" or "))).toEqual([]);
    expect(await rowsOf(scratch, at(6))).toHaveLength(2);
  } finally {
    await database.query(`truncate r3a.ohlcv_partitioned`);
    await database.query(
      `alter table r3a.ohlcv_partitioned add constraint ohlcv_partitioned_pkey primary key (coin_id, "interval", "timestamp")`,
    );
  }
});

test("a value comes for a null where the mandatory values are equal, and nothing else changes", async () => {
  const scratch = await fillScratch(database, MINUTES, "true");
  const before = await rowsOf(scratch, at(1));
  await database.query(`update ${scratch} set trades = null, taker_base = null where ${at(1)} or ${at(2)}`);
  await database.query(`update ${LIVE} set close = close + 0.5 where ${at(2)}`);
  expect(await salvage()).toMatchObject({ added: 0, filled: 2, unsound: 0 });
  expect(await rowsOf(scratch, at(1))).toEqual(before);
  expect(
    await rowsOf(
      scratch,
      `${at(2)} and trades is null and close <> (select close from ${LIVE} l where l.coin_id = t.coin_id and l.${at(2)})`,
    ),
  ).toHaveLength(2);
});

test("the newest revision since the snapshot replaces the row of the objects, and a null in it replaces nothing", async () => {
  const scratch = await fillScratch(database, MINUTES, `not (${at(4)})`);
  const revise = (minute: number, values: string, seenAt = "2024-02-01T00:00:00Z") =>
    database.query(
      `insert into r3a.candle_revision (coin_id, "interval", "timestamp", old_values, new_values, old_source, new_source, seen_at)
       select coin_id, "interval", "timestamp", '{}', to_jsonb(t) || jsonb_build_object(${values}), 'rest', 'rest', $1
       from ${LIVE} t where ${at(minute)}`,
      [seenAt],
    );
  await revise(1, "'close', close + 0.75");
  await revise(1, "'close', close + 0.25, 'trades', null");
  await revise(2, "'close', close + 0.25", "2024-01-31T22:00:00Z");
  await revise(3, "'close', -1");
  await revise(4, "'volume', 77");
  const applied = await withOwn(database.url, (client) =>
    applyRevisions(client, MINUTES, { at: Date.parse("2024-02-01T00:30:00Z") }),
  );
  expect(applied).toEqual({ changed: 2, added: 2, refused: 2 });
  const revised = `close = open + 0.25`;
  expect(await rowsOf(scratch, `${at(1)} and ${revised} and trades = 7`)).toHaveLength(2);
  expect(await rowsOf(scratch, `${at(2)} and ${revised}`)).toEqual([]);
  expect(await rowsOf(scratch, `${at(4)} and volume = 77 and flags = 0`)).toHaveLength(2);
});
