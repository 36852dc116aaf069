import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { Candle } from "../../runner/src/candle/candle.ts";
import { insertCandles, upsertCandles } from "../../runner/src/db/candles.ts";
import { type Database, openDatabase, withClient } from "../../runner/src/db/connect.ts";
import { ensureLeaf } from "../../runner/src/db/leaves.ts";
import { withTransaction } from "../../runner/src/db/session.ts";
import { leafAt } from "../../runner/src/partition/layout.ts";
import { addTestCoins, countWal, listVersions, makeCandles } from "../support/candle/candle-rows.ts";
import { useDatabase } from "../support/database/database.ts";

const START = Date.UTC(2024, 0, 1);
const RUN = "01890000-0000-7000-8000-000000000001";
const database = useDatabase();
let db: Database;
let [one, two] = [0, 0];

beforeAll(async () => {
  db = openDatabase(database.url, "candles");
  await ensureLeaf(db, leafAt("1m", START));
  [one = 0, two = 0] = await addTestCoins(database, ["AUSDT", "BUSDT"]);
});
beforeEach(async () => {
  await database.query("truncate r3a.ohlcv_partitioned, r3a.candle_revision");
});
afterAll(() => db.pool.end());

const insert = (...batches: readonly [coinId: number, candles: readonly Candle[]][]) =>
  withClient(db, (client) =>
    insertCandles(
      client,
      "1m",
      batches.map(([coinId, candles]) => ({ coinId, candles })),
    ),
  );
const upsert = (...batches: readonly [coinId: number, candles: readonly Candle[]][]) =>
  withClient(db, (client) =>
    upsertCandles(client, "1m", {
      batches: batches.map(([coinId, candles]) => ({ coinId, candles })),
      runId: RUN,
    }),
  );
const countRows = async () =>
  (await database.query<{ n: number }>("select count(*)::int as n from r3a.ohlcv_partitioned"))[0]?.n;
const revisions = () =>
  database.query(
    `select coin_id, (extract(epoch from "timestamp") * 1000)::float8 as at, old_values, new_values, old_source, new_source, run_id
     from r3a.candle_revision order by id`,
  );
const valuesOf = async (coinId: number) =>
  database.query(
    `select open::text, high::text, low::text, close::text, volume::text, quote_volume::text, trades::text,
            taker_base::text, taker_quote::text, flags, source,
            (extract(epoch from close_time) * 1000)::text as close_time
     from r3a.ohlcv_partitioned where coin_id = $1 order by "timestamp"`,
    [coinId],
  );

test("new rows of several series go in with one statement, counted by series", async () => {
  const written = await insert(
    [one, makeCandles("1m", START, 1000)],
    [two, makeCandles("1m", START, 10)],
    [one, makeCandles("1m", START + 60_000_000, 500)],
  );
  expect(written).toEqual(
    new Map([
      [one, { added: 1500, revised: 0 }],
      [two, { added: 10, revised: 0 }],
    ]),
  );
  expect(await countRows()).toBe(1510);
  expect(await insert()).toEqual(new Map());
  expect(await insert([one, []])).toEqual(new Map([[one, { added: 0, revised: 0 }]]));
  expect(await upsert([one, []])).toEqual(new Map());
});

test("an insert that meets a stored row is refused and stores nothing", async () => {
  await insert([one, makeCandles("1m", START, 5)]);
  const refused = insert([two, makeCandles("1m", START, 1)], [one, makeCandles("1m", START + 240_000, 5)]);
  await expect(refused).rejects.toMatchObject({ code: "23505" });
  expect(await countRows()).toBe(5);
});

test("an upsert adds what is new and counts neither what is stored nor what is the same in other digits", async () => {
  await insert([one, makeCandles("1m", START, 5)]);
  const same = makeCandles("1m", START, 8).map((candle) => ({ ...candle, open: `${candle.open}000` }));
  expect(await upsert([one, same], [two, makeCandles("1m", START, 2)])).toEqual(
    new Map([
      [one, { added: 3, revised: 0 }],
      [two, { added: 2, revised: 0 }],
    ]),
  );
  expect(await revisions()).toEqual([]);
  // the digits that came first stay, those of a new row are kept as sent
  expect((await valuesOf(one)).map(({ open }) => open).slice(4, 6)).toEqual(["104.10", "105.10000"]);
});

test("a closed candle that changed is one revision with old and new values, and the new ones count", async () => {
  const candles = makeCandles("1m", START, 4);
  await insert([one, candles]);
  const changed = candles.map((candle, index) =>
    index === 2 ? { ...candle, close: "101.9", trades: 77 } : candle,
  );
  expect(await upsert([one, changed])).toEqual(new Map([[one, { added: 0, revised: 1 }]]));
  expect(await revisions()).toEqual([
    {
      coin_id: one,
      at: START + 120_000,
      old_values: expect.objectContaining({ close: 102.2, trades: 2, open: 102.1 }),
      new_values: expect.objectContaining({ close: 101.9, trades: 77, open: 102.1 }),
      old_source: "rest",
      new_source: "rest",
      run_id: RUN,
    },
  ]);
  expect((await valuesOf(one)).map(({ close }) => close)).toEqual(["100.2", "101.2", "101.9", "103.2"]);
  expect(await upsert([one, changed])).toEqual(new Map([[one, { added: 0, revised: 0 }]]));
  expect(await revisions()).toHaveLength(1);
});

test("an old database's row with five columns is completed without being a revision", async () => {
  const candles = makeCandles("1m", START, 3);
  await database.query(
    `insert into r3a.ohlcv_partitioned (coin_id, "interval", "timestamp", open, high, low, close, volume)
     select $1, '1m', to_timestamp(t / 1000.0), o, h, l, c, v
     from unnest($2::bigint[], $3::numeric[], $4::numeric[], $5::numeric[], $6::numeric[], $7::numeric[]) as u (t, o, h, l, c, v)`,
    [
      one,
      candles.map(({ openTime }) => openTime),
      candles.map(({ open }) => open),
      candles.map(({ high }) => high),
      candles.map(({ low }) => low),
      candles.map(({ close }) => close),
      candles.map(({ volume }, index) => (index === 1 ? "55" : volume)),
    ],
  );
  expect(await upsert([one, candles])).toEqual(new Map([[one, { added: 0, revised: 1 }]]));
  expect(await revisions()).toMatchObject([
    { at: START + 60_000, old_values: { volume: 55, trades: null }, old_source: null, new_source: "rest" },
  ]);
  expect(await valuesOf(one)).toMatchObject(
    [0, 1, 2].map((index) => ({ trades: `${index}`, source: "rest" })),
  );
});

test("rows that are stored already leave no dead row, no lock and no WAL", async () => {
  const candles = makeCandles("1m", START, 1000);
  const fresh = await withTransaction(db, async (client) => {
    const counted = countWal(client);
    await upsertCandles(counted.client, "1m", { batches: [{ coinId: one, candles }], runId: RUN });
    return counted.bytes();
  });
  // the measure sees what is written
  expect(fresh).toBeGreaterThan(100_000);
  expect(await countRows()).toBe(1000);
  const before = await listVersions(database);
  expect(await upsert([one, candles])).toEqual(new Map([[one, { added: 0, revised: 0 }]]));
  const again = await withTransaction(db, async (client) => {
    const counted = countWal(client);
    await upsertCandles(counted.client, "1m", { batches: [{ coinId: one, candles }], runId: RUN });
    return counted.bytes();
  });
  expect(await listVersions(database)).toEqual(before);
  expect(again).toBeLessThan(fresh / 100);
});

test("decimals of any size and precision come back digit by digit", async () => {
  const extremes = [
    "0",
    "0.00000000",
    "0.00000001",
    "0.000000000000000000000001",
    "123456789012345678901234567890.123456789012345678901234567890",
    "9".repeat(400),
    `0.${"0".repeat(300)}1`,
    "1.10",
    "007.70",
  ];
  const candles = extremes.map((value, index) => ({
    ...makeCandles("1m", START + index * 60_000, 1)[0],
    openTime: START + index * 60_000,
    closeTime: START + index * 60_000 + 59_999,
    ...{ open: value, high: value, low: value, close: value, volume: value },
    ...{ quoteVolume: value, takerBase: value, takerQuote: value, trades: Number.MAX_SAFE_INTEGER },
  }));
  await insert([one, candles]);
  await upsert([two, candles]);
  const expected = extremes.map((value) => (value === "007.70" ? "7.70" : value));
  for (const coinId of [one, two]) {
    const rows = await valuesOf(coinId);
    for (const column of [
      "open",
      "high",
      "low",
      "close",
      "volume",
      "quote_volume",
      "taker_base",
      "taker_quote",
    ]) {
      expect(rows.map((row) => row[column])).toEqual(expected);
    }
    expect(new Set(rows.map(({ trades }) => trades))).toEqual(new Set([String(Number.MAX_SAFE_INTEGER)]));
  }
});

test("a candle beside its slot is stored where it lies and marked", async () => {
  const candles = makeCandles("1m", START, 3).map((candle, index) =>
    index === 1 ? { ...candle, openTime: candle.openTime + 1_234 } : candle,
  );
  expect(await insert([one, candles])).toEqual(new Map([[one, { added: 3, revised: 0 }]]));
  expect((await valuesOf(one)).map(({ flags }) => flags)).toEqual([0, 1, 0]);
});

test("a statement whose rows span several leaves finds the stored ones of all", async () => {
  const edge = Date.UTC(2024, 1, 1);
  await ensureLeaf(db, leafAt("1m", edge));
  const candles = makeCandles("1m", edge - 120_000, 4);
  await insert([one, candles]);
  const before = await listVersions(database);
  const changed = candles.map((candle) => ({ ...candle, volume: "1000" }));
  expect(await upsert([one, candles])).toEqual(new Map([[one, { added: 0, revised: 0 }]]));
  expect(await listVersions(database)).toEqual(before);
  expect(await upsert([one, changed])).toEqual(new Map([[one, { added: 0, revised: 4 }]]));
});
