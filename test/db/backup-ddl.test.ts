import { execFile, spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { renderDdl } from "../../runner/src/db/backup/ddl.ts";
import { migrate } from "../../runner/src/db/schema/migrate.ts";
import { readBeside } from "../support/backup/parts.ts";
import { withSession } from "../support/database/empty-database.ts";
import { useOwnServer } from "../support/database/own-server.ts";
import { schemaFingerprint } from "../support/database/schema-fingerprint.ts";
import { sealLeaf } from "../support/leaf/seal-leaf.ts";
import { runRunner } from "../support/runner.ts";

/** Roles belong to the whole server. */
const server = useOwnServer();

const hasPsql = spawnSync("psql", ["--version"]).status === 0;

/** By psql, which stops at the first error; where a machine has none, by the driver. */
async function load(url: string, sql: string): Promise<void> {
  if (!hasPsql) return withSession(url, async (client) => void (await client.query(sql)));
  const child = execFile("psql", ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", "-", url]);
  const ended = new Promise<void>((resolve, reject) => {
    let errors = "";
    child.stderr?.on("data", (data) => {
      errors += data;
    });
    child.on("error", reject);
    child.on("close", (code) => (code === 0 ? resolve() : reject(new Error(errors))));
  });
  child.stdin?.end(sql);
  await ended;
}

const emptyDatabase = async (name: string) => {
  await server.query(`create database ${name}`);
  return server.urlOf(name);
};

test("psql makes the same schema of it in an empty database: tables, leaves, settings, owners, rights and names of migrations", async () => {
  const { code, stderr } = await runRunner(["migrate", "--roles"], { DB_URL: server.url });
  expect([code, stderr]).toEqual([0, ""]);
  await server.query(`create role "odd name"`);
  await server.query(`
    select r3a_util.make_leaf('ohlcv_1m', '2024-01-01 00:00+00', '{"fillfactor": "90"}');
    select r3a_util.make_leaf('ohlcv_15m', '2024-01-01 00:00+00', '{}');
    select r3a_util.make_leaf('ohlcv_slow', '2024-01-01 00:00+00', '{}');
    grant select on r3a.coin to "odd name" with grant option;
    grant update (status) on r3a.coin to "odd name";
    grant execute on function r3a_util.lock_key(text, text) to "odd name";
    revoke insert on r3a.origin from r3a_writer`);
  const sql = await readBeside(server, renderDdl);
  const url = await emptyDatabase("restored");
  await load(url, sql);
  // rights are the same in any order
  const linesOf = (text: string) =>
    text
      .replace(/\{([^{}]*)\}/g, (_, items: string) => `{${items.split(",").toSorted().join(",")}}`)
      .split("\n");
  const [before, after] = [await schemaFingerprint(server.url), await schemaFingerprint(url)];
  expect(linesOf(after)).toEqual(linesOf(before));
  expect(before).toContain("ohlcv_1m_2024_01");
  expect(await migrate(url)).toEqual([]);
  const names = "select string_agg(name, ' ' order by id) as names from r3a.migration";
  const [own] = await server.query<{ names: string }>(names);
  expect((await withSession(url, (client) => client.query(names))).rows).toEqual([own]);
});

test("a guarded leaf is made without its guard, and is open", async () => {
  await sealLeaf(server.url, "ohlcv_1m_2024_01");
  const sql = await readBeside(server, renderDdl);
  const url = await emptyDatabase("unguarded");
  await load(url, sql);
  const guards = `select tgrelid::regclass::text as leaf from pg_trigger where tgname like 'r3a\\_guard%' union all select leaf from r3a.leaf_state`;
  expect(await server.query(guards)).toHaveLength(3);
  expect((await withSession(url, (client) => client.query(guards))).rows).toEqual([]);
});

test("a table that is no leaf is left out, and the schema can be made all the same", async () => {
  await server.query(`
    create table r3a.ohlcv_1m_2031x partition of r3a.ohlcv_1m for values from ('2031-01-01Z') to ('2031-02-01Z');
    create table r3a.ohlcv_1m_2031_03 partition of r3a.ohlcv_1m for values from ('2031-04-01Z') to ('2031-05-01Z')`);
  try {
    const url = await emptyDatabase("beside");
    await load(url, await readBeside(server, renderDdl));
    const made =
      "select count(*)::int as count from pg_class where relname like 'ohlcv\\_1m\\_20%' and relkind = 'r'";
    expect((await withSession(url, (client) => client.query(made))).rows).toEqual([{ count: 1 }]);
  } finally {
    await server.query("drop table r3a.ohlcv_1m_2031x, r3a.ohlcv_1m_2031_03");
  }
});

test("psql stops where a role is missing, and then nothing is made", async () => {
  const sql = await readBeside(server, renderDdl);
  const url = await emptyDatabase("without");
  await expect(load(url, sql.replaceAll('"odd name"', "nobody_at_all"))).rejects.toThrow(
    'role "nobody_at_all" does not exist',
  );
  expect(
    (await withSession(url, (client) => client.query("select to_regnamespace('r3a') as made"))).rows,
  ).toEqual([{ made: null }]);
});
