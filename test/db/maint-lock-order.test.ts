import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, expect, test } from "vitest";
import { useDatabase } from "../support/database/database.ts";
import { withSession } from "../support/database/empty-database.ts";
import {
  addParentIndexes,
  expectWholeIndexes,
  makeLeaves,
  planOf,
  stripBrin,
} from "../support/maint/damage.ts";
import { openLeafOf, runMaintUntilDone, startMaint } from "../support/maint/runs.ts";

const database = useDatabase();

beforeAll(async () => {
  await makeLeaves(database, 1);
});

const INSERT = `
  insert into r3a.ohlcv_partitioned (coin_id, "interval", "timestamp", open, high, low, close, volume)
  values (1, '1m', date_trunc('minute', now()), 1, 1, 1, 1, 1)
  on conflict (coin_id, "interval", "timestamp") do update set open = excluded.open`;

/** Runs the statement while a writer that began before it writes on; it must wait for the writer, not kill it. */
async function expectNoDeadlock(sql: string, locks: string): Promise<void> {
  await withSession(database.url, (writer) =>
    withSession(database.url, async (maint) => {
      await writer.query(`begin; lock table only ${locks} in row exclusive mode`);
      const done = maint.query(sql);
      const waits = `select from pg_locks where not granted and database = (select oid from pg_database where datname = current_database())`;
      while ((await database.query(waits)).length === 0) await sleep(10);
      await writer.query(INSERT);
      await writer.query("commit");
      await done;
    }),
  );
}

test("the attach that makes all parents valid takes its locks in a writer's order", async () => {
  await stripBrin(database);
  await addParentIndexes(database, 2, ["timestamp_idx"]);
  const { actions } = await planOf(database);
  // all but the last attach below each of the parents
  expect((await startMaint(database, `--max-ops ${actions.length - 1}`).ended).code).toBe(0);
  const left = (await planOf(database)).actions;
  expect(left).toHaveLength(1);
  await expectNoDeadlock(left[0]?.kind === "index" ? left[0].sql : "", "r3a.ohlcv_partitioned");
  await runMaintUntilDone(database);
  await expectWholeIndexes(database);
});

test("so does a BRIN that gets other pages", async () => {
  const leaf = await openLeafOf(database, "r3a.ohlcv_1m");
  await database.query(`alter index ${leaf}_timestamp_idx set (pages_per_range = 64)`);
  const [work] = await database.query<{ sql: string }>(`select sql from r3a_util.generate_index_sql()`);
  await expectNoDeadlock(work?.sql ?? "", leaf);
  expect(await database.query(`select from r3a_util.generate_index_sql()`)).toEqual([]);
});
