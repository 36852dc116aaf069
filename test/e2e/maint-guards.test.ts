import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeAll, expect, test } from "vitest";
import { leafAt } from "../../runner/src/partition/layout.ts";
import { useDatabase } from "../support/database/database.ts";
import { whileReadOnly, withSession } from "../support/database/empty-database.ts";
import { expectWholeIndexes, makeLeaves, planOf, stripBrin, stripIndexes } from "../support/maint/damage.ts";
import { openLeafOf, runMaintUntilDone, startMaint, stepsThat } from "../support/maint/runs.ts";

const database = useDatabase();

beforeAll(async () => {
  await makeLeaves(database, 6);
});

afterEach(async () => {
  await runMaintUntilDone(database);
  await expectWholeIndexes(database);
});

const optionsOf = async (table: string) =>
  (
    await database.query<{ reloptions: string[] }>(
      `select reloptions from pg_class where oid = $1::regclass`,
      [table],
    )
  )[0]?.reloptions;
/** Takes a setting off the open leaf of 15m, which makes one operation. */
const loseStorage = async () => {
  const leaf = await openLeafOf(database, "r3a.ohlcv_15m");
  await database.query(`alter table ${leaf} reset (autovacuum_analyze_scale_factor)`);
  return leaf;
};

test("what reports success and has changed nothing is a failure", async () => {
  const leaf = await loseStorage();
  await database.query(`
    create function public.undo() returns event_trigger language plpgsql as $$ begin
      if current_setting('test.undoing', true) is distinct from 'on' then
        perform set_config('test.undoing', 'on', true);
        alter table ${leaf} reset (autovacuum_analyze_scale_factor);
      end if;
    end $$;
    create event trigger undo on ddl_command_end when tag in ('ALTER TABLE') execute function public.undo()`);
  const run = await startMaint(database, "--json").ended;
  await database.query("drop event trigger undo; drop function public.undo()");
  expect(run.code, run.stderr).toBe(1);
  expect(JSON.parse(run.stdout)).toMatchObject({
    steps: [
      {
        op: "storage",
        object: leaf,
        outcome: "failed",
        error: `storage ${leaf} reported success, and the catalog still lacks it`,
      },
    ],
    backlog: 1,
  });
});

test("no operation begins once the lock is lost", async () => {
  const leaf = await loseStorage();
  const before = await optionsOf(leaf);
  await database.query(`
    create function public.lose() returns trigger language plpgsql as $$ begin
      perform pg_advisory_unlock_all();
      return new;
    end $$;
    create trigger lose before insert on r3a_util.maint_op for each row execute function public.lose()`);
  const run = await startMaint(database, "--json").ended;
  await database.query("drop trigger lose on r3a_util.maint_op; drop function public.lose()");
  expect(run.code, run.stderr).toBe(1);
  expect(run.stderr).toContain("the lock maint:global was lost");
  expect(await optionsOf(leaf)).toEqual(before);
});

test("a build on a sealed leaf looks again once it has the table, and finds what a person has built meanwhile", async () => {
  await stripBrin(database);
  const leaf = `r3a.${leafAt("1m", Date.now() - 150 * 86_400_000).name}`;
  const { actions } = await planOf(database);
  expect(actions).toContainEqual(expect.objectContaining({ op: "build", table: leaf, isConcurrent: false }));
  await withSession(database.url, async (person) => {
    await person.query(
      `begin; create index by_hand on ${leaf} using brin ("timestamp") with (pages_per_range = 32)`,
    );
    const running = startMaint(database, "--json");
    const waits = `select from pg_locks where relation = $1::regclass and not granted`;
    const builds = `select from r3a_util.maint_op where object = $1 and op = 'build'`;
    while ((await database.query(waits, [leaf])).length === 0) {
      // without its lock nothing waits, and the build is over at once
      if (running.child.exitCode !== null) break;
      await sleep(5);
    }
    expect(await database.query(builds, [`${leaf}_timestamp_idx`])).not.toEqual([]);
    await person.query("commit");
    const run = await running.ended;
    expect(run.code, run.stderr).toBe(0);
    expect(run.stderr).toContain(`build ${leaf}_timestamp_idx: not needed any more`);
  });
});

test("rows of one key are named where the primary key cannot be built for them", async () => {
  await stripIndexes(database, 2);
  const leaf = await openLeafOf(database, "r3a.ohlcv_1m");
  await database.query(
    `insert into ${leaf} (coin_id, "interval", "timestamp", open, high, low, close, volume)
     select 7, '1m', date_trunc('minute', now()), 1, 1, 1, 1, 1 from generate_series(1, 2)`,
  );
  const run = await startMaint(database, "--json").ended;
  await database.query(`delete from ${leaf} where coin_id = 7`);
  expect(run.code, run.stderr).toBe(1);
  expect(stepsThat("failed", run)).toMatchObject([
    {
      op: "build",
      error: expect.stringMatching(/Key \(coin_id, "interval", "timestamp"\)=\(7, 1m, .*\) is duplicated/),
    },
  ]);
});

test("a database that is read-only is refused with what to do, and its plan is shown all the same", async () => {
  const [run, preview] = await whileReadOnly(database.url, async () => [
    await startMaint(database).ended,
    await startMaint(database, "--dry-run").ended,
  ]);
  expect(run.code, run.stderr).toBe(75);
  expect(run.stderr).toContain("default_transaction_read_only is on");
  expect(preview.code, preview.stderr).toBe(0);
});
