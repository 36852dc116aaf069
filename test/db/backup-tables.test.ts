import { expect, test } from "vitest";
import { copySeries, copyTable } from "../../runner/src/db/backup/copy-out.ts";
import { listChangedGaps } from "../../runner/src/db/backup/gap-series.ts";
import { EXPORTED_TABLES, NOT_EXPORTED } from "../../runner/src/db/backup/tables.ts";
import { writeLedger } from "../../runner/src/db/backup/write-ledger.ts";
import { emptyWrite, inSnapshot, readBeside, textOf } from "../support/backup/parts.ts";
import { useDatabase } from "../support/database/database.ts";

const database = useDatabase();

const TABLES = `
  select n.nspname || '.' || c.relname as name,
         array(select a.attname::text from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped order by a.attnum) as columns,
         array(select array(select a.attname::text from unnest(x.indkey::int2[]) with ordinality k (num, place)
                            join pg_attribute a on a.attrelid = c.oid and a.attnum = k.num order by k.place)::text
               from pg_index x where x.indrelid = c.oid and x.indisunique and x.indpred is null) as keys
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname in ('r3a', 'r3a_util') and c.relkind in ('r', 'p') and not c.relispartition order by 1`;

test("every table is exported with all of its columns, or is named with the reason why it is not", async () => {
  const stored = await database.query<{ name: string; columns: string[]; keys: string[] }>(TABLES);
  const names = [
    ...EXPORTED_TABLES.map(({ name }) => name),
    ...Object.keys(NOT_EXPORTED),
    "r3a.ohlcv_partitioned",
  ];
  expect(names.toSorted()).toEqual(stored.map(({ name }) => name));
  for (const { name, columns, keys } of stored) {
    const exported = EXPORTED_TABLES.find((table) => table.name === name);
    if (exported === undefined) continue;
    expect([name, exported.columns]).toEqual([name, columns]);
    const isUnique = keys.some((key) =>
      key
        .slice(1, -1)
        .split(",")
        .every((column) => exported.key.includes(column)),
    );
    expect([name, isUnique]).toEqual([name, true]);
  }
  expect(Object.values(NOT_EXPORTED).every((reason) => reason.length > 20)).toBe(true);
});

test("every exported table can be copied whole, and what changed of it", async () => {
  const { xmin } = await inSnapshot(database, async ({ facts }) => facts);
  await database.query("insert into r3a.origin (exchange) values ('simulated')");
  const texts = await inSnapshot(database, ({ facts, beside }) =>
    beside(async (client) => {
      const found: [string, string, string, string][] = [];
      for (const table of EXPORTED_TABLES)
        found.push([
          table.name,
          await textOf(copyTable(client, table, null)),
          await textOf(copyTable(client, table, xmin)),
          await textOf(copyTable(client, table, facts.nextXid)),
        ]);
      return found;
    }),
  );
  expect(texts.find(([name]) => name === "r3a.origin")).toEqual([
    "r3a.origin",
    "t\tsimulated\n",
    "t\tsimulated\n",
    "",
  ]);
  expect(texts.map(([, , , later]) => later).join("")).toBe("");
  expect(texts.find(([name]) => name === "r3a.job_counter")?.[1]).toContain("backup\tsuccess\t0\n");
});

const gap = (interval: string, minute: number) => `
  insert into r3a.ohlcv_gap_log (id, coin_id, "interval", from_ts, to_ts, state, reason)
  select gen_random_uuid(), id, '${interval}', '2024-01-01'::timestamptz + ${minute} * interval '1 min',
         '2024-01-01'::timestamptz + ${minute + 1} * interval '1 min', 'open', 'absent' from r3a.coin`;

test("series whose gaps came, changed or went are named once, and the export of a series has all of its gaps", async () => {
  await database.query(
    "insert into r3a.coin (symbol, base, quote, status) values ('BTCUSDT', 'BTC', 'USDT', 'TRADING')",
  );
  const exported = () =>
    inSnapshot(database, async (snapshot, db) => {
      const gapSeries = await listChangedGaps(snapshot.client);
      await writeLedger(db, snapshot, { ...emptyWrite, gapSeries });
      return gapSeries.map(({ interval, rows }) => [interval, rows]);
    });
  expect(await exported()).toEqual([]);
  for (const minute of [1, 3, 5]) await database.query(gap("1m", minute));
  await database.query(gap("1h", 60));
  expect(await exported()).toEqual([
    ["1h", 1],
    ["1m", 3],
  ]);
  expect(await exported()).toEqual([]);
  await database.query(
    `update r3a.ohlcv_gap_log set attempts = 2 where "interval" = '1m' and from_ts = '2024-01-01 00:03+00'`,
  );
  expect(await exported()).toEqual([["1m", 3]]);
  await database.query(
    `delete from r3a.ohlcv_gap_log where from_ts = '2024-01-01 00:05+00' or "interval" = '1h'`,
  );
  expect(await exported()).toEqual([
    ["1h", 0],
    ["1m", 2],
  ]);
  expect(await exported()).toEqual([]);
  const log = EXPORTED_TABLES.find(({ name }) => name === "r3a.ohlcv_gap_log");
  if (log === undefined) throw new Error("the gap log is not exported");
  const text = await readBeside(database, (client) =>
    textOf(copySeries(client, log, [{ coinId: 1, interval: "1m" }])),
  );
  expect(
    text
      .split("\n")
      .slice(0, -1)
      .map((line) => line.split("\t")[3]),
  ).toEqual(["2024-01-01 00:01:00+00", "2024-01-01 00:03:00+00"]);
});
