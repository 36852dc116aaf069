import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { leafAt } from "../../runner/src/partition/layout.ts";
import { openFolderStore } from "../../runner/src/store/folder-store.ts";
import { newestManifest } from "../support/backup/restored.ts";
import { STORED } from "../support/candle/stored-rows.ts";
import { useEmptyDatabases, withSession } from "../support/database/empty-database.ts";
import { contentOf, OLD_LEAF, useLostDatabase } from "../support/restore/lost-database.ts";
import { useWorld } from "../support/world.ts";

const world = useWorld({ symbols: 3 });
const emptyDatabase = useEmptyDatabases();
const lost = useLostDatabase(world);

/** What docs/recovery.md shows. */
const page = readFileSync(new URL("../../docs/recovery.md", import.meta.url), "utf8");
const lines = page.split("\n").filter((line) => line.startsWith("./r3a restore --all"));

const query = (url: string, sql: string, values: readonly unknown[] = []) =>
  withSession(url, async (client) => (await client.query(sql, [...values])).rows);
const hot = () =>
  openFolderStore(String(lost.env.BACKUP_HOT).slice("file://".length), { tier: "hot", report: () => {} });

test("a plan names tables and leaves in their order, needs no key, and changes nothing", async () => {
  const url = await emptyDatabase();
  const [plan = "", ...others] = lines.map((line) => line.replace(/^.\/r3a /, ""));
  expect(others).toHaveLength(1);
  const { stdout } = await lost.run(plan, 0, { BACKUP_IDENTITY: "", RESTORE_DB_URL: url });
  expect(stdout).toMatch(/r3a\.coin +2\n/);
  expect(stdout).toMatch(
    new RegExp(`ohlcv_1m_20\\S+ +yes +hot .*\\n[^]*${OLD_LEAF} +hot +240  would be restored\\n`),
  );
  const result = await lost.restore(url, " --dry-run");
  expect(result).toMatchObject({ dryRun: true, isOver: false, hotMs: null, refused: [] });
  expect((result.leaves as readonly object[]).length).toBeGreaterThan(3);
  expect(await query(url, "select from pg_namespace where nspname like 'r3a%'")).toEqual([]);
});

test("a lost database is there again with its ids, owners and grants, and goes on: verify, health, sync, backup", async () => {
  const url = await emptyDatabase();
  const before = await newestManifest(hot());
  const source = await contentOf(world.database.url);
  const result = await lost.restore(url);
  expect(result).toMatchObject({ isOver: true, isResumed: false, refused: [], from: { tier: "hot" } });
  const leaves = result.leaves as readonly { readonly leaf: string; readonly isHot: boolean }[];
  expect(leaves.at(-1)).toMatchObject({ leaf: OLD_LEAF, isHot: false, outcome: "restored", rows: 240 });
  expect(leaves.slice(0, -1).every(({ isHot }) => isHot)).toBe(true);
  const there = await contentOf(url);
  for (const [name, rows] of Object.entries(source)) expect(there[name], name).toEqual(rows);
  const to = Math.floor(world.exchange.now() / 60_000) * 60_000;
  const stored = await query(url, STORED, ["ETHUSDT", "1m"]);
  const truth = world.truth("ETHUSDT", "1m", lost.since, to).slice(0, stored.length);
  expect(stored.map((row) => [...Object.values(row), "0"])).toEqual(truth);
  expect(stored.length).toBeGreaterThan(1440);

  const running =
    "select command, outcome, arguments from r3a.run where outcome in ('running', 'aborted') or command = 'restore'";
  expect(await query(url, running)).toEqual([
    { command: "backup", outcome: "aborted", arguments: "" },
    { command: "restore", outcome: "success", arguments: "--all" },
  ]);
  expect(await query(url, "select egress_key, used from r3a.api_budget")).toEqual([
    { egress_key: "banned", used: 0 },
  ]);
  expect(await query(url, "select from pg_namespace where nspname = 'r3a_restore'")).toEqual([]);
  expect(await query(url, `select outcome, count(*)::int as n from r3a.backup group by 1`)).toEqual([
    { outcome: "complete", n: 3 },
  ]);

  const env = { DB_URL: url };
  await lost.run("verify", 0, env);
  expect((await lost.run("health", 0, env)).stdout).not.toMatch(/fail/);
  await lost.run("sync 1h", 0, env);
  const { stdout } = await lost.run("backup --json", 0, env);
  expect(JSON.parse(stdout)).toMatchObject({ backup: 4, found: 0, open: 0, lost: [], strangers: [] });
  const after = await newestManifest(hot());
  // a record with the same parts, hashes, bases and backups has the same name: nothing was judged anew
  const recordOf = (leaves: typeof after.leaves) => new Map(leaves.map(({ name, key }) => [name, key]));
  const slow = leafAt("1d", lost.since).name;
  expect(recordOf(before.leaves).get(slow)).toBeDefined();
  expect(recordOf(after.leaves).get(slow)).toBe(recordOf(before.leaves).get(slow));
  expect(after.coins).toEqual(before.coins);

  const insert = `insert into r3a.coin (symbol, base, quote, status) values ('XUSDT', 'X', 'USDT', 'trading') returning id`;
  expect(await query(url, insert)).toEqual([{ id: 3 }]);
  const again = await lost.run(`restore --all --to ${url}`, 78);
  expect(again.stderr).toMatch(
    /has the schema r3a, .* and more, with 3 symbols, and a whole database is restored into an empty one alone: a restore came to its end here at \S+Z/,
  );
});
