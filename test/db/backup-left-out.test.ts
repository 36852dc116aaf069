import { beforeEach, expect, test } from "vitest";
import { exitOf, renderBackup } from "../../runner/src/backup/backup-text.ts";
import { leafAt } from "../../runner/src/partition/layout.ts";
import { addMinutes, makeLeaf } from "../support/backup/parts.ts";
import { useBackups } from "../support/backup/runs.ts";
import { useDatabase } from "../support/database/database.ts";

const database = useDatabase();
const backups = useBackups(database);
const open = leafAt("1m", Date.now());

beforeEach(async () => {
  await makeLeaf(database, "1m", new Date(open.span.from).toISOString());
  await database.query(
    "insert into r3a.coin (symbol, base, quote, status) values ('AUSDT', 'A', 'USDT', 'TRADING') on conflict do nothing",
  );
  await database.query("truncate r3a.ohlcv_partitioned");
  await database.query(addMinutes, [1, new Date(open.span.from).toISOString(), 20]);
});

test("a column that the lists lack is named, and the rest is backed up", async () => {
  await database.query("alter table r3a.ohlcv_partitioned add column note text");
  try {
    const result = await backups.run("delta");
    expect(result.leftOut).toEqual(["the column note of r3a.ohlcv_partitioned"]);
    expect(exitOf(result)).toBe(1);
    expect(renderBackup(result)).toContain("the column note of r3a.ohlcv_partitioned");
    expect(await backups.restored()).toEqual(await backups.stored());
  } finally {
    await database.query("alter table r3a.ohlcv_partitioned drop column note");
  }
  expect((await backups.run("delta")).leftOut).toEqual([]);
});

test.each([
  ["a DEFAULT partition", "r3a.rest", "default"],
  [
    "a table whose name begins as that of a leaf",
    "r3a.ohlcv_1m_2031x",
    "for values from ('2031-01-01Z') to ('2031-02-01Z')",
  ],
  [
    "a table that has the name of a leaf and other bounds",
    "r3a.ohlcv_1m_2031_02",
    "for values from ('2031-01-01Z') to ('2031-02-01Z')",
  ],
  [
    "a leaf of another schema",
    "theirs.ohlcv_1m_2031_01",
    "for values from ('2031-01-01Z') to ('2031-02-01Z')",
  ],
])("%s is named with its rows, and the leaves are backed up", async (_, table, bounds) => {
  const stored = await backups.stored();
  await database.query("create schema if not exists theirs");
  await database.query(`create table ${table} partition of r3a.ohlcv_1m ${bounds}`);
  try {
    await database.query(addMinutes, [1, "2031-01-05T00:00:00Z", 5]);
    for (const kind of ["daily", "delta"] as const) {
      const result = await backups.run(kind);
      expect(result.leftOut).toEqual([expect.stringContaining(`the rows of ${table}, `)]);
      expect([exitOf(result), result.leaves]).toEqual([1, 1]);
      expect(await backups.restored()).toEqual(stored);
    }
  } finally {
    await database.query(`drop table ${table}`);
  }
});
