import { beforeAll, describe, expect, test } from "vitest";
import { COMMANDS, type CommandName, ROLE_OF } from "../../runner/src/contract/commands.ts";
import { ROLE_NAMES, ROLES, type Role } from "../../runner/src/contract/names.ts";
import { backupSettings } from "../support/backup/each-way.ts";
import { withSession } from "../support/database/empty-database.ts";
import { useOwnServer } from "../support/database/own-server.ts";
import { sealLeaf } from "../support/leaf/seal-leaf.ts";
import { useWorld } from "../support/world.ts";

const server = useOwnServer();
const world = useWorld({ symbols: 5 }, server);
const since = new Date(Date.now() - 2 * 86_400_000).toISOString().slice(0, 10);
const BACKUP = await backupSettings();
const ENV = { ...BACKUP, SYMBOLS: "BTCUSDT,ETHUSDT", FALLBACK_START: since, HOME: "/nonexistent" };

const as = (role: Role) => {
  const url = new URL(server.url);
  [url.username, url.password] = [`login_${role}`, "secret"];
  return { ...ENV, DB_URL: url.href };
};
const query = (role: Role, sql: string) =>
  withSession(as(role).DB_URL, async (client) => (await client.query<Record<string, unknown>>(sql)).rows);

beforeAll(async () => {
  expect(await world.run("migrate --roles", ENV)).toMatchObject({ code: 0 });
  for (const role of ROLES)
    await server.query(`create role login_${role} login password 'secret' in role ${ROLE_NAMES[role]}`);
});

/** As their jobs start them. */
const CALLS: Readonly<Record<CommandName, readonly string[]>> = {
  migrate: ["migrate", "migrate --roles"],
  "migrate-layout": ["migrate-layout --dry-run"],
  "wait-db": ["wait-db --timeout 5"],
  sync: ["sync 1m", "sync 15m", "sync 1h", "sync 4h", "sync 1d", "sync 1m --symbols SOLUSDT"],
  backfill: [`backfill 1h --symbols BTCUSDT --from ${since.slice(0, 4)}-01-01`],
  plan: ["plan 1h"],
  verify: ["verify"],
  gaps: ["gaps --repair", "gaps --repair --all"],
  candles: ["candles BTCUSDT 1h --last 2"],
  series: ["series"],
  runs: ["runs", "runs --failed --json"],
  maint: ["maint"],
  "refresh-lastts": ["refresh-lastts"],
  vacuum: ["vacuum", "vacuum --vacuum"],
  backup: ["backup --dry-run", "backup", "backup --delta"],
  backups: ["backups"],
  scrub: ["scrub"],
  // the test of restore itself restores with the owner's role: here there is no backup
  restore: [],
  // the test of drill itself has the server for drills, which a role of this one cannot give
  drill: [],
  // here are no two tiers
  seal: ["seal --dry-run"],
  health: ["health"],
  doctor: ["doctor --only db-url,database,server,tls,schema,locks,lock-probe,budget,health"],
  janitor: [],
};
const ORDER: readonly CommandName[] = [
  ...new Set<CommandName>(["migrate", "sync", "maint", "vacuum", ...COMMANDS]),
];

test.each(ORDER.filter((name) => ROLE_OF[name] !== null))(
  "%s works with the least role that the contract names",
  async (name) => {
    const role = ROLE_OF[name];
    if (role === null) throw new Error("these ask the database");
    for (const call of CALLS[name]) {
      const { code, stderr } = await world.run(call, as(role));
      expect([call, role, code, code === 0 ? "" : stderr]).toEqual([call, role, 0, ""]);
      expect(stderr).not.toContain("permission denied");
    }
  },
  120_000,
);

test("people with a reader's login read the candles by their symbol", async () => {
  const rows = await query(
    "reader",
    `select close from r3a.candle where symbol = 'BTCUSDT' and "interval" = '1m' limit 2`,
  );
  expect(rows).toHaveLength(2);
});

test("leaves that a writer's sync needs are made, belong to the owner, and can be looked after by the owner's maint", async () => {
  const leaves = await server.query<{ owner: string; can: boolean }>(
    `select distinct pg_get_userbyid(c.relowner) as owner, has_table_privilege('r3a_reader', c.oid, 'select') as can
     from r3a_util.leaf_partitions() l join pg_class c on c.oid = l.leaf`,
  );
  expect(leaves).toEqual([{ owner: "r3a_owner", can: true }]);
});

test("a writer without the right to make leaves is told who gives it and who makes them", async () => {
  await server.query("revoke execute on function r3a_util.make_leaf from r3a_writer");
  await server.query(`drop table r3a.ohlcv_1m_${new Date().toISOString().slice(0, 7).replace("-", "_")}`);
  const { code, stderr } = await world.run("sync 1m --symbols ETHUSDT", as("writer"));
  expect(code).toBe(78);
  expect(stderr).toMatch(
    /leaf r3a\.ohlcv_1m_\d{4}_\d\d is missing.*maint with the owner's role makes it.*migrate --roles/,
  );
  expect(await world.run("maint", as("owner"))).toMatchObject({ code: 0 });
  expect(await world.run("migrate --roles", ENV)).toMatchObject({ code: 0 });
});

describe("more than its rights", () => {
  test.each<[Role, string]>([
    ["writer", "create table r3a.mine (id int)"],
    ["writer", "drop table r3a.coin"],
    ["writer", "truncate r3a.coin cascade"],
    ["writer", "insert into r3a.migration (name, run_on) values ('000099_x', now())"],
    ["writer", "create function r3a_util.now() returns int return 1"],
    ["reader", "insert into r3a.job_counter values ('x', 'y', 1)"],
    ["reader", "delete from r3a.ohlcv_partitioned"],
    ["reader", "select r3a_util.make_leaf('ohlcv_1m', '2030-01-01Z', '{}')"],
  ])("the %s may not: %s", async (role, sql) => {
    await expect(query(role, sql)).rejects.toThrow(/permission denied|must be owner/);
  });

  test("a reader's sync and a writer's migration end with 78 and name the roles' page", async () => {
    await server.query("delete from r3a.migration where name >= '000011'");
    for (const [role, call] of [
      ["reader", "sync 1h --deadline 9"],
      ["writer", "migrate"],
      ["reader", "migrate"],
    ] as const) {
      const { code, stderr } = await world.run(call, as(role));
      expect([role, call, code]).toEqual([role, call, call.startsWith("sync") ? 75 : 78]);
      if (call === "migrate")
        expect(stderr).toMatch(/may make nothing in the schema r3a|run this as the owner/);
    }
    expect((await world.run("migrate", as("owner"))).code).toBe(0);
    const { code, stderr } = await world.run("sync 1h", as("reader"));
    expect([code, stderr]).toEqual([78, expect.stringMatching(/docs\/database\.md/)]);
    for (const [call, role] of [
      ["verify", "writer"],
      ["plan 1h", "writer"],
      ["migrate", "owner"],
    ] as const) {
      const refused = await world.run(call, as("reader"));
      expect([call, refused.code]).toEqual([call, 78]);
      expect(refused.stderr).toContain(`grant r3a_${role} to "login_reader"`);
    }
  });
});

test("a writer's login reopens the leaf that the owner's login sealed, and a reader's cannot", async () => {
  const leaf = `ohlcv_1h_${since.slice(0, 4)}`;
  await sealLeaf(as("owner").DB_URL, leaf);
  const run = await world.run(`backfill 1h --symbols SOLUSDT --from ${since}`, as("writer"));
  expect(run).toMatchObject({ code: 0 });
  expect(await query("reader", "select leaf, state from r3a.leaf_state")).toEqual([{ leaf, state: "open" }]);
  const reopen = `select r3a_util.reopen_leaf('${leaf}', '{1}', '{1h}', '{2026-01-01}', '{2026-01-02}')`;
  await expect(query("reader", reopen)).rejects.toMatchObject({ code: "42501" });
});
