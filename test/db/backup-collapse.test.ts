import { beforeEach, expect, test } from "vitest";
import { exitOf, renderBackup } from "../../runner/src/backup/backup-text.ts";
import { leafAt } from "../../runner/src/partition/layout.ts";
import { addMinutes, makeLeaf } from "../support/backup/parts.ts";
import { useBackups } from "../support/backup/runs.ts";
import { useDatabase } from "../support/database/database.ts";

const database = useDatabase();
const backups = useBackups(database);
const open = leafAt("1m", Date.now());
const minute = (n: number) => new Date(open.span.from + n * 60_000).toISOString();
const add = (from: number, count: number) => database.query(addMinutes, [1, minute(from), count]);

/** As a server that was set up anew: without candles, and without the ledger of its backups. */
const forget = () =>
  database.query(`truncate r3a.ohlcv_partitioned, r3a.backup, r3a.backup_object, r3a.backup_copy, r3a.backup_use,
    r3a.backup_part, r3a.backup_leaf, r3a.backup_suspect, r3a.backup_doubt, r3a.backup_gap_series restart identity`);

beforeEach(async () => {
  await makeLeaf(database, "1m", minute(0));
  await database.query(
    "insert into r3a.coin (symbol, base, quote, status) values ('AUSDT', 'A', 'USDT', 'TRADING') on conflict do nothing",
  );
  await forget();
  await add(0, 1_000);
});

test("a daily backup of an emptier database says so, each day, until it restores as much again", async () => {
  const first = await backups.run("daily");
  expect([first.collapse, exitOf(first)]).toEqual([null, 0]);
  await forget();
  await add(0, 100);
  const second = await backups.run("daily");
  expect(second.collapse).toMatch(
    /^the daily backup restores 100 candles, and that of \S+Z in hot restores 1,000: /,
  );
  expect(exitOf(second)).toBe(1);
  expect(renderBackup(second).replaceAll(/\n +/g, " ")).toContain(second.collapse ?? "?");
  const [row] = await database.query("select outcome, error from r3a.backup");
  expect(row).toEqual({ outcome: "complete", error: second.collapse });
  expect((await backups.run("daily")).collapse).toContain("restores 1,000");
  await add(100, 800);
  expect(await backups.run("daily")).toMatchObject({ collapse: null });
});

test("a delta of an emptier database says so against the newest backup, and a daily one too where that is a delta", async () => {
  await backups.run("daily");
  await add(1_000, 1_000);
  expect(await backups.run("delta")).toMatchObject({ collapse: null });
  await forget();
  await add(0, 1_000);
  const delta = await backups.run("delta");
  expect(delta.collapse).toMatch(/^the delta backup restores 1,000 candles, and that of .* restores 2,000: /);
  expect(exitOf(delta)).toBe(1);
  await add(1_000, 500);
  expect(await backups.run("delta")).toMatchObject({ collapse: null });
  await forget();
  await add(0, 1_000);
  expect((await backups.run("daily")).collapse).toMatch(
    /^the daily backup restores 1,000 .* restores 1,500: /,
  );
});

test("a tier that is new has nothing to compare, and the next one is asked", async () => {
  await backups.run("daily", { stores: [backups.warm] });
  await forget();
  await add(0, 100);
  const { collapse } = await backups.run("daily", { stores: [backups.hot, backups.warm] });
  expect(collapse).toContain("in warm restores 1,000");
});

test("candles that a person accepted as gone are no collapse; those that came back from the backup neither", async () => {
  await backups.run("daily");
  await database.query(`delete from r3a.ohlcv_partitioned where "timestamp" >= $1`, [minute(500)]);
  expect(await backups.run("daily")).toMatchObject({ found: 500, collapse: null });
  const accept = { leaf: open.name, coinId: 1, reason: "the exchange never had them" };
  expect(await backups.run("daily", { accept })).toMatchObject({ open: 0, collapse: null });
  expect(await backups.run("daily")).toMatchObject({ collapse: null });
});
