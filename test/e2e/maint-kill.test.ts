import { beforeAll, expect, test } from "vitest";
import { useDatabase } from "../support/database/database.ts";
import { withSession } from "../support/database/empty-database.ts";
import { expectWholeIndexes, makeLeaves, stripIndexes } from "../support/maint/damage.ts";
import { openLeafOf, runMaintUntilDone, startMaint, waitForInvalid } from "../support/maint/runs.ts";

const database = useDatabase();

beforeAll(async () => {
  await makeLeaves(database, 1);
});

const countOps = async () =>
  (await database.query<{ n: number }>(`select count(*)::int as n from r3a_util.maint_op`))[0]?.n ?? 0;

test("killed in a concurrent build, its server process goes on or dies, and the next run heals what it left", async () => {
  const leaf = await openLeafOf(database, "r3a.ohlcv_1m");
  await stripIndexes(database, 2);
  await withSession(database.url, async (writer) => {
    await writer.query(`begin; lock table ${leaf} in row exclusive mode`);
    const runner = startMaint(database);
    await waitForInvalid(database, leaf);
    runner.child.kill("SIGKILL");
    await runner.ended;
    // the server's process holds the lock until it notices that its client is gone
    expect((await startMaint(database).ended).code).toBe(0);
    await writer.query("rollback");
  });
  await runMaintUntilDone(database);
  await expectWholeIndexes(database);
}, 120_000);

test("of two at once one works, and the other exits 0 without touching anything", async () => {
  const leaf = await openLeafOf(database, "r3a.ohlcv_1m");
  await stripIndexes(database, 2);
  const before = await countOps();
  await withSession(database.url, async (writer) => {
    await writer.query(`begin; lock table ${leaf} in row exclusive mode`);
    const first = startMaint(database);
    await waitForInvalid(database, leaf);
    const begun = await countOps();
    const second = await startMaint(database).ended;
    expect(second.code).toBe(0);
    expect(second.stdout).toMatch(
      /^another holder is at work on maint: r3a maint \S+ \(pid \d+\), connected since/,
    );
    expect(await countOps()).toBe(begun);
    await writer.query("rollback");
    expect(await first.ended).toMatchObject({ code: 0 });
  });
  const twice = await database.query(
    `select op, object from r3a_util.maint_op where id > $1 and op = 'build' group by 1, 2 having count(*) > 1`,
    [before],
  );
  expect(twice).toEqual([]);
  await expectWholeIndexes(database);
}, 120_000);

test("SIGTERM cancels the build that runs, and the next run completes it", async () => {
  const leaf = await openLeafOf(database, "r3a.ohlcv_1m");
  await stripIndexes(database, 2);
  await withSession(database.url, async (writer) => {
    await writer.query(`begin; lock table ${leaf} in row exclusive mode`);
    const runner = startMaint(database);
    await waitForInvalid(database, leaf);
    runner.child.kill("SIGTERM");
    const { code } = await runner.ended;
    expect(code).toBe(143);
    // the writer still holds its lock: nothing but the cancel has ended the build
    expect(
      await database.query(
        `select from pg_stat_activity where query ilike 'create%index concurrently%' and state = 'active' and datname = current_database() and pid <> pg_backend_pid()`,
      ),
    ).toEqual([]);
    await writer.query("rollback");
  });
  await runMaintUntilDone(database);
  await expectWholeIndexes(database);
}, 120_000);
