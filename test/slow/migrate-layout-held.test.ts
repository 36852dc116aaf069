import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { buildLegacyLayout } from "../../dev/fixtures/legacy-layout.ts";
import { expectExit } from "../support/candle/series.ts";
import { withSession } from "../support/database/empty-database.ts";
import { useOwnServer } from "../support/database/own-server.ts";
import { useLegacyDatabases } from "../support/legacy/build.ts";
import { copyOldRows, findFate } from "../support/legacy/database.ts";
import { startAutovacuum } from "../support/maint/slow-autovacuum.ts";
import { runRunner, startRunner } from "../support/runner.ts";

/** An old leaf that somebody is at nearly always: it is moved and dropped all the same, and no session is ended. */

const server = useOwnServer();
const make = useLegacyDatabases();
const build = async (database: string, rowsPerLeaf: number, months = 1) => {
  await server.query(`create database ${database}`);
  const url = server.urlOf(database);
  await withSession(url, (client) =>
    buildLegacyLayout(client, {
      coins: ["BTCUSDT"],
      firstMonth: "2024-01",
      months,
      intervals: ["1m"],
      rowsPerLeaf,
    }),
  );
  return url;
};
const LEAF = "r3a.ohlcv_c1_1m_2024_01";
const isThere = (url: string, leaf = LEAF) =>
  withSession(
    url,
    async (client) => (await client.query("select to_regclass($1) as leaf", [leaf])).rows[0].leaf !== null,
  );

test("readers of the leaf that overlap without an end", async () => {
  const url = await build("read", 5);
  let isOver = false;
  const reader = (offsetMs: number) =>
    withSession(url, async (session) => {
      await sleep(offsetMs);
      while (!isOver) {
        if ((await session.query("select to_regclass($1) as leaf", [LEAF])).rows[0].leaf === null) return;
        await session.query(`select pg_sleep(0.6) from (select from ${LEAF} limit 1) t`);
      }
    }).catch((error: Error) => {
      // dropped between the look and the read
      if (!error.message.includes("does not exist")) throw error;
    });
  const readers = [reader(0), reader(300)];
  await sleep(400);
  const run = await runRunner(["migrate-layout", "--json"], { DB_URL: url });
  isOver = true;
  await Promise.all(readers);
  expectExit(run, 0);
  expect(await isThere(url)).toBe(false);
});

test("an autovacuum that would take minutes", async () => {
  const url = await build("vacuumed", 40_000);
  await withSession(url, (session) =>
    startAutovacuum(
      { query: async (sql, values = []) => (await session.query(sql, [...values])).rows },
      LEAF,
    ),
  );
  expectExit(await runRunner(["migrate-layout", "--json"], { DB_URL: url }), 0);
  expect(await isThere(url)).toBe(false);
});

test("one that nobody may read is left to the next run by name, and the others are moved", async () => {
  const url = await build("held", 4, 3);
  const [first, held, last] = [LEAF, "r3a.ohlcv_c1_1m_2024_02", "r3a.ohlcv_c1_1m_2024_03"] as const;
  // newest first, with a pause of two seconds after each
  const runner = startRunner(["migrate-layout", "--json", "--rows-per-second", "2"], { DB_URL: url });
  while (runner.child.exitCode === null && (await isThere(url, last))) await sleep(20);
  const run = await withSession(url, async (holder) => {
    await holder.query(`begin; lock table ${held} in access exclusive mode`);
    return runner.ended;
  });
  expectExit(run, 1);
  expect(run.stderr).toContain("r3a.ohlcv_c1_1m_2024_02 is not moved: a lock that another session holds");
  expect(JSON.parse(run.stdout)).toMatchObject({ leaves: 2, leavesLeft: 1, leavesFailed: 1 });
  expect([await isThere(url, first), await isThere(url, held)]).toEqual([false, true]);
  expectExit(await runRunner(["migrate-layout", "--json"], { DB_URL: url }), 0);
  expect(await isThere(url, held)).toBe(false);
});

test("a reader that does not end keeps its leaf alone, which is named; the next run ends the work", async () => {
  const database = await make({
    coins: ["BTCUSDT", "ETHUSDT"],
    firstMonth: "2024-01",
    months: 2,
    intervals: ["1h", "1d"],
  });
  await copyOldRows(database);
  await withSession(database.url, async (client) => {
    await client.query(`begin; select from r3a.ohlcv_c1_1d_2024_01`);
    const run = await database.run("migrate-layout --json");
    expect(run.code).toBe(1);
    expect(run.stderr).toContain("r3a.ohlcv_c1_1d_2024_01 could not be dropped");
    expect(JSON.parse(run.stdout)).toMatchObject({
      leaves: 7,
      leavesLeft: 1,
      leavesFailed: 1,
      isComplete: false,
    });
  });
  const run = await database.run("migrate-layout --json");
  expect(run).toMatchObject({ code: 0 });
  expect(JSON.parse(run.stdout)).toMatchObject({ leaves: 1, added: 0, same: 3, isComplete: true });
  expect(await findFate(database)).toMatchObject({ rows: 24, stored: 24, lost: 0, invented: 0 });
});
