import { expect, test } from "vitest";
import { leafAt } from "../../runner/src/partition/layout.ts";
import { expectExit } from "../support/candle/series.ts";
import { useDatabase } from "../support/database/database.ts";
import { lastRun } from "../support/last-run.ts";
import { runRunner } from "../support/runner.ts";

/** The ledgers are read by more people than the log: what an error says of a secret is not in them, not even its half. */

const database = useDatabase();
const SECRET = "canary-of-the-exchange";
const run = (command: string, DB_URL = database.url) =>
  runRunner(command.split(" "), { DB_URL, BINANCE_API_SECRET: SECRET, LOG_LEVEL: "info" });

test("maint_op and the ends of runs, also where the text is cut off in the middle of the secret", async () => {
  expectExit(await run("maint"), 0);
  const leaf = `r3a.${leafAt("1h", Date.now()).name}`;
  await database.query(`
    drop table ${leaf};
    create or replace function r3a_util.make_leaf(_parent text, _from timestamptz, _storage jsonb) returns text language plpgsql as $$
      begin raise exception '${SECRET} %${SECRET}', repeat('x', 484); end $$`);
  expectExit(await run("maint --json"), 1);
  const [op] = await database.query<{ error: string }>(
    "select error from r3a_util.maint_op where object = $1 order by id desc limit 1",
    [leaf],
  );
  expect(op?.error).toMatch(/\[REDACTED\] x+\[RED/);
  expect(op?.error).not.toContain("canary");
  await database.query(`
    create function r3a.refuse() returns trigger language plpgsql as $$
      begin raise exception '%${SECRET}', repeat('x', 490); end $$;
    create trigger refuse before insert on r3a_util.maint_op for each row execute function r3a.refuse()`);
  expectExit(await run("maint"), 1);
  const ended = await lastRun(database);
  expect(ended?.error_summary).toMatch(/^x+\[REDACTED/);
  expect(ended?.error_summary).not.toContain("canary");
});

test("the results of health", async () => {
  await database.query(`
    create role canary_role login password 'canary_role';
    grant usage on schema r3a, r3a_util to canary_role;
    grant select, insert, update on all tables in schema r3a, r3a_util to canary_role;
    revoke select on r3a.coin from canary_role`);
  const url = new URL(database.url);
  [url.username, url.password] = ["canary_role", "canary_role"];
  expectExit(await run("health --only coverage", url.href), 1);
  const rows = await database.query<{ output: string }>("select output from r3a.health_result");
  await database.query("drop owned by canary_role; drop role canary_role");
  expect(rows.length).toBeGreaterThan(0);
  for (const { output } of rows) {
    expect(output).toContain("grant select on table r3a.coin to ");
    expect(output).toContain("[REDACTED]");
    expect(output).not.toContain("canary");
  }
});
