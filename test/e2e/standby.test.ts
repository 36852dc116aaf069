import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { migrate } from "../../runner/src/db/schema/migrate.ts";
import { expectExit } from "../support/candle/series.ts";
import { withSession } from "../support/database/empty-database.ts";
import { useOwnServer } from "../support/database/own-server.ts";
import { type RunResult, runRunner } from "../support/runner.ts";

/** DB_URL leads to a standby, as after a failover for as long as a name still stands for the old primary. */

const server = useOwnServer();
const run = (args: string, url = server.url) =>
  runRunner([...args.split(" "), "--deadline", "10"], {
    DB_URL: url,
    EXCHANGE_URL: "http://127.0.0.1:1",
  });

beforeAll(async () => {
  // a database that lacks the newest migration
  await server.query("create database behind");
  await migrate(server.urlOf("behind"));
  await withSession(server.urlOf("behind"), (client) =>
    client.query("delete from r3a.migration where name = (select max(name) from r3a.migration)"),
  );
  await server.halt();
  await writeFile(join(server.place.dataDir, "standby.signal"), "");
  await server.start();
  expect(await server.query("select pg_is_in_recovery() as yes")).toEqual([{ yes: true }]);
});

test.for([
  "sync 1m",
  "backfill 1m --symbols BTCUSDT --from 2024-01-01",
  "gaps --repair",
  "verify",
  "maint",
  "vacuum",
  "refresh-lastts",
])("%s may be tried again, and says what to do", async (command) => expectStandby(await run(command)));

test("migrate has nothing to write where the schema is up to date, and may be tried again where it is not", async () => {
  const current = await run("migrate");
  expectExit(current, 0);
  expect(current.stdout).toBe("the schema is up to date\n");
  expectStandby(await run("migrate", server.urlOf("behind")));
  // no schema at all
  expectStandby(await run("migrate", server.urlOf("postgres")));
});

function expectStandby(ended: RunResult) {
  expectExit(ended, 75);
  expect(ended.stderr).toMatch(/it is a standby \(let DB_URL lead to the primary/);
}

test.for(["gaps", "maint --dry-run", "vacuum --dry-run", "refresh-lastts --dry-run"])(
  "%s only reads, and works",
  async (command) => expectExit(await run(command), 0),
);

test("doctor names it, and health tells what it measures", async () => {
  const doctor = await run("doctor --only server");
  expectExit(doctor, 1);
  expect(doctor.stdout).toContain("point DB_URL at the primary");
  expect((await run("health")).stdout).toContain("nothing was ranked yet");
});
