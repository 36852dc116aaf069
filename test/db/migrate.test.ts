import { readdir, readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { migrate } from "../../runner/src/db/schema/migrate.ts";
import { MIGRATIONS } from "../../runner/src/db/schema/schema.ts";
import { replaceVersion } from "../support/database/catalog-stand-in.ts";
import { useEmptyDatabases, withSession } from "../support/database/empty-database.ts";
import { schemaFingerprint } from "../support/database/schema-fingerprint.ts";
import { runRunner, startRunner } from "../support/runner.ts";

const emptyDatabase = useEmptyDatabases();

async function readFiles(): Promise<readonly { name: string; text: string }[]> {
  const names = (await readdir(MIGRATIONS)).filter((name) => name.endsWith(".sql")).toSorted();
  return Promise.all(
    names.map(async (name) => ({
      name: name.replace(".sql", ""),
      text: await readFile(`${MIGRATIONS}/${name}`, "utf8"),
    })),
  );
}

/** As `psql -1 -f` sends it: one string, so one transaction. */
async function runByHand(url: string): Promise<void> {
  for (const { text } of await readFiles()) await withSession(url, (client) => client.query(text));
}

test("the first migration applies every file in order and the second one nothing", async () => {
  const url = await emptyDatabase();
  const names = (await readFiles()).map(({ name }) => name);
  expect(await migrate(url, { isPlan: true })).toEqual(names);
  expect(await migrate(url)).toEqual(names);
  const once = await schemaFingerprint(url);
  expect(await migrate(url)).toEqual([]);
  expect(await migrate(url, { isPlan: true })).toEqual([]);
  expect(await schemaFingerprint(url)).toBe(once);
  expect(once).toContain("ohlcv_partitioned");
});

test("of ten processes at once one applies each file and all end with 0", async () => {
  const url = await emptyDatabase();
  const runs = await Promise.all(
    Array.from({ length: 10 }, () => runRunner(["migrate", "--json"], { DB_URL: url })),
  );
  expect(runs.map(({ code, stderr }) => [code, stderr])).toEqual(runs.map(() => [0, ""]));
  const applied = runs.flatMap(({ stdout }) => JSON.parse(stdout).applied);
  expect(applied).toEqual((await readFiles()).map(({ name }) => name));
});

test("the files run by hand, twice and from several sessions at once, do no harm and leave migrate its work", async () => {
  const complete = await emptyDatabase();
  await migrate(complete);
  const expected = await schemaFingerprint(complete);
  const url = await emptyDatabase();
  await Promise.all(Array.from({ length: 6 }, () => runByHand(url)));
  await runByHand(url);
  await withSession(url, (client) =>
    client.query(`update r3a.job_counter set n = 7 where command = 'sync' and outcome = 'success'`),
  );
  await runByHand(url);
  expect(await migrate(url)).toHaveLength((await readFiles()).length);
  await runByHand(url);
  const kept = (await schemaFingerprint(url)).replace("counter sync success 7", "counter sync success 0");
  expect(kept).toBe(expected);
  expect(await migrate(url)).toEqual([]);
});

test("a database of the old layout is refused with 78 and the name of what to run, and stays as it is", async () => {
  const url = await emptyDatabase();
  await withSession(url, (client) =>
    client.query(`
      create schema r3a;
      create table r3a.ohlcv_partitioned (
        coin_id integer not null, "interval" text not null, "timestamp" timestamptz not null,
        open numeric, high numeric, low numeric, close numeric, volume numeric,
        primary key (coin_id, "interval", "timestamp")) partition by list (coin_id);
      create table r3a.ohlcv_1 partition of r3a.ohlcv_partitioned for values in (1);
      insert into r3a.ohlcv_partitioned values (1, '1m', '2024-01-01', 1, 2, 0.5, 1, 3);`),
  );
  for (const args of [["migrate"], ["migrate", "--dry-run"]]) {
    const run = await runRunner(args, { DB_URL: url });
    expect(run.code).toBe(78);
    expect(run.stderr).toContain("migrate-layout");
    expect(run.stdout).toBe("");
  }
  const { rows } = await withSession(url, (client) =>
    client.query(
      `select to_regclass('r3a.series') as series, count(*)::int as rows from r3a.ohlcv_partitioned`,
    ),
  );
  expect(rows).toEqual([{ series: null, rows: 1 }]);
});

test("a run on a database without schema ends with 75 and names migrate", async () => {
  const url = await emptyDatabase();
  const run = await runRunner(["sync", "1m", "--deadline", "9"], { DB_URL: url });
  expect(run.code).toBe(75);
  expect(run.stderr).toContain("run migrate");
  expect(run.stderr).toContain("000002_candle_tables");
});

test("a migration that waits for another one ends at its deadline and at SIGTERM", async () => {
  const url = await emptyDatabase();
  await migrate(url);
  await withSession(url, async (client) => {
    await client.query(`select r3a_util.acquire_lock('migrate', 'schema')`);
    const late = await runRunner(["migrate", "--deadline", "1"], { DB_URL: url });
    expect(late.code).toBe(124);
    const { child, ended } = startRunner(["migrate"], { DB_URL: url });
    const waits = `select from pg_stat_activity where application_name = 'r3a migrate' and datname = current_database()`;
    while ((await client.query(waits)).rowCount === 0) await sleep(20);
    child.kill("SIGTERM");
    expect((await ended).code).toBe(143);
  });
});

test("a server newer than the tests know is warned of, and migrated all the same", async () => {
  const url = await emptyDatabase();
  await withSession(url, (client) => client.query(replaceVersion("190001", "19.1").damage));
  const run = await runRunner(["migrate"], { DB_URL: url });
  expect(run).toMatchObject({ code: 0, stdout: expect.stringContaining("applied 000003_leaves") });
  expect(run.stderr).toContain(
    "the server is PostgreSQL 19.1: newer than what is tested, 15 to 18 are supported; use a newer release of this program",
  );
  const own = await runRunner(["migrate", "--dry-run"], { DB_URL: await emptyDatabase() });
  expect(own).toMatchObject({ code: 0, stderr: "" });
});
