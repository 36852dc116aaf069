import { expect, test } from "vitest";
import { diagnose } from "../../runner/src/doctor/diagnose.ts";
import { useDatabase } from "../support/database/database.ts";
import { useEmptyDatabases, withSession } from "../support/database/empty-database.ts";
import { runRunner } from "../support/runner.ts";

const database = useDatabase();
const newEmptyDatabase = useEmptyDatabases();

const CHECKS = ["schema", "locks", "budget", "health"];
async function statusesOf(
  DB_URL: string,
  more: Record<string, string> = {},
): Promise<Record<string, string>> {
  const place = {
    env: { DB_URL, SYMBOLS: "BTCUSDT", ...more },
    namespace: null,
    signal: new AbortController().signal,
  };
  const results = await diagnose(place, CHECKS);
  return Object.fromEntries(results.map(({ name, status, output }) => [name, `${status} ${output}`]));
}

test("a database without the tables of R3A is one failure, and the checks that read them are skipped", async () => {
  const statuses = await statusesOf(await newEmptyDatabase());
  expect(statuses.schema).toMatch(/^fail the database lacks 000001_advisory_locks/);
  for (const name of ["locks", "budget"])
    expect(statuses[name]).toMatch(/^skip needs schema, see there: .*does not exist$/);
  expect(statuses.health).toBe("skip needs schema, see there");
});

test("a table in the place of a leaf is a failure, in the words with which maint ends with 1", async () => {
  await database.query(
    "create table r3a.mine partition of r3a.ohlcv_1h for values from ('2001-02-01Z') to ('2001-03-01Z')",
  );
  const statuses = await statusesOf(database.url);
  const maint = await runRunner(["maint"], { DB_URL: database.url });
  await database.query("drop table r3a.mine");
  const words =
    "r3a.mine below r3a.ohlcv_1h is no leaf of R3A; its period belongs to r3a.ohlcv_1h_2001: detach it, and move its rows";
  expect(statuses["health integrity leaves"]).toBe(
    `fail a table stands where a leaf belongs, and maint ends with 1 until it is gone: ${words}`,
  );
  expect(maint.code).toBe(1);
  expect(maint.stdout).toContain(words);
  // maint has made the leaves of now and of the next period beside it
  expect((await statusesOf(database.url))["health integrity leaves"]).toBeUndefined();
});

test("a schema that is behind hides no check whose tables are there", async () => {
  await database.query("delete from r3a.migration where name like '000004%'");
  const statuses = await statusesOf(database.url);
  expect(statuses.schema).toMatch(/^fail the database lacks 000004_/);
  for (const name of ["locks", "budget"]) expect(statuses[name]).toMatch(/^pass/);
  expect(statuses.health).toBe("skip needs schema, see there");
});

test("a table that is gone from a schema that should have it is a failure", async () => {
  await database.query("insert into r3a.migration (name, run_on) select '000004_gaps', now()");
  await database.query("drop table r3a.api_budget");
  const statuses = await statusesOf(database.url);
  expect(statuses.schema).toMatch(
    /^fail r3a\.api_budget is gone: .*sql\/migrations\/000006_request_budget\.sql again/,
  );
  expect(statuses.budget).toMatch(/^error could not be checked: .*relation "r3a.api_budget" does not exist/);
  // health reads other tables
  expect(statuses.health).toMatch(/results of health pass$/);
});

test("a wrong setting of health hides no result: its default counts, and the group names it", async () => {
  const statuses = await statusesOf(database.url, { DB_SIZE_BUDGET_GB: "much" });
  expect(statuses.health).toMatch(/results of health pass, with the default of DB_SIZE_BUDGET_GB$/);
});

test("the check schema recognizes the old layout", async () => {
  const url = await newEmptyDatabase();
  await withSession(url, (client) =>
    client.query(
      "create schema r3a; create table r3a.ohlcv_partitioned (coin_id int) partition by list (coin_id)",
    ),
  );
  expect((await statusesOf(url)).schema).toMatch(/^fail the database has the old layout/);
});
