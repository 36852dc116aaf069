import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { MIXED } from "../../runner/src/archive/hash-version.ts";
import { leafAt } from "../../runner/src/partition/layout.ts";
import { addMinutes, makeLeaf, reviseMinutes } from "../support/backup/parts.ts";
import { newestManifest, readRecords } from "../support/backup/restored.ts";
import { useBackups } from "../support/backup/runs.ts";
import { useQuietServer } from "../support/database/quiet-server.ts";

/** Backups where the numbers of transactions say nothing: each part is judged by its content, and revisions by their time. */

const database = useQuietServer();
const backups = useBackups(database);
const leaf = leafAt("1m", Date.now());
const time = (minute: number) => new Date(leaf.span.from + minute * 60_000).toISOString();
const add = (coin: number, from: number, count: number) =>
  database.query(addMinutes, [coin, time(from), count]);
const linesOf = (coin: number, lines: readonly string[]) =>
  lines.filter((line) => line.startsWith(`${coin}\t`));

const revise = (...rows: readonly [coin: number, from: number, count: number]) =>
  reviseMinutes(database, leaf, rows);

beforeAll(async () => {
  await makeLeaf(database, "1m", time(0));
});

beforeEach(async () => {
  await database.query(`truncate r3a.ohlcv_partitioned, r3a.candle_revision, r3a.backup, r3a.backup_object, r3a.backup_copy,
    r3a.backup_use, r3a.backup_part, r3a.backup_leaf, r3a.backup_suspect, r3a.backup_doubt, r3a.backup_gap_series`);
});

test.each([
  ["another server", "system_identifier = '7480000000000000001'"],
  ["a promoted standby", "timeline = timeline + 1"],
  ["a counter of transactions that is behind", "next_xid = next_xid + 1000000"],
  ["a wraparound in doubt", "snapshot_xmin = next_xid - 1000000001"],
])(
  "%s: all is read whole, a revision explains its candle, and damage beside it is found",
  async (_, change) => {
    for (const coin of [1, 2, 3]) await add(coin, 0, 200);
    await revise(3, 0, 5);
    await backups.run("daily");
    await revise(3, 10, 5);
    await backups.run("delta");
    const truth = await backups.stored();
    await revise(1, 50, 20);
    await add(1, 200, 10);
    await database.query(
      `update r3a.ohlcv_partitioned set close = 1 where coin_id = 2 and "timestamp" = '${time(7)}'`,
    );
    await database.query(`update r3a.backup set ${change}`);
    expect(await backups.run("delta")).toMatchObject({ isWhole: true, found: 1, open: 1 });
    expect(await database.query("select coin_id, kind from r3a.backup_suspect")).toEqual([
      { coin_id: 2, kind: "content" },
    ]);
    const expected = async () => [
      ...linesOf(1, await backups.stored()),
      ...linesOf(2, truth),
      ...linesOf(3, truth),
    ];
    expect(await backups.restored()).toEqual(await expected());
    // from here on the numbers count again
    await add(1, 210, 10);
    await revise(1, 100, 3);
    expect(await backups.run("daily")).toMatchObject({ found: 0, open: 1 });
    await add(1, 220, 10);
    expect(await backups.run("delta")).toMatchObject({ isWhole: false, found: 0, open: 1 });
    expect(await backups.restored()).toEqual(await expected());
  },
);

test("a revision beside damage of the same part explains nothing there", async () => {
  await add(1, 0, 200);
  await backups.run("daily");
  const truth = await backups.stored();
  await revise(1, 50, 20);
  await database.query(`update r3a.ohlcv_partitioned set close = 1 where "timestamp" = '${time(7)}'`);
  await database.query("update r3a.backup set timeline = timeline + 1");
  expect(await backups.run("delta")).toMatchObject({ isWhole: true, found: 1, open: 1 });
  expect(await backups.run("daily")).toMatchObject({ found: 0, open: 1 });
  expect(await backups.restored()).toEqual(truth);
});

describe("after an upgrade to a version of the server with other hashes", () => {
  /** The ledger as the version before would have left it. */
  const upgrade = () =>
    database.query(`
      with backups as (update r3a.backup set system_identifier = '7480000000000000001', server_version = 140004)
      update r3a.backup_part set server_version = 140004, hash = mod(hash + 1, 18446744073709551616),
        base_hash = mod(base_hash + 1, 18446744073709551616), null_hash = mod(null_hash + 1, 18446744073709551616)`);

  beforeEach(async () => {
    for (const coin of [1, 2]) await add(coin, 0, 200);
    await backups.run("daily");
    await add(3, 0, 200);
    await backups.run("daily");
    await upgrade();
  });

  test("the text of a part decides: nothing is suspect, no candle is put again, and new ones are taken", async () => {
    await add(1, 200, 10);
    const first = await backups.run("delta");
    expect(first).toMatchObject({ isWhole: true, found: 0, open: 0 });
    expect(await backups.restored()).toEqual(await backups.stored());
    const [{ rows } = { rows: 0 }] = await database.query<{ rows: number }>(
      "select sum(rows)::int as rows from r3a.backup_object where backup_id = $1 and key in (select base_key from r3a.backup_part)",
      [first.backup],
    );
    // of the coin that grew alone: the others stay where they lie
    expect(rows).toBe(210);
    await revise(2, 10, 3);
    expect(await backups.run("delta")).toMatchObject({ isWhole: false, found: 0 });
    expect(await backups.run("daily")).toMatchObject({ found: 0, open: 0 });
    expect(await backups.restored()).toEqual(await backups.stored());
  });

  test("an object whose rows are others leaves its parts in doubt, and the earlier rows restore with what is new", async () => {
    const truth = await backups.stored();
    await add(1, 200, 10);
    const grown = await backups.stored();
    await database.query(
      `update r3a.ohlcv_partitioned set close = 1 where coin_id = 1 and "timestamp" = '${time(7)}'`,
    );
    expect(await backups.run("delta")).toMatchObject({ isWhole: true, found: 2, open: 2 });
    expect(await backups.restored()).toEqual(grown);
    // a restore cannot compare these hashes with its own, and must not refuse the leaf for them
    const manifest = await newestManifest(backups.hot);
    const [record] = await readRecords(backups.hot, manifest);
    expect(record?.parts.map((part) => part.serverVersion)).toEqual([MIXED, 140_004, undefined]);
    await add(3, 200, 5);
    expect(await backups.run("daily")).toMatchObject({ found: 0, open: 2 });
    expect(linesOf(1, await backups.restored())).toEqual(linesOf(1, grown));
    expect(linesOf(2, await backups.restored())).toEqual(linesOf(2, truth));
    const accept = { leaf: leaf.name, coinId: null, reason: "looked at them" };
    expect(await backups.run("daily", { accept })).toMatchObject({ open: 0 });
    expect(await backups.restored()).toEqual(await backups.stored());
    expect(await backups.run("daily")).toMatchObject({ found: 0, open: 0 });
  });
});

test("more rows than are looked at one by one: values for all that lack them, and revisions, are explained", async () => {
  const EACH = 26_000;
  for (const coin of [1, 2]) await add(coin, 0, EACH);
  await database.query(
    "update r3a.ohlcv_partitioned set quote_volume = null, trades = null, source = 'legacy' where coin_id = 1",
  );
  await backups.run("daily");
  await revise(1, 100, 30);
  await database.query(`update r3a.ohlcv_partitioned set quote_volume = 5, trades = 7, source = 'rest'
    where coin_id = 1 and trades is null`);
  // written once more with the values that they had
  await database.query("update r3a.ohlcv_partitioned set close = close where coin_id = 2");
  expect(await backups.run("delta")).toMatchObject({ isWhole: true, found: 0, open: 0 });
  expect(await backups.restored()).toEqual(await backups.stored());
}, 120_000);
