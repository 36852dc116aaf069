import { afterAll, beforeAll, expect, test } from "vitest";
import { iso } from "../support/candle/series.ts";
import { useEmptyDatabases, withSession } from "../support/database/empty-database.ts";
import { hostileScript } from "../support/database/hostile-schema.ts";
import { runRunner } from "../support/runner.ts";
import { useWorld } from "../support/world.ts";

const emptyDatabase = useEmptyDatabases();
const world = useWorld();

async function plant(url: string): Promise<void> {
  const { pathname, username } = new URL(url);
  await withSession(url, (client) => client.query(hostileScript(pathname.slice(1), username)));
}

/** What ran since the last call. */
async function takeRan(url: string): Promise<readonly string[]> {
  return withSession(url, async (client) => {
    await client.query("set search_path = pg_catalog");
    const { rows } = await client.query<{ what: string }>(
      "delete from evil.ran returning what::pg_catalog.text",
    );
    return [...new Set(rows.map(({ what }) => what))].toSorted();
  });
}

beforeAll(async () => {
  await plant(world.database.url);
});
afterAll(async () => {
  const { username, pathname } = new URL(world.database.url);
  await withSession(world.database.url, (client) =>
    client.query(`alter role ${username} in database ${pathname.slice(1)} reset search_path`),
  );
});

test("the trap works: whoever writes as people do runs code of somebody else", async () => {
  await withSession(world.database.url, async (client) => {
    await client.query("select now(), to_timestamp(1.5), 'a'::text || 'b', 1 = 2 from pg_locks");
  });
  const ran = await takeRan(world.database.url);
  for (const what of ["evil.now()", "evil.to_timestamp(numeric)", "pg_locks", "type text"])
    expect(ran).toContain(what);
});

test("no command runs code of another role, wherever the search_path of database and role lead", async () => {
  const now = world.exchange.now();
  const [from, to] = [iso(now - 3 * 86_400_000), iso(now - 2 * 86_400_000)];
  const commands = [
    "wait-db",
    "sync 1h --symbols BTCUSDT,ETHUSDT",
    "sync 1m --symbols BTCUSDT --dry-run",
    "sync 1h --top 2",
    `backfill 15m --symbols BTCUSDT --from ${from} --to ${to}`,
    `plan 15m --symbols BTCUSDT --from ${from}`,
    "gaps",
    "gaps --repair",
    "verify",
    "candles BTCUSDT 1h --last 5",
    "maint --dry-run",
    "maint",
    "refresh-lastts",
    "refresh-lastts --dry-run",
    "vacuum",
    "vacuum --vacuum",
    "health",
    "doctor",
    "migrate",
  ];
  for (const command of commands) {
    const run = await world.run(command, { FALLBACK_START: from });
    expect([command, run.code, run.stderr]).toEqual([
      command,
      command === "doctor" || command === "health" ? expect.any(Number) : 0,
      expect.not.stringContaining("evil"),
    ]);
    expect([command, run.stdout]).toEqual([command, expect.not.stringContaining("evil code ran")]);
    expect([command, await takeRan(world.database.url)]).toEqual([command, []]);
  }
}, 180_000);

test("a database that is made while the trap stands has none of it in its functions and views", async () => {
  const url = await emptyDatabase();
  await plant(url);
  expect(await runRunner(["migrate"], { DB_URL: url })).toMatchObject({ code: 0 });
  expect(await takeRan(url)).toEqual([]);
  await expectSafe(url);
  const { pathname, username } = new URL(url);
  await withSession(url, (client) =>
    client.query(`alter role ${username} in database ${pathname.slice(1)} reset search_path`),
  );
});

test("no function or view of ours runs it for a psql user, and quoting by the old rules changes nothing", async () => {
  await expectSafe(world.database.url);
});

/** Calls that need nothing of the caller's own but names: the rest of a statement is the caller's. */
const CALLS = [
  "table r3a_util.lock_holder",
  "table r3a_util.maint_attempt",
  "table r3a_util.candle_index",
  "select r3a_util.lock_key('series', 'BTCUSDT:1m')",
  "select r3a_util.acquire_lock('test', 'psql') as a, r3a_util.release_lock('test', 'psql') as r",
  "select * from r3a_util.leaf_partitions()",
  "table r3a_util.candle_table",
  "select * from r3a_util.wanted_index()",
  "select * from r3a_util.maint_index_plan(32, 90)",
  "select * from r3a_util.index_names('r3a.ohlcv_1m')",
  "select * from r3a_util.generate_index_sql(64, 80)",
  "select * from r3a_util.generate_index_sql_limited(64, 80, 3)",
];

async function expectSafe(url: string): Promise<void> {
  const answersWith = (settings: string) =>
    withSession(url, async (client) => {
      await client.query(settings);
      const answers: unknown[] = [];
      for (const call of CALLS) answers.push((await client.query(call)).rows);
      return answers;
    });
  const usual = await answersWith("set search_path = pg_catalog");
  expect(await answersWith("set standard_conforming_strings = off")).toEqual(usual);
  expect(await takeRan(url)).toEqual([]);
  await withSession(url, async (client) => {
    await client.query("set search_path = pg_catalog");
    const { rows } = await client.query(
      `select p.oid::regprocedure::text as name, lanname, prosqlbody is not null as bound, proconfig::text as config
       from pg_proc p join pg_language l on l.oid = p.prolang where pronamespace = 'r3a_util'::regnamespace
         and (lanname = 'sql' and prosqlbody is null
              or lanname <> 'sql' and proconfig::text not like '%search_path=pg_catalog, pg_temp%')`,
    );
    expect(rows).toEqual([]);
  });
}
