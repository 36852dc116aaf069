import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { INTERVALS } from "../../runner/src/contract/intervals.ts";
import { migrate } from "../../runner/src/db/schema/migrate.ts";
import { MIGRATIONS } from "../../runner/src/db/schema/schema.ts";
import { listLeavesOf } from "../../runner/src/partition/layout.ts";
import { withSession } from "../support/database/empty-database.ts";
import { useOwnServer } from "../support/database/own-server.ts";
import { runRunner } from "../support/runner.ts";

/** Roles belong to the whole server, so these have one of their own. */
const server = useOwnServer();

const asAdmin = (sql: string, database = "postgres") =>
  withSession(server.urlOf(database), async (client) => {
    const result = await client.query<Record<string, unknown>>(sql);
    return result.rows;
  });
const urlAs = (login: string, database = "r3a") => {
  const url = new URL(server.urlOf(database));
  [url.username, url.password] = [login, "secret"];
  return url.href;
};
const makeLogin = (name: string, words = "") =>
  asAdmin(`create role ${name} login password 'secret' ${words}`);
const migrateAs = (login: string, args: string, database: string) =>
  runRunner(["migrate", ...args.split(" ")], { DB_URL: urlAs(login, database) });

async function dropRoles(...databases: readonly string[]): Promise<void> {
  for (const name of databases) {
    await asAdmin("reassign owned by r3a_owner to postgres", name);
    for (const role of ["r3a_owner", "r3a_writer", "r3a_reader"])
      await asAdmin(`drop owned by ${role}`, name);
  }
  await asAdmin("drop role r3a_owner, r3a_writer, r3a_reader");
}

const OWNERS = `
  select distinct pg_get_userbyid(owner) as owner from (
    select relowner as owner from pg_class where relnamespace in ('r3a'::regnamespace, 'r3a_util'::regnamespace)
    union all select proowner from pg_proc where pronamespace in ('r3a'::regnamespace, 'r3a_util'::regnamespace)
    union all select nspowner from pg_namespace where nspname in ('r3a', 'r3a_util')) o`;
const ACLS = `
  select string_agg(line, e'\\n' order by line) as acls from (
    select format('%s %s', oid::regclass, relacl) from pg_class where relnamespace in ('r3a'::regnamespace, 'r3a_util'::regnamespace)
    union all select format('%s %s', oid::regprocedure, proacl) from pg_proc where pronamespace = 'r3a_util'::regnamespace
    union all select format('%s %s', defaclnamespace::regnamespace, defaclacl) from pg_default_acl
    union all select format('%s %s', nspname, nspacl) from pg_namespace where nspname like 'r3a%') l (line)`;

test("a role that may make no roles gets the SQL for the administrator, with all other faults, and nothing is changed", async () => {
  await makeLogin("nobody");
  const { code, stdout, stderr } = await migrateAs("nobody", "--roles", "r3a");
  expect([code, stdout]).toEqual([78, ""]);
  expect(stderr).toContain(
    "an administrator runs: create role r3a_owner nologin; create role r3a_writer nologin",
  );
  expect(stderr).toContain('an administrator runs: grant r3a_owner to "nobody"');
  expect(stderr).toContain('its owner runs: grant create on database "r3a" to r3a_owner');
  expect(stderr).toMatch(/objects of the schemas r3a and r3a_util belong to postgres/);
  expect(await asAdmin("select from pg_roles where rolname like 'r3a%'")).toHaveLength(0);
});

test("--dry-run prints SQL that does the same when an administrator runs it, and changes nothing", async () => {
  const plan = await runRunner(["migrate", "--roles", "--dry-run"], { DB_URL: server.url });
  expect(plan.code).toBe(0);
  expect(plan.stdout).toMatch(/^-- not done, only printed:\n-- the schema is up to date\n/);
  expect(plan.stdout).toContain("create role r3a_owner nologin;");
  expect(plan.stdout).toContain("alter table r3a.coin owner to r3a_owner;");
  expect(await asAdmin("select from pg_roles where rolname like 'r3a%'")).toHaveLength(0);
  await withSession(server.url, (client) => client.query(plan.stdout));
  const byHand = await asAdmin(ACLS, "r3a");
  expect(await asAdmin(OWNERS, "r3a")).toEqual([{ owner: "r3a_owner" }]);
  for (let round = 0; round < 2; round += 1)
    expect(await runRunner(["migrate", "--roles"], { DB_URL: server.url })).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^-- done:\n-- the schema is up to date\n/),
    });
  expect(await asAdmin(ACLS, "r3a")).toEqual(byHand);
  expect(await asAdmin("select from r3a.migration", "r3a")).not.toHaveLength(0);
});

test("two databases of a server get the roles at the same moment, each from three processes", async () => {
  await dropRoles("r3a");
  for (const name of ["one", "two"]) await asAdmin(`create database ${name}`);
  const runs = await Promise.all(
    ["one", "two", "one", "two", "one", "two"].map((name) =>
      runRunner(["migrate", "--roles"], { DB_URL: server.urlOf(name) }),
    ),
  );
  expect(runs.map(({ code, stderr }) => [code, stderr])).toEqual(runs.map(() => [0, ""]));
  for (const name of ["one", "two"]) expect(await asAdmin(OWNERS, name)).toEqual([{ owner: "r3a_owner" }]);
});

test("whichever member of the owner's role migrates, all belongs to that role, and no member needs more than that", async () => {
  await makeLogin("alice", "in role r3a_owner");
  await makeLogin("bob", "in role r3a_owner");
  await asAdmin("create database three");
  await asAdmin("grant create on database three to r3a_owner");
  expect(await migrate(urlAs("alice", "three"))).not.toEqual([]);
  expect(await asAdmin(OWNERS, "three")).toEqual([{ owner: "r3a_owner" }]);
  await asAdmin("revoke create on database three from r3a_owner");
  await asAdmin("drop view r3a_util.lock_holder; delete from r3a.migration where name >= '000011'", "three");
  await asAdmin(await readFile(`${MIGRATIONS}/000007_lock_holders.sql`, "utf8"), "three");
  await asAdmin("alter view r3a_util.lock_holder owner to r3a_owner", "three");
  expect(await migrate(urlAs("alice", "three"))).not.toEqual([]);
  expect(await asAdmin(OWNERS, "three")).toEqual([{ owner: "r3a_owner" }]);
  // roles, and the right on the database, are the administrator's part
  await asAdmin("grant create on database three to r3a_owner");
  const rights = await migrateAs("bob", "--roles", "three");
  expect([rights.code, rights.stderr]).toEqual([0, ""]);
  const [acl] = await asAdmin(
    "select has_table_privilege('r3a_writer', 'r3a.coin', 'insert') as ok",
    "three",
  );
  expect(acl).toEqual({ ok: true });
});

test("a role with createrole makes the roles for the database that it owns", async () => {
  await makeLogin("maker", "createrole");
  await asAdmin("create database four owner maker");
  await dropRoles("one", "two", "three");
  const { code, stderr } = await migrateAs("maker", "--roles", "four");
  expect([code, stderr]).toEqual([0, ""]);
  expect(await asAdmin(OWNERS, "four")).toEqual([{ owner: "r3a_owner" }]);
  const again = await migrateAs("maker", "--roles --json", "four");
  expect([again.code, JSON.parse(again.stdout).applied]).toEqual([0, []]);
});

test("make_leaf makes the leaf of the layout for any time, and nothing else", async () => {
  await withSession(server.urlOf("four"), async (client) => {
    await client.query("begin; set local timezone = 'Asia/Tokyo'; set local datestyle = 'German'");
    for (const interval of INTERVALS)
      for (const leaf of listLeavesOf(interval, { from: Date.UTC(2019, 11), to: Date.UTC(2021, 3) })) {
        const at = new Date(leaf.span.from).toISOString();
        const { rows } = await client.query("select r3a_util.make_leaf($1, $2, '{}') as name", [
          leaf.parent,
          at,
        ]);
        expect(rows).toEqual([{ name: leaf.name }]);
        const bounds = await client.query<{ from: number; to: number }>(
          `select (extract(epoch from from_ts) * 1000)::float8 as "from", (extract(epoch from to_ts) * 1000)::float8 as "to" from r3a_util.leaf_partitions() where leaf = $1::regclass`,
          [`r3a.${leaf.name}`],
        );
        expect(bounds.rows).toEqual([leaf.span]);
      }
    await client.query("rollback");
  });
  for (const call of [
    "('ohlcv_1m', '2024-01-02Z', '{}')",
    "('ohlcv_15m', '2024-02-01Z', '{}')",
    "('ohlcv_1h', '2024-02-01Z', '{}')",
    "('ohlcv_1m', '2024-01-01 00:00:01Z', '{}')",
    "('ohlcv_1m', 'infinity', '{}')",
    "('ohlcv_1m', null, '{}')",
    "('coin', '2024-01-01Z', '{}')",
    "(null, '2024-01-01Z', '{}')",
    `('ohlcv_1m', '2024-01-01Z', '{"user_catalog_table": "true"}')`,
    `('ohlcv_1m', '2024-01-01Z', '{"fillfactor": "90); drop table r3a.coin; --"}')`,
  ])
    await expect(asAdmin(`select r3a_util.make_leaf${call}`, "four")).rejects.toThrow(/no leaf/);
});

test("the SQL of the guide is all that an administrator has to do", async () => {
  await dropRoles("four");
  await asAdmin("create database five");
  const page = await readFile(new URL("../../docs/database.md", import.meta.url), "utf8");
  const [, sql = ""] = /```text\n(create role [\s\S]*?)```/.exec(page) ?? [];
  await asAdmin(sql.replace("DATABASE", "five").replaceAll("PASSWORD", "secret"));
  const { code, stderr } = await runRunner(["migrate"], { DB_URL: urlAs("r3a_migrate", "five") });
  expect([code, stderr]).toEqual([0, ""]);
  expect(await asAdmin(OWNERS, "five")).toEqual([{ owner: "r3a_owner" }]);
  for (const [login, word] of [
    ["r3a_jobs", "insert"],
    ["r3a_people", "select"],
  ])
    expect(
      await asAdmin(`select has_table_privilege('${login}', 'r3a.coin', '${word}') as ok`, "five"),
    ).toEqual([{ ok: true }]);
  const rights = await asAdmin(ACLS, "five");
  expect((await migrateAs("r3a_migrate", "--roles", "five")).code).toBe(0);
  expect(await asAdmin(ACLS, "five")).toEqual(rights);
});
