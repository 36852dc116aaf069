import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, expect, test } from "vitest";
import { createDice } from "../support/crash.ts";
import { useDatabase } from "../support/database/database.ts";
import {
  damageIndexes,
  expectWholeIndexes,
  makeLeaves,
  planOf,
  stripIndexes,
} from "../support/maint/damage.ts";
import { runMaintUntilDone, startMaint } from "../support/maint/runs.ts";

const database = useDatabase();

beforeAll(async () => {
  for (const leaf of await makeLeaves(database, 6))
    await database.query(
      `insert into r3a.ohlcv_partitioned (coin_id, "interval", "timestamp", open, high, low, close, volume)
       select c, $1, to_timestamp($2 + n * 900), 1, 1, 1, 1, 1 from generate_series(1, 20) c, generate_series(0, 50) n`,
      [{ ohlcv_1m: "1m", ohlcv_15m: "15m", ohlcv_1h: "1h" }[leaf.parent] ?? "1d", leaf.span.from / 1000],
    );
});

const countRows = async () =>
  (await database.query<{ n: number }>(`select count(*)::int as n from r3a.ohlcv_partitioned`))[0]?.n;
const countOps = async () =>
  (await database.query<{ n: number }>(`select count(*)::int as n from r3a_util.maint_op`))[0]?.n ?? 0;
/** Two indexes of one definition on a leaf: a second build, which nothing would ever take away. */
const TWICE = `
  select x.indrelid::regclass::text from pg_index x join r3a_util.leaf_partitions() l on l.leaf = x.indrelid
  join pg_class c on c.oid = x.indexrelid where c.relname !~ '_ccnew' group by x.indrelid, c.relam having count(*) > 1`;

test("kill -9 at each of its steps loses no row and builds nothing twice, and the next run completes", async () => {
  const rows = await countRows();
  await stripIndexes(database, 1);
  await damageIndexes(database, 11);
  const dice = createDice(11);
  let killed = 0;
  for (let kill = 0; kill < 10; kill += 1) {
    const before = await countOps();
    const runner = startMaint(database);
    const steps = 1 + Math.floor(dice() * 4);
    while (runner.child.exitCode === null && (await countOps()) < before + steps) await sleep(2);
    await sleep(dice() * 15);
    runner.child.kill("SIGKILL");
    if ((await runner.ended).signal === "SIGKILL") killed += 1;
    expect(await database.query(TWICE)).toEqual([]);
  }
  expect(killed).toBeGreaterThan(6);
  const begun = await database.query(`select from r3a_util.maint_op where outcome = 'running'`);
  expect(begun.length).toBeGreaterThan(3);
  await runMaintUntilDone(database);
  await expectWholeIndexes(database);
  expect(await countRows()).toBe(rows);
  expect((await planOf(database)).actions).toEqual([]);
}, 120_000);
