import { setTimeout as sleep } from "node:timers/promises";
import pino from "pino";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fillSixYears } from "../../dev/fixtures/six-years.ts";
import { type Database, openDatabase } from "../../runner/src/db/connect.ts";
import { limitLockWaits, runStep } from "../../runner/src/db/maint/vacuum.ts";
import { own } from "../../runner/src/db/session.ts";
import type { VacuumAction, VacuumStep } from "../../runner/src/maint/vacuum-plan.ts";
import { previewVacuum, vacuumTables } from "../../runner/src/maint/vacuum-tables.ts";
import { createProgress } from "../../runner/src/progress.ts";
import { withSession } from "../support/database/empty-database.ts";
import { useQuietServer } from "../support/database/quiet-server.ts";

const database = useQuietServer();
const signal = new AbortController().signal;
const log = pino({ level: "silent" });
let db: Database;

beforeAll(async () => {
  await fillSixYears(database.url, 2);
  db = openDatabase(database.url, "vacuum");
}, 120_000);
afterAll(() => db.pool.end());

const run = (analyzeOnly: boolean, budgetMs = 120_000) =>
  vacuumTables(
    db,
    { analyzeOnly, until: performance.now() + budgetMs },
    { log, progress: createProgress("vacuum", null), signal },
  );
const actionsOf = (steps: readonly VacuumStep[]) => new Set(steps.map(({ action }) => action));
const step = (table: string, action: VacuumAction): VacuumStep => ({
  table,
  kind: "leaf",
  action,
  debt: 1,
  reason: "",
});

const SEALED = `select c.oid, c.* from pg_class c join r3a_util.leaf_partitions() l on l.leaf = c.oid where l.to_ts < now() - interval '2 days'`;
const OPEN_1M = `select leaf::text as leaf from r3a_util.leaf_partitions() where parent = 'r3a.ohlcv_1m'::regclass
  and now() >= from_ts and now() < to_ts`;
const openLeaf = async () => (await database.query<{ leaf: string }>(OPEN_1M))[0]?.leaf ?? "";

describe("a database that nobody analysed", () => {
  test("the plan names everything that holds rows, changes nothing, and is the same when asked again", async () => {
    const plan = await previewVacuum(db, true, signal);
    const leaves = plan.steps.filter(({ kind, action }) => kind === "leaf" && action === "analyze");
    const filled = await database.query(`select from r3a_util.leaf_partitions() where from_ts < now()`);
    const { version } = (
      await database.query<{ version: number }>(
        "select current_setting('server_version_num')::int as version",
      )
    )[0] ?? { version: 0 };
    // before version 18 the root's ANALYZE is theirs too
    expect(leaves).toHaveLength(version >= 180_000 ? filled.length : 0);
    expect(plan.steps.filter(({ kind }) => kind === "parent")).toHaveLength(version >= 180_000 ? 5 : 1);
    expect(await previewVacuum(db, true, signal)).toEqual(plan);
    expect(await database.query("select from pg_stats where schemaname like 'r3a%'")).toEqual([]);
  });

  test("without a budget nothing is begun and all is left", async () => {
    const { outcomes, left, plan } = await run(true, 100);
    expect(outcomes).toEqual([]);
    expect(left).toBe(plan.steps.length);
  });

  test("a run gives every filled leaf, the parents and the other tables of R3A statistics, and vacuums none", async () => {
    const { outcomes, left } = await run(true);
    expect(left).toBe(0);
    expect(outcomes.filter(({ outcome }) => outcome !== "done")).toEqual([]);
    expect(actionsOf(outcomes)).toEqual(new Set(["analyze", "summarize"]));
    const without = `select relid::regclass from pg_stat_user_tables s join pg_class c on c.oid = s.relid
      where schemaname like 'r3a%' and reltuples < 0 and (relkind = 'p' or pg_relation_size(relid) > 0)`;
    expect(await database.query(without)).toEqual([]);
    const inherited = `select count(distinct tablename)::int as n from pg_stats where inherited and schemaname = 'r3a'`;
    expect(await database.query(inherited)).toEqual([{ n: 5 }]);
    expect(
      await database.query(
        "select from pg_stat_user_tables where last_vacuum is not null or last_autovacuum is not null",
      ),
    ).toEqual([]);
  });

  test("the next one has nothing to do but the summaries of the open leaves", async () => {
    const { outcomes, plan } = await run(true);
    expect(actionsOf(outcomes)).toEqual(new Set(["summarize"]));
    expect(outcomes.length).toBeLessThanOrEqual(8);
    const sealed = (await database.query<{ oid: number }>(SEALED)).length;
    expect(plan.postponed.filter(({ action }) => action === "freeze")).toHaveLength(sealed);
  });
});

describe("with VACUUM", () => {
  test("every sealed leaf is frozen, once", async () => {
    const first = await run(false);
    expect(first.outcomes.filter(({ outcome }) => outcome !== "done")).toEqual([]);
    expect(
      await database.query(`select s.relname from (${SEALED}) s where relallvisible < relpages`),
    ).toEqual([]);
    const sealed = (await database.query(SEALED)).length;
    expect(first.outcomes.filter(({ action }) => action === "freeze")).toHaveLength(sealed);
    expect(actionsOf((await run(false)).outcomes)).toEqual(new Set(["summarize"]));
  });

  test("a repair in a sealed leaf makes that one due again, an old transaction leaves it incomplete", async () => {
    await database.query(
      `update r3a.ohlcv_partitioned set close = close where "interval" = '1m' and "timestamp" = now()::date - interval '400 days'`,
    );
    await database.query("select pg_stat_force_next_flush()");
    const frozen = await withSession(database.url, async (reader) => {
      // the table's pages are known to be changed only after the next ANALYZE or VACUUM
      await reader.query("begin isolation level repeatable read");
      await reader.query("select count(*) from r3a.coin");
      await database.query("delete from r3a.ohlcv_partitioned where false");
      const changed = `select leaf::text as leaf from r3a_util.leaf_partitions() where parent = 'r3a.ohlcv_1m'::regclass
        and from_ts <= now()::date - interval '400 days' and to_ts > now()::date - interval '400 days'`;
      const leaf = (await database.query<{ leaf: string }>(changed))[0]?.leaf ?? "";
      await database.query(`update ${leaf} set close = close`);
      return own(db, signal, (client) =>
        runStep(client, step(leaf, "freeze"), { timeoutMs: 60_000, canAnalyzeAlone: false }),
      );
    });
    expect(frozen.outcome).toBe("incomplete");
    const again = await run(false);
    expect(again.outcomes.filter(({ action }) => action === "freeze").map(({ outcome }) => outcome)).toEqual([
      "done",
    ]);
  });
});

describe("one step", () => {
  const once = (action: VacuumAction, table: string, timeoutMs = 60_000, before = "select 1") =>
    own(db, signal, async (client) => {
      await limitLockWaits(client);
      await client.query(before);
      return runStep(client, step(table, action), { timeoutMs, canAnalyzeAlone: false });
    });

  test.for(["analyze", "vacuum", "freeze", "summarize"] as const)(
    "%s is skipped if another session locks the table, and the plan names that session",
    async (action) => {
      const leaf = await openLeaf();
      await withSession(database.url, async (other) => {
        await other.query("set application_name = 'index build'; begin");
        await other.query(`lock table ${leaf} in share update exclusive mode`);
        expect(await once(action, leaf)).toEqual({ outcome: "skipped", error: null });
        const { steps, busy } = await previewVacuum(db, true, signal);
        expect(steps.some(({ table }) => table === leaf)).toBe(false);
        expect(busy).toEqual([
          expect.objectContaining({
            table: leaf,
            busyWith: expect.stringMatching(/^session \d+ index build$/),
          }),
        ]);
      });
    },
  );

  test("what the server refuses or does not know is a failure that says so", async () => {
    const leaf = await openLeaf();
    await database.query(
      `do $$ begin create role r3a_reader; exception when duplicate_object then null; end $$`,
    );
    await database.query("grant usage on schema r3a to r3a_reader");
    const refused = await once("analyze", leaf, 60_000, "set role r3a_reader");
    expect(refused).toMatchObject({
      outcome: "failed",
      error: { message: expect.stringMatching(/permission denied|owner/) },
    });
    await database.query("revoke usage on schema r3a from r3a_reader");
    expect(await once("vacuum", "r3a.gone")).toMatchObject({ outcome: "failed", error: { code: "42P01" } });
  });

  test("one that takes longer than it may is cut", async () => {
    await withSession(database.url, async (other) => {
      await other.query("begin");
      await other.query("lock table pg_statistic in share mode");
      expect((await once("analyze", await openLeaf(), 500)).outcome).toBe("cut");
      await database.query(`update ${await openLeaf()} set close = close`);
      await database.query("select pg_stat_force_next_flush()");
      // one step gets three quarters of what the plan leaves, and for a second one less than half a second is left
      const { outcomes, left } = await run(true, 1_900);
      // it had the most time that it can get, and would have no more the next time
      expect(outcomes).toMatchObject([{ action: "analyze", outcome: "failed" }]);
      expect(left).toBeGreaterThan(0);
    });
  });

  test("the statement of a run that is stopped is cancelled", async () => {
    const stop = new AbortController();
    const ended = own(db, stop.signal, (client) => client.query("select pg_sleep(600)"));
    const sleeping = "select from pg_stat_activity where query = 'select pg_sleep(600)' and state = 'active'";
    while ((await database.query(sleeping)).length === 0) await sleep(10);
    stop.abort(new Error("stopped"));
    await expect(ended).rejects.toThrow("stopped");
    while ((await database.query(sleeping)).length > 0) await sleep(10);
  });
});

test("rows of the open leaf that the BRIN does not know are summarised", async () => {
  const leaf = await openLeaf();
  await database.query(
    `insert into ${leaf} (coin_id, "interval", "timestamp", open, high, low, close, volume)
     select 100 + n % 50, '1m', from_ts + n / 50 * interval '1 minute', 1, 1, 1, 1, 1
     from generate_series(0, 39999) n, r3a_util.leaf_partitions() where leaf = $1::regclass`,
    [leaf],
  );
  expect((await run(true)).outcomes.filter(({ outcome }) => outcome !== "done")).toEqual([]);
  const left = `select brin_summarize_new_values(indexrelid) as n from pg_index i join pg_class c on c.oid = indexrelid
    join pg_am a on a.oid = c.relam where indrelid = $1::regclass and amname = 'brin'`;
  expect(await database.query(left, [leaf])).toEqual([{ n: 0 }]);
});
