import { beforeAll, expect, test } from "vitest";
import { listLeavesAhead } from "../../runner/src/partition/desired.ts";
import { useDatabase } from "../support/database/database.ts";
import {
  addParentIndexes,
  damageIndexes,
  expectWholeIndexes,
  planOf,
  stripIndexes,
} from "../support/maint/damage.ts";
import { runMaintUntilDone, startMaint } from "../support/maint/runs.ts";

const database = useDatabase();
const MAX_OPS = 300;
const BUDGET_S = 300;

/**
 * 2,032 leaves: bounds are only times, so the years before the data serve as well as a hundred years of it. Without
 * indexes, which come by the damage; a transaction each.
 */
const MANY_LEAVES = `
  do $$
  declare p record; t timestamptz;
  begin
    for p in select * from (values ('1m', 'YYYY_MM', '1 month', 912), ('15m', 'YYYY_"q"Q', '3 months', 704),
                                   ('1h', 'YYYY', '1 year', 208), ('slow', 'YYYY', '1 year', 208)) as v (name, label, step, n) loop
      for i in 1 .. p.n loop
        t := date_trunc(case p.step when '1 month' then 'month' when '3 months' then 'quarter' else 'year' end, now()) - i * p.step::interval;
        execute format('create table r3a.%I partition of r3a.ohlcv_%s for values from (%L) to (%L)',
                       'ohlcv_' || p.name || '_' || to_char(t, p.label), p.name, t, t + p.step::interval);
        commit;
      end loop;
    end loop;
  end $$`;

beforeAll(async () => {
  await stripIndexes(database, 0);
  await database.query(`set timezone = 'UTC'`);
  await database.query(MANY_LEAVES);
  // the parents' indexes come after the leaves, as when a migration that adds them has only begun
  await addParentIndexes(database, 2);
  await damageIndexes(database, 7, 2 / 3);
  expect((await startMaint(database, "--max-ops 11").ended).code).toBe(0);
}, 240_000);

test("2,000 leaves with a third of their indexes missing or broken converge in the predicted number of runs", async () => {
  const [count] = await database.query<{ n: number }>(
    `select count(*)::int as n from r3a_util.leaf_partitions()`,
  );
  expect(count?.n).toBe(2_032 + listLeavesAhead(Date.now()).length);
  const planned = (await planOf(database)).actions.length;
  expect(planned).toBeGreaterThan(1_000);

  // a budget that is too short for it ends the run between two operations
  const short = await startMaint(database, `--json --budget 1 --max-ops ${MAX_OPS}`).ended;
  expect(short.code, short.stderr.slice(-2_000)).toBe(0);
  const cut = JSON.parse(short.stdout);
  const msOf = (steps: readonly { readonly durationMs: number }[]) =>
    steps.reduce((sum, { durationMs }) => sum + durationMs, 0);
  expect(msOf(cut.steps.slice(0, -1))).toBeLessThan(1_000);
  expect(cut.backlog).toBeGreaterThan(0);

  let [done, runs] = [0, 0];
  for (let left = cut.backlog; left > 0; runs += 1) {
    const run = await startMaint(database, `--json --budget ${BUDGET_S} --max-ops ${MAX_OPS}`).ended;
    expect(run.code, run.stderr.slice(-2_000)).toBe(0);
    expect(run.ms).toBeLessThan(BUDGET_S * 1_000);
    const { steps, backlog } = JSON.parse(run.stdout);
    expect(steps.length).toBeLessThanOrEqual(MAX_OPS);
    done += steps.length;
    left = backlog;
  }
  expect(runs).toBe(Math.ceil(done / MAX_OPS));
  // beyond the plan only each parent's two indexes, which their last child may leave invalid
  expect(done).toBeLessThanOrEqual(cut.backlog + 10);
  await expectWholeIndexes(database);
  await runMaintUntilDone(database);
  process.stderr.write(
    `${planned} operations planned, ${cut.steps.length} in 1 s, ${done} in ${runs} runs\n`,
  );
}, 400_000);
