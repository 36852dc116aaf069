import { rename } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { generateX25519Identity } from "age-encryption";
import { beforeAll, expect, test } from "vitest";
import { parseLeafRecord } from "../../runner/src/archive/leaf-record.ts";
import { openFolderStore } from "../../runner/src/store/folder-store.ts";
import { newestManifest } from "../support/backup/restored.ts";
import { useEmptyDatabases, withSession } from "../support/database/empty-database.ts";
import { contentOf, OLD_LEAF, useLostDatabase } from "../support/restore/lost-database.ts";
import { useWorld } from "../support/world.ts";

/** A restore whose backups cannot be read for a while: what no backup gives waits, and the same command goes on with it. */

const world = useWorld({ symbols: 3 });
const emptyDatabase = useEmptyDatabases();
const lost = useLostDatabase(world);
let source: Awaited<ReturnType<typeof contentOf>> = {};
beforeAll(async () => {
  source = await contentOf(world.database.url);
});

const folderOf = (tier: "HOT" | "COLD") => String(lost.env[`BACKUP_${tier}`]).slice("file://".length);
const rowsOf = (url: string, sql: string) =>
  withSession(url, async (client) => (await client.query(sql)).rows);
const expectSame = async (url: string) => {
  const there = await contentOf(url);
  for (const [name, rows] of Object.entries(source)) expect(there[name], name).toEqual(rows);
};

const WAITING = "select name from r3a_restore.leaf";
const OPEN_GAPS = "select from r3a.ohlcv_gap_log where state = 'open'";

/** Runs `work` when the restore of an old leaf is about to begin, and lets it go on afterwards. */
async function atOldLeaf(url: string, work: () => Promise<void>): Promise<void> {
  await withSession(url, async (other) => {
    for (;;) {
      const locked = await other.query(`begin; lock table r3a.${OLD_LEAF}`).then(
        () => true,
        () => other.query("rollback").then(() => false),
      );
      if (locked) break;
      await sleep(5);
    }
    const waits = `select from pg_locks where relation = 'r3a.${OLD_LEAF}'::regclass and not granted`;
    while ((await other.query(waits)).rows.length === 0) await sleep(5);
    await work();
    await other.query("rollback");
  });
}

test("a wrong key, and tiers that are gone or give no answer, lose no leaf of a restore under way", async () => {
  const url = await emptyDatabase();
  const runner = lost.start(url);
  await atOldLeaf(url, async () => {
    runner.child.kill("SIGKILL");
    await runner.ended;
  });
  const waits = async (code: number, more: Readonly<Record<string, string>>) => {
    const ended = await lost.run(`restore --all --to ${url}`, code, more);
    expect(ended.stdout).toContain("run the same command again");
    expect(ended.stdout).not.toContain("gap log");
    expect(await rowsOf(url, WAITING)).toEqual([{ name: OLD_LEAF }]);
    expect(await rowsOf(url, OPEN_GAPS)).toEqual([]);
    return ended.stdout.replace(/\s+/g, " ");
  };
  const wrongKey = await waits(3, { BACKUP_IDENTITY: await generateX25519Identity() });
  expect(wrongKey).toContain(`no backup gave ${OLD_LEAF}`);
  expect(wrongKey).toContain("--accept-loss");
  const away = { BACKUP_HOT: "file:///nonexistent/hot", BACKUP_COLD: "file:///nonexistent/cold" };
  await waits(3, away);
  const s3 = {
    AWS_ENDPOINT_URL_S3: "http://127.0.0.1:9",
    AWS_REGION: "any",
    AWS_ACCESS_KEY_ID: "a",
    AWS_SECRET_ACCESS_KEY: "b",
  };
  const silent = await waits(75, { BACKUP_HOT: "", BACKUP_COLD: "s3://bucket/r3a", ...s3 });
  expect(silent).not.toContain("--accept-loss");
  expect(await lost.restore(url)).toMatchObject({ isResumed: true, isOver: true });
  await expectSame(url);
});

test("tiers that are renamed away in the middle lose nothing; an accepted loss is an open gap, and ends the restore", async () => {
  const url = await emptyDatabase();
  const runner = lost.start(url);
  const move = async (from: string, to: string) => {
    for (const tier of ["HOT", "COLD"] as const)
      await rename(`${folderOf(tier)}${from}`, `${folderOf(tier)}${to}`);
  };
  await atOldLeaf(url, () => move("", ".away"));
  try {
    expect(await runner.ended).toMatchObject({ code: 3 });
    expect(await rowsOf(url, WAITING)).toEqual([{ name: OLD_LEAF }]);
    expect(await rowsOf(url, OPEN_GAPS)).toEqual([]);
  } finally {
    await move(".away", "");
  }
  const loss = ` --accept-loss the-tape-was-burnt`;
  const wrong = { BACKUP_IDENTITY: await generateX25519Identity() };
  const ended = await lost.run(`restore --all --to ${url}${loss}`, 1, wrong);
  expect(ended.stdout).toContain("gap log");
  expect(
    await rowsOf(url, "select arguments, outcome from r3a.run where command = 'restore' order by started_at"),
  ).toEqual([
    { arguments: "--all", outcome: "failure" },
    { arguments: `--all --accept-loss the-tape-was-burnt`, outcome: "failure" },
  ]);
  await lost.run("gaps --repair", 0, { DB_URL: url });
  expect((await contentOf(url)).candles).toEqual(source.candles);
});

test("a leaf of the hot set that no backup gives keeps the database closed until it comes", async () => {
  const hot = openFolderStore(folderOf("HOT"), { tier: "hot", report: () => {} });
  const { leaves } = await newestManifest(hot);
  const leaf = leaves.find(({ name }) => name.startsWith("ohlcv_1m_") && name !== OLD_LEAF);
  const text = await hot.getText(leaf?.key ?? "", new AbortController().signal);
  const object = join(folderOf("HOT"), parseLeafRecord(leaf?.key ?? "", text).bases[0]?.key ?? "");
  await rename(object, `${object}.away`);
  const url = await emptyDatabase();
  const result = await lost.restore(url, " --tier hot", 3);
  await rename(`${object}.away`, object);
  const waiting = { leaf: leaf?.name, outcome: "failed", isWaiting: true };
  expect(result).toMatchObject({ isOver: false, hotMs: null });
  expect(result.leaves).toContainEqual(expect.objectContaining(waiting));
  // nobody works on it, so that nothing is waited for
  const waited = await lost.run("wait-db --timeout 86400", 75, { DB_URL: url });
  expect(waited.stderr).toMatch(
    /has stopped, and its process is gone: \d+ of \d+ leaves are loaded; run restore --all --to/,
  );
  // no list of symbols: as many are expected as were ranked, which no sync did here
  const health = await lost.run("health --only freshness", 1, { DB_URL: url, SYMBOLS: "" });
  expect(health.stdout.replace(/\s+/g, " ")).toContain(
    "no symbol is expected yet: a restore into this database has stopped",
  );
  const doctor = await lost.run("doctor --only schema", 1, { DB_URL: url });
  expect(doctor.stdout).not.toContain("wait for it");
  expect(await lost.restore(url, " --tier hot")).toMatchObject({
    isOver: true,
    leaves: [{ rows: leaf?.rows }],
  });
  await expectSame(url);
});
