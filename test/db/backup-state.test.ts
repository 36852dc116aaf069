import { beforeAll, expect, test } from "vitest";
import type { BackupLeaf } from "../../runner/src/db/backup/backup-leaf.ts";
import { copyParts } from "../../runner/src/db/backup/copy-out.ts";
import { readSlots } from "../../runner/src/db/backup/part-slots.ts";
import { countParts, type PartState, readPartStates } from "../../runner/src/db/backup/part-state.ts";
import { addMinutes, makeLeaf, readBeside, textOf } from "../support/backup/parts.ts";
import { collect } from "../support/candle/arbitraries.ts";
import { useDatabase } from "../support/database/database.ts";

const database = useDatabase();
let leaf: BackupLeaf;
let slow: BackupLeaf;

const table = "r3a.ohlcv_partitioned";
const states = () => readBeside(database, (client) => readPartStates(client, leaf));
const stateOf = async (coinId: number): Promise<PartState> => {
  const found = (await states()).find((part) => part.coinId === coinId);
  if (found === undefined) throw new Error(`no part of coin ${coinId}`);
  return found;
};
const slotsOf = (of: BackupLeaf, parts: readonly Pick<PartState, "coinId" | "interval">[]) =>
  readBeside(database, (client) => collect(readSlots(client, of, parts)));
const textOfLeaf = () => readBeside(database, async (client) => textOf(copyParts(client, leaf, null)));

beforeAll(async () => {
  leaf = await makeLeaf(database, "1m", "2024-02-10T00:00:00Z");
  slow = await makeLeaf(database, "4h", "2024-02-10T00:00:00Z");
  await database.query(addMinutes, [1, "2024-02-01T00:00:00Z", 1_000]);
  await database.query(addMinutes, [2, "2024-02-10T00:00:00Z", 500]);
});

test("a part has its rows, its times, and a hash that a change of any column changes and an undone change gives back", async () => {
  const before = await states();
  expect(before.map(({ hash: _, ...part }) => part)).toEqual([
    {
      ...{ coinId: 1, interval: "1m", rows: 1_000, nullRows: 0, nullHash: 0n, isAligned: true },
      ...{ first: Date.parse("2024-02-01T00:00:00Z"), last: Date.parse("2024-02-01T16:39:00Z") },
    },
    {
      ...{ coinId: 2, interval: "1m", rows: 500, nullRows: 0, nullHash: 0n, isAligned: true },
      ...{ first: Date.parse("2024-02-10T00:00:00Z"), last: Date.parse("2024-02-10T08:19:00Z") },
    },
  ]);
  const hashes = new Set(before.map(({ hash }) => hash));
  const whole = await textOfLeaf();
  const key = `coin_id = 1 and "interval" = '1m' and "timestamp" = '2024-02-01 00:07+00'`;
  const [row] = await database.query<{ row: string }>(`select t::text as row from ${table} t where ${key}`);
  for (const change of [
    ...["open", "high", "low", "close", "volume", "quote_volume", "taker_base", "taker_quote"].flatMap(
      (column) => [`${column} = ${column} + 0.00000001`, `${column} = round(${column}, 12)`],
    ),
    ...["quote_volume", "trades", "taker_base", "taker_quote", "close_time", "source", "flags"].map(
      (column) => `${column} = null`,
    ),
    ...["source = ''", "source = 'Rest'", "flags = 1", "trades = 43", "trades = 0"],
    ...["close_time = close_time + interval '1 us'", "open = close, close = open"],
  ]) {
    await database.query(`update ${table} set ${change} where ${key}`);
    const { hash, rows } = await stateOf(1);
    expect([change, rows, hashes.has(hash)]).toEqual([change, 1_000, false]);
    hashes.add(hash);
    await database.query(`delete from ${table} where ${key}`);
    await database.query(`insert into ${table} select ($1::${table}).*`, [row?.row]);
  }
  expect(await states()).toEqual(before);
  expect(await textOfLeaf()).toBe(whole);
});

test("two candles that swap a price have another hash, and a part of another coin keeps its own", async () => {
  const before = await states();
  const swap = `
    update ${table} t set close = o.close from ${table} o
    where t.coin_id = 1 and o.coin_id = 1 and t."timestamp" in ('2024-02-01 00:01+00', '2024-02-01 00:02+00')
      and o."timestamp" in ('2024-02-01 00:01+00', '2024-02-01 00:02+00') and o."timestamp" <> t."timestamp"`;
  await database.query(swap);
  const swapped = await states();
  expect(swapped[0]?.hash).not.toBe(before[0]?.hash);
  expect(swapped[1]).toEqual(before[1]);
  await database.query(swap);
  expect(await states()).toEqual(before);
});

test("rows without the values of the new layout are counted, and a value takes just the hash of its row away", async () => {
  const key = (minute: number) => `coin_id = 2 and "timestamp" = '2024-02-10 00:0${minute}+00'`;
  await database.query(`update ${table} set trades = null, close_time = null where ${key(1)} or ${key(2)}`);
  const both = await stateOf(2);
  expect(both.nullRows).toBe(2);
  await database.query(`update ${table} set trades = 9, close_time = now() where ${key(1)}`);
  const one = await stateOf(2);
  expect(one.nullRows).toBe(1);
  await database.query(`update ${table} set trades = 9, close_time = now() where ${key(2)}`);
  await database.query(`update ${table} set trades = null where ${key(1)}`);
  const other = await stateOf(2);
  expect((one.nullHash + other.nullHash) % 2n ** 64n).toBe(both.nullHash);
  expect(await readBeside(database, (client) => countParts(client, leaf))).toMatchObject([
    { coinId: 1, rows: 1_000 },
    { coinId: 2, rows: 500 },
  ]);
});

test("slots show each hole, also of candles that are off their slot, and of two intervals in one leaf", async () => {
  await database.query(
    `delete from ${table} where coin_id = 1 and "timestamp" in ('2024-02-01 00:00+00', '2024-02-01 00:09+00')`,
  );
  await database.query(
    `update ${table} set "timestamp" = "timestamp" + interval '1.5 s' where coin_id = 1 and "timestamp" = '2024-02-01 00:10+00'`,
  );
  expect(await stateOf(1)).toMatchObject({ rows: 998, isAligned: false });
  const [part] = await slotsOf(leaf, [{ coinId: 1, interval: "1m" }]);
  expect([...(part?.slots.subarray(0, 3) ?? [])]).toEqual([0b11111110, 0b11111101, 0b11111111]);
  expect(part?.slots.length).toBe(125);
  await database.query(
    `insert into ${table} (coin_id, "interval", "timestamp", open, high, low, close, volume)
     values (1, '4h', '2024-01-01', 1, 1, 1, 1, 1), (1, '4h', '2024-12-31 20:00+00', 1, 1, 1, 1, 1), (1, '1d', '2024-01-02', 1, 1, 1, 1, 1)`,
  );
  const found = await slotsOf(slow, [
    { coinId: 1, interval: "4h" },
    { coinId: 1, interval: "1d" },
    { coinId: 9, interval: "1d" },
  ]);
  expect(found.map(({ interval, slots }) => [interval, slots.length, slots[0], slots.at(-1)])).toEqual([
    ["1d", 1, 2, 2],
    ["4h", 275, 1, 1 << (2195 % 8)],
  ]);
});
