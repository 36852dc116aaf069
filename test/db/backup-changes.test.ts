import { Client } from "pg";
import { beforeAll, beforeEach, expect, test } from "vitest";
import type { BackupLeaf } from "../../runner/src/db/backup/backup-leaf.ts";
import { type Changes, readChanges } from "../../runner/src/db/backup/changes.ts";
import { copyChanged, copyRows } from "../../runner/src/db/backup/copy-out.ts";
import { listLooks } from "../../runner/src/db/backup/ledger.ts";
import { readSlots } from "../../runner/src/db/backup/part-slots.ts";
import { readPartStates } from "../../runner/src/db/backup/part-state.ts";
import type { RowKey } from "../../runner/src/db/backup/row-keys.ts";
import { writeLedger } from "../../runner/src/db/backup/write-ledger.ts";
import { upsertCandles } from "../../runner/src/db/candles.ts";
import { withTransaction } from "../../runner/src/db/session.ts";
import {
  addMinutes,
  emptyWrite,
  inSnapshot,
  makeLeaf,
  readBeside,
  textOf,
  withRunner,
} from "../support/backup/parts.ts";
import { collect } from "../support/candle/arbitraries.ts";
import { makeCandles } from "../support/candle/candle-rows.ts";
import { useQuietServer } from "../support/database/quiet-server.ts";

const database = useQuietServer();
let leaf: BackupLeaf;
const START = "2024-02-01T00:00:00Z";
const table = "r3a.ohlcv_partitioned";
const minute = (n: number) => Date.parse(START) + n * 60_000;
const at = (n: number) => `"timestamp" = '${new Date(minute(n)).toISOString()}'`;
const key = (n: number): RowKey => ({ coinId: 1, interval: "1m", at: minute(n) });
const add = (from: number, count: number, coin = 1) =>
  database.query(addMinutes, [coin, new Date(minute(from)), count]);

/** Adopts what is stored now as a daily backup does, and leaves the ledger as it does. */
async function backUp(): Promise<void> {
  await inSnapshot(database, async (snapshot, db) => {
    const { states, slots } = await snapshot.beside(async (client) => {
      const found = await readPartStates(client, leaf);
      return { states: found, slots: await collect(readSlots(client, leaf, found)) };
    });
    const more = { serverVersion: snapshot.facts.serverVersion, slots: new Uint8Array() };
    const parts = states.map((part, index) => ({ ...part, ...more, ...slots[index] }));
    const counter = { changes: 0n, countedAs: "" };
    await writeLedger(db, snapshot, { ...emptyWrite, leaves: () => [{ leaf, counter, parts, bases: [] }] });
  });
}

/** What the next backup finds. Transactions of other databases of the server can put any row in doubt. */
async function look(): Promise<Changes> {
  return inSnapshot(database, async ({ client, beside }) => {
    const horizon = (await listLooks(client)).get(leaf.name)?.backup.xmin;
    if (horizon === undefined) throw new Error("no backup looked at the leaf");
    return beside((other) => readChanges(other, leaf, horizon));
  });
}
const minuteOf = ({ at: ms }: { readonly at: number }) => (ms - minute(0)) / 60_000;
const found = async () => {
  const { fresh, changed, changedCount } = await look();
  expect(changedCount).toBe(changed.length);
  return {
    fresh: fresh.map(({ coinId, rows }) => [coinId, rows]),
    changed: changed
      .filter(({ isKnown }) => !isKnown)
      .map((row) => [minuteOf(row), row.isRevised ? "revised" : "unexplained"]),
  };
};
const known = async () => (await look()).changed.filter(({ isKnown }) => isKnown).map(minuteOf);
async function withClients<T>(count: number, work: (clients: readonly Client[]) => Promise<T>): Promise<T> {
  const clients = Array.from({ length: count }, () => new Client({ connectionString: database.url }));
  await Promise.all(clients.map((client) => client.connect()));
  return work(clients).finally(() => Promise.all(clients.map((client) => client.end())));
}

beforeAll(async () => {
  leaf = await makeLeaf(database, "1m", START);
});
beforeEach(async () => {
  await database.query(
    `truncate ${table}, r3a.candle_revision, r3a.backup_part, r3a.backup_leaf, r3a.backup_doubt`,
  );
  await add(0, 100);
  await backUp();
});

test("nothing changed: nothing is found; new rows are summed up by part, with their slots", async () => {
  expect(await found()).toEqual({ fresh: [], changed: [] });
  await add(100, 9);
  await add(5, 3, 2);
  const { fresh } = await look();
  const states = await readBeside(database, (client) => readPartStates(client, leaf));
  expect(fresh).toMatchObject([
    { coinId: 1, rows: 9, first: minute(100), last: minute(108), nullRows: 0 },
    { coinId: 2, rows: 3, first: minute(5), last: minute(7), hash: states[1]?.hash },
  ]);
  expect([...(fresh[1]?.slots ?? [])]).toEqual([0b11100000]);
  await backUp();
  expect(await found()).toEqual({ fresh: [], changed: [] });
});

test("a row that a person changed is unexplained, one that the exchange revised is explained with its old hash", async () => {
  const before = await readBeside(database, (client) => readPartStates(client, leaf));
  await database.query(`update ${table} set close = close * 10 where ${at(3)}`);
  const candles = makeCandles("1m", minute(7), 1);
  await withRunner(database, (db) =>
    withTransaction(db, (client) =>
      upsertCandles(client, "1m", { batches: [{ coinId: 1, candles }], runId: null }),
    ),
  );
  expect(await found()).toEqual({
    fresh: [],
    changed: [
      [3, "unexplained"],
      [7, "revised"],
    ],
  });
  const changed = (await look()).changed.filter(({ isKnown }) => !isKnown);
  await database.query(`update ${table} set close = round(close / 10, 8) where ${at(3)}`);
  const [now] = await readBeside(database, (client) => readPartStates(client, leaf));
  const revised = changed[1];
  const turned =
    ((now?.hash ?? 0n) - (revised?.hash ?? 0n) + (revised?.oldHash ?? 0n) + 2n ** 64n) % 2n ** 64n;
  expect(turned).toBe(before[0]?.hash);
  // a change after the revision is not the revision's
  await database.query(`update ${table} set volume = 1 where ${at(7)}`);
  expect((await found()).changed).toContainEqual([7, "unexplained"]);
});

test("one row deleted and another inserted: the new one is new, whatever the count says", async () => {
  await database.query(`delete from ${table} where ${at(50)}`);
  await add(100, 1);
  expect(await found()).toEqual({ fresh: [[1, 1]], changed: [] });
});

test("rows under savepoints of a transaction that commits after the snapshot are found by the next backup", async () => {
  await withClients(1, async ([client]) => {
    await client?.query("begin");
    await client?.query("savepoint one");
    await client?.query(addMinutes, [1, new Date(minute(100)), 1]);
    await client?.query("release one; savepoint two");
    await client?.query(`update ${table} set open = 1 where ${at(4)}`);
    await client?.query("release two; savepoint three");
    await client?.query(`update ${table} set open = 1 where ${at(5)}`);
    await client?.query("rollback to three");
    // other transactions end meanwhile, so that the numbers go on
    await add(102, 1);
    await backUp();
    expect(await found()).toEqual({ fresh: [], changed: [] });
    expect(await known()).toContain(102);
    await client?.query("commit");
    expect(await found()).toEqual({
      fresh: [[1, 1]],
      changed: [[4, "unexplained"]],
    });
    await backUp();
    expect(await found()).toEqual({ fresh: [], changed: [] });
  });
});

test("of two writers, one that ended before the snapshot and one after it, neither is lost and neither is alarm", async () => {
  await withClients(2, async ([first, second]) => {
    await first?.query("begin");
    await first?.query(addMinutes, [1, new Date(minute(100)), 5]);
    await second?.query("begin");
    await second?.query(addMinutes, [1, new Date(minute(105)), 5]);
    await second?.query("commit");
    await backUp();
    await first?.query("commit");
    const { fresh, changed } = await found();
    expect(fresh).toEqual([[1, 5]]);
    expect(changed).toEqual([]);
    expect(await known()).toEqual(expect.arrayContaining([105, 106, 107, 108, 109]));
    // a row in doubt that changes is not known any more
    await database.query(`update ${table} set open = 7 where ${at(107)}`);
    expect((await found()).changed).toContainEqual([107, "unexplained"]);
  });
});

test("an aborted transaction, locks of rows and a freeze change nothing", async () => {
  await withClients(1, async ([client]) => {
    await client?.query("begin");
    await client?.query(`update ${table} set open = 9`);
    await client?.query(addMinutes, [1, new Date(minute(100)), 1]);
    await client?.query("rollback");
    await client?.query(`begin; select from ${table} for update`);
    await client?.query("commit");
  });
  expect(await found()).toEqual({ fresh: [], changed: [] });
  await database.query(`vacuum (freeze) r3a.${leaf.name}`);
  expect(await found()).toEqual({ fresh: [], changed: [] });
  await database.query(`update ${table} set open = 9 where ${at(9)}`);
  await database.query(`vacuum (freeze) r3a.${leaf.name}`);
  expect(await found()).toEqual({ fresh: [], changed: [[9, "unexplained"]] });
});

test("a horizon far behind finds everything since, and a table that was rewritten in place only what changed", async () => {
  for (let n = 0; n < 300; n += 1) await database.query("select pg_current_xact_id()");
  await add(100, 1);
  await database.query(`cluster r3a.${leaf.name} using ${leaf.name}_pkey`);
  expect(await found()).toEqual({ fresh: [[1, 1]], changed: [] });
});

test("a revision that a person wrote badly breaks nothing", async () => {
  await database.query(`update ${table} set open = 9 where ${at(9)}`);
  for (const bad of [
    "{}",
    "[]",
    '"x"',
    `{"open": "a", "close_time": "2024-02-31T00:00:00+00:00"}`,
    `{"open": 9, "trades": 1e99}`,
  ])
    await database.query(
      `insert into r3a.candle_revision (coin_id, "interval", "timestamp", old_values, new_values)
       select coin_id, "interval", "timestamp", $1::jsonb, $1::jsonb from ${table} where ${at(9)}`,
      [bad],
    );
  expect(await found()).toEqual({ fresh: [], changed: [[9, "unexplained"]] });
});

test("a value that comes for a null is seen with what the row had before", async () => {
  await database.query(`update ${table} set trades = null, close_time = null where ${at(1)}`);
  await backUp();
  const [before] = await readBeside(database, (client) => readPartStates(client, leaf));
  await database.query(`update ${table} set trades = 5, close_time = now() where ${at(1)}`);
  const changed = (await look()).changed.filter(({ isKnown }) => !isKnown);
  expect(changed).toMatchObject([{ at: minute(1), hasNull: false, isKnown: false, isRevised: false }]);
  expect(changed[0]?.valueHash).toBe(before?.nullHash);
});

test("the changed rows are copied without the exceptions, and the exceptions beside", async () => {
  await add(100, 2);
  await database.query(`update ${table} set open = 9 where ${at(9)} or ${at(8)}`);
  const lines = await inSnapshot(database, async ({ client, beside }) => {
    const horizon = (await listLooks(client)).get(leaf.name)?.backup.xmin ?? 0n;
    return beside(async (other) => [
      await textOf(copyChanged(other, leaf, { horizon, without: [key(9)] })),
      await textOf(copyRows(other, leaf, [key(9), key(4_000)])),
    ]);
  });
  const minutesOf = (text: string | undefined) =>
    (text ?? "")
      .split("\n")
      .slice(0, -1)
      .map((line) => (Date.parse(`${line.split("\t")[2]}`) - minute(0)) / 60_000);
  expect(lines.map(minutesOf)).toEqual([[8, 100, 101], [9]]);
  expect(lines[1]).toBe(
    "1\t1m\t2024-02-01 00:09:00+00\t9\t209\t50.5\t119.00000001\t3.50\t37.1\t42\t1.5\t16.2\t2024-02-01 00:09:59.999+00\trest\t0\n",
  );
});
