import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "pg";
import { beforeAll, expect, test } from "vitest";
import { parseLeafRecord } from "../../runner/src/archive/leaf-record.ts";
import { openFolderStore } from "../../runner/src/store/folder-store.ts";
import { newestManifest } from "../support/backup/restored.ts";
import { useEmptyDatabases, withSession } from "../support/database/empty-database.ts";
import { contentOf, OLD_LEAF, useLostDatabase } from "../support/restore/lost-database.ts";
import { useWorld } from "../support/world.ts";

/** A restore that is killed, refused, or finds less than everything. */

const world = useWorld({ symbols: 3 });
const emptyDatabase = useEmptyDatabases();
const lost = useLostDatabase(world);
let source: Awaited<ReturnType<typeof contentOf>> = {};
beforeAll(async () => {
  source = await contentOf(world.database.url);
});

/** The lock that every migration takes first. */
const MIGRATIONS = 7_020_390_112_350;

/** Waits until `check` finds what it looks for. */
async function until<T>(check: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await check();
    if (found !== undefined) return found;
    await sleep(5);
  }
}

const firstRow = async (client: Client, sql: string) => (await client.query(sql)).rows[0];
const expectSame = async (url: string) => {
  const there = await contentOf(url);
  for (const [name, rows] of Object.entries(source)) expect(there[name], name).toEqual(rows);
};

test("killed in its first transaction, it leaves the database empty; another one is kept away meanwhile", async () => {
  const url = await emptyDatabase();
  await withSession(url, async (other) => {
    await other.query("select pg_advisory_lock($1)", [MIGRATIONS]);
    const runner = lost.start(url);
    await until(() => firstRow(other, "select from pg_locks where locktype = 'advisory' and not granted"));
    const second = await lost.run(`restore --all --to ${url}`, 75);
    expect(second.stderr).toContain("another restore works on this database");
    runner.child.kill("SIGKILL");
    expect(await runner.ended).toMatchObject({ signal: "SIGKILL" });
    await other.query("select pg_advisory_unlock($1)", [MIGRATIONS]);
    await until(() =>
      firstRow(other, "select where not exists (select from pg_locks where locktype = 'advisory')"),
    );
    expect(await firstRow(other, "select from pg_namespace where nspname like 'r3a%'")).toBeUndefined();
  });
  expect(await lost.restore(url)).toMatchObject({ isResumed: false, isOver: true });
  await expectSame(url);
});

test("killed before its last leaf, it goes on with that one, and from no later backup", async () => {
  const url = await emptyDatabase();
  await withSession(url, async (other) => {
    const runner = lost.start(url);
    await until(() =>
      other
        .query(`begin; lock table r3a.${OLD_LEAF}`)
        .catch(() => other.query("rollback").then(() => undefined)),
    );
    await until(() => firstRow(other, "select from r3a_restore.leaf having count(*) = 1"));
    runner.child.kill("SIGKILL");
    expect(await runner.ended).toMatchObject({ signal: "SIGKILL" });
    await other.query("rollback");
    expect(await firstRow(other, "select name, is_hot from r3a_restore.leaf")).toEqual({
      name: OLD_LEAF,
      is_hot: false,
    });
    await until(() =>
      firstRow(other, "select where not exists (select from pg_locks where locktype = 'advisory')"),
    );
  });
  for (const more of ["", " --dry-run"]) {
    const early = await lost.run(`restore --all --to ${url} --at 2026-04-01${more}`, 78);
    expect(early.stderr).toMatch(
      /--at 2026-04-01T00:00:00Z is before the backup whose restore is under way here/,
    );
  }
  expect(await lost.restore(url, " --dry-run")).toMatchObject({
    isResumed: true,
    tables: [],
    leaves: [{ leaf: OLD_LEAF }],
  });
  const result = await lost.restore(url);
  expect(result).toMatchObject({
    isResumed: true,
    isOver: true,
    tables: [],
    leaves: [{ leaf: OLD_LEAF, rows: 240 }],
  });
  await expectSame(url);
  const runs = "select outcome from r3a.run where command = 'restore' order by started_at";
  await withSession(url, async (other) => {
    expect((await other.query(runs)).rows).toEqual([{ outcome: "running" }, { outcome: "success" }]);
  });
});

test("from cold alone the last daily backup is there, and what came after it is asked of the exchange", async () => {
  const url = await emptyDatabase();
  const ended = await lost.run(`restore --all --to ${url}`, 0, { BACKUP_HOT: "", DB_URL: "" });
  expect(ended.stdout).toMatch(new RegExp(`${OLD_LEAF} +cold +120  is restored`));
  const there = await contentOf(url);
  expect(there["r3a.series"]).toHaveLength(6);
  expect(there["r3a.ohlcv_gap_log"]).toHaveLength(2);
  await lost.run("verify", 0, { DB_URL: url });
  await lost.run("backfill 1m --symbols BTCUSDT --from 2026-03-01T02:00 --to 2026-03-01T04:00", 0, {
    DB_URL: url,
  });
  expect((await contentOf(url)).candles).toEqual(source.candles);
});

test("an object that no tier has costs its leaf alone, whose slots are open gaps once the loss is accepted; a broken schema costs its tier", async () => {
  const folder = String(lost.env.BACKUP_HOT).slice("file://".length);
  const hot = openFolderStore(folder, { tier: "hot", report: () => {} });
  const manifest = await newestManifest(hot);
  const leaf = manifest.leaves.find(({ name }) => name === OLD_LEAF);
  const record = parseLeafRecord(
    leaf?.key ?? "",
    await hot.getText(leaf?.key ?? "", new AbortController().signal),
  );
  await rm(join(folder, record.bases[0]?.key ?? ""));
  const url = await emptyDatabase();
  const result = await lost.restore(url, " --tier hot --accept-loss no-tier-has-it", 1);
  const failed = { leaf: OLD_LEAF, outcome: "failed", tier: null, isWaiting: false };
  expect(result).toMatchObject({
    isOver: true,
    leaves: expect.arrayContaining([expect.objectContaining(failed)]),
  });
  await lost.run("gaps --repair", 0, { DB_URL: url });
  expect((await contentOf(url)).candles).toEqual(source.candles);

  await rm(join(folder, manifest.schema.key));
  const other = await emptyDatabase();
  const fromCold = await lost.restore(other);
  expect(fromCold).toMatchObject({ isOver: true, from: { tier: "cold" } });
  // of the three backups in hot the schema is one object
  const schema = { tier: "hot", leaf: null, reason: expect.stringContaining(manifest.schema.key) };
  expect(fromCold.refused).toMatchObject([schema, schema, schema, { tier: "hot", leaf: OLD_LEAF }]);
});

test("without any backup it is exit 3, and the database stays empty; wrong options are exit 64", async () => {
  const url = await emptyDatabase();
  const empty = `file://${lost.env.BACKUP_SPOOL}`;
  const none = await lost.run(`restore --all --to ${url}`, 3, { BACKUP_HOT: "", BACKUP_COLD: empty });
  expect(none.stdout).toContain("no backup can be restored from");
  await withSession(url, async (client) => {
    expect(await firstRow(client, "select from pg_namespace where nspname like 'r3a%'")).toBeUndefined();
  });
  const wrong = await lost.run("restore --all --leaf ohlcv_1m_2026_01 --compare", 64);
  expect(wrong.stderr).toMatch(
    /--to is missing: name an empty database[\s\S]*--all and --leaf, --compare exclude/,
  );
  const secret = await lost.run("restore --all --to postgresql://u:very-secret@127.0.0.1:1/x", 75);
  expect(secret.stderr + secret.stdout).not.toContain("very-secret");
});
