import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { buildLegacyLayout } from "../../dev/fixtures/legacy-layout.ts";
import { expectExit } from "../support/candle/series.ts";
import { withSession } from "../support/database/empty-database.ts";
import { useOwnServer } from "../support/database/own-server.ts";
import { startAutovacuum } from "../support/maint/slow-autovacuum.ts";
import { runRunner, startRunner } from "../support/runner.ts";

/** An old leaf that somebody is at nearly always: it is moved and dropped all the same, and no session is ended. */

const server = useOwnServer();
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

test("an autovacuum that would take minutes", { timeout: 60_000 }, async () => {
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
