import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { migrate } from "../../runner/src/db/schema/migrate.ts";
import { listFiles } from "../../runner/src/db/schema/schema.ts";
import { useEmptyDatabases, withSession } from "../support/database/empty-database.ts";
import { schemaFingerprint } from "../support/database/schema-fingerprint.ts";
import { startWireProxy } from "../support/database/wire-proxy.ts";
import { runRunner, startRunner } from "../support/runner.ts";

const emptyDatabase = useEmptyDatabases();
const NOWHERE = "postgresql://r3a@127.0.0.1:1/none";

test("migrate --wait tries again until the database is there", async () => {
  const away = (connection: number) => (connection < 3 ? { target: NOWHERE } : {});
  const proxy = await startWireProxy(await emptyDatabase(), away);
  const { ended } = startRunner(["migrate", "--wait", "40"], { DB_URL: proxy.url });
  const { code, stdout, stderr } = await ended;
  await proxy.stop();
  expect([code, stdout]).toEqual([0, expect.stringContaining("applied ")]);
  expect(stderr).toContain("[RUN] trying again: ");
});

test("migrate --wait ends with 75 when the time is over, and without it at once", async () => {
  const waited = await runRunner(["migrate", "--wait", "2"], { DB_URL: NOWHERE });
  expect([waited.code, waited.ms > 2_000]).toEqual([75, true]);
  const { code, stderr } = await runRunner(["migrate"], { DB_URL: NOWHERE });
  expect([code, stderr]).toEqual([75, expect.not.stringContaining("trying again")]);
});

test("migrate --wait does not wait for what no time mends", async () => {
  const url = new URL(await emptyDatabase());
  url.pathname = "/nosuchdb";
  const { code, stderr, ms } = await runRunner(["migrate", "--wait", "30"], { DB_URL: url.href });
  expect([code, stderr]).toEqual([78, expect.stringContaining('database "nosuchdb" does not exist')]);
  expect(ms).toBeLessThan(20_000);
});

test("migrate waits for a session that holds a table, says who that is, and ends well", async () => {
  const url = await emptyDatabase();
  const applied = await runRunner(["migrate"], { DB_URL: url });
  expect(applied.code).toBe(0);
  const { ended } = await withSession(url, async (holder) => {
    await holder.query("delete from r3a.migration where name >= '000004'");
    await holder.query("set application_name = 'forgotten psql'; begin");
    await holder.query("lock table r3a.ohlcv_gap_log in access exclusive mode");
    const running = startRunner(["migrate", "--wait", "120"], { DB_URL: url });
    await sleep(8_000);
    return running;
  });
  const { code, stdout, stderr } = await ended;
  expect([code, stderr]).toEqual([
    0,
    expect.stringMatching(
      /trying again: .*the table r3a\.ohlcv_gap_log is held by pid \d+ \(forgotten psql\), idle in transaction/,
    ),
  ]);
  expect(stdout).toMatch(/^applied 000004_gaps\n/);
  expect(stdout.endsWith(`applied ${(await listFiles()).at(-1)}\n`)).toBe(true);
});

test("migrate that waits for a table ends at its deadline, and says who holds the table", async () => {
  const url = await emptyDatabase();
  expect((await runRunner(["migrate"], { DB_URL: url })).code).toBe(0);
  const { code, stderr } = await withSession(url, async (holder) => {
    await holder.query("delete from r3a.migration where name >= '000004'");
    await holder.query("set application_name = 'forgotten psql'; begin; lock table r3a.ohlcv_gap_log");
    return runRunner(["migrate", "--wait", "120", "--deadline", "9"], { DB_URL: url });
  });
  expect([code, stderr]).toEqual([124, expect.stringMatching(/held by pid \d+ \(forgotten psql\)/)]);
});

test("a migration that is killed at any moment is completed by the next one", async () => {
  const complete = await emptyDatabase();
  await migrate(complete);
  const expected = await schemaFingerprint(complete);
  let interrupted = 0;
  for (let kill = 0; kill < 8; kill += 1) {
    const url = await emptyDatabase();
    const { child, ended } = startRunner(["migrate"], { DB_URL: url });
    const locked = (): Promise<boolean> =>
      withSession(url, async (client) => {
        const { rows } = await client.query(`select from pg_locks where locktype = 'advisory' limit 1`);
        return rows.length > 0;
      });
    // from the moment it holds its lock, the whole work takes some 60 ms
    while (child.exitCode === null && !(await locked())) await sleep(2);
    await sleep(Math.random() * 60);
    child.kill("SIGKILL");
    if ((await ended).signal === "SIGKILL") interrupted += 1;
    await migrate(url);
    expect(await schemaFingerprint(url)).toBe(expected);
  }
  expect(interrupted).toBeGreaterThan(0);
});
