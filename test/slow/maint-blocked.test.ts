import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { beforeAll, expect, test } from "vitest";
import { leafAt } from "../../runner/src/partition/layout.ts";
import { DAY_MS } from "../../runner/src/time.ts";
import { waitForProgress } from "../support/crash.ts";
import { withSession } from "../support/database/empty-database.ts";
import { expectWholeIndexes, makeLeaves, planOf, stripBrin, stripIndexes } from "../support/maint/damage.ts";
import {
  openLeafOf,
  runMaintUntilDone,
  startMaint,
  stepsThat,
  waitForInvalid,
} from "../support/maint/runs.ts";
import { runRunner } from "../support/runner.ts";
import { expectInvariant, useWorld } from "../support/world.ts";

const world = useWorld({ latencyMs: 20, weightLimit: null });
const { database } = world;

beforeAll(async () => {
  await makeLeaves(database, 6);
});

test("an idle-in-transaction session is named, holds up concurrent builds alone, and the next run completes", async () => {
  await stripIndexes(database, 2);
  const idle = new Client({ connectionString: database.url, application_name: "forgotten psql" });
  await idle.connect();
  await idle.query(`begin; select count(*) from r3a.coin`);
  const [row] = (await idle.query(`select pg_backend_pid() as pid`)).rows;
  await sleep(1_200);
  const run = await startMaint(database, "--json --transaction-age 1").ended;
  expect(run.code, run.stderr).toBe(0);
  const { steps, backlog } = JSON.parse(run.stdout);
  const blocked = stepsThat("blocked", run);
  expect(blocked.length).toBe(8); // two indexes of the open leaf of each of four parents
  expect(backlog).toBeGreaterThanOrEqual(8);
  expect(steps.some(({ outcome }: { outcome: string }) => outcome === "done")).toBe(true);
  for (const { error } of blocked)
    expect(error).toMatch(new RegExp(`pid ${row.pid} \\(forgotten psql\\), idle in transaction, for \\d+ s`));
  expect(run.stderr).toContain("forgotten psql");
  expect(
    await database.query(
      `select from pg_index where not indisvalid and indrelid in (select leaf from r3a_util.leaf_partitions())`,
    ),
  ).toEqual([]);
  await idle.end();
  await runMaintUntilDone(database);
  await expectWholeIndexes(database);
}, 120_000);

test("a leaf that a writer holds fails with its holder's name, and the next run completes", async () => {
  await stripIndexes(database, 2);
  const { actions } = await planOf(database);
  const last = actions.at(-1);
  const leaf = last?.kind === "index" ? last.table : "";
  // all but the last two, which are the oldest leaf's
  expect((await startMaint(database, `--max-ops ${actions.length - 2}`).ended).code).toBe(0);
  await withSession(database.url, async (writer) => {
    await writer.query(
      `set application_name = 'slow writer'; begin; lock table ${leaf} in row exclusive mode`,
    );
    const run = await startMaint(database, "--json --budget 5").ended;
    expect(run.code, run.stderr).toBe(1);
    const [failed] = stepsThat("failed", run);
    expect(failed).toMatchObject({ op: "build", object: expect.stringContaining(`${leaf}_`) });
    expect(failed?.error).toMatch(/stayed locked; held by: pid \d+ \(slow writer\), idle in transaction/);
    const [op] = await database.query(
      `select outcome, sqlstate from r3a_util.maint_op where object = $1 order by id desc`,
      [failed?.object],
    );
    expect(op).toEqual({ outcome: "failed", sqlstate: "55P03" });
    await writer.query("rollback");
  });
  await runMaintUntilDone(database);
  await expectWholeIndexes(database);
}, 120_000);

test("an operation that takes long says who it waits for while it waits", async () => {
  await stripIndexes(database, 2);
  const leaf = await openLeafOf(database, "r3a.ohlcv_1m");
  await withSession(database.url, async (writer) => {
    await writer.query(
      `set application_name = 'slow writer'; begin; lock table ${leaf} in row exclusive mode`,
    );
    const running = startMaint(database, "--json");
    let heard = "";
    running.child.stderr?.on("data", (chunk) => {
      heard += chunk;
    });
    await expect
      .poll(() => heard, { timeout: 40_000, interval: 100 })
      .toMatch(/build \S+ waits for pid \d+ \(slow writer\), idle in transaction, for \d+ s/);
    await writer.query("rollback");
    expect((await running.ended).code).toBe(0);
  });
}, 90_000);

test("an index that somebody else is building is left to that session, and attached when it is done", async () => {
  const leaf = await openLeafOf(database, "r3a.ohlcv_1m");
  const name = `${leaf.replace("r3a.", "")}_timestamp_idx`;
  await stripIndexes(database, 2);
  await withSession(database.url, (writer) =>
    withSession(database.url, async (builder) => {
      await writer.query(`begin; lock table ${leaf} in row exclusive mode`);
      await builder.query(`set application_name = 'a person'`);
      const built = builder.query(
        `create index concurrently ${name} on ${leaf} using brin ("timestamp") with (pages_per_range = 32, autosummarize = on)`,
      );
      await waitForInvalid(database, leaf);
      const [before] = await database.query(`select to_regclass($1)::oid::text as oid`, [`r3a.${name}`]);
      const run = await startMaint(database, "--json").ended;
      expect(run.code, run.stderr).toBe(0);
      const { steps } = JSON.parse(run.stdout);
      expect(steps).toContainEqual(
        expect.objectContaining({
          object: `r3a.${name}`,
          outcome: "blocked",
          error: expect.stringContaining("(a person)"),
        }),
      );
      await writer.query("rollback");
      await built;
      await runMaintUntilDone(database);
      expect(await database.query(`select to_regclass($1)::oid::text as oid`, [`r3a.${name}`])).toEqual([
        before,
      ]);
    }),
  );
  await expectWholeIndexes(database);
}, 120_000);

test("a plain CREATE INDEX of a person is named and left to it, and maint takes its index instead of a second one", async () => {
  await stripBrin(database);
  const leaf = await openLeafOf(database, "r3a.ohlcv_1m");
  await withSession(database.url, async (person) => {
    await person.query("set application_name = 'a person'; begin");
    await person.query(
      `create index by_hand on ${leaf} using brin ("timestamp") with (pages_per_range = 32, autosummarize = on)`,
    );
    const run = await startMaint(database, "--json --deadline 60").ended;
    expect(run.code, run.stderr).toBe(0);
    expect(JSON.parse(run.stdout).steps).toContainEqual(
      expect.objectContaining({
        op: "build",
        object: `${leaf}_timestamp_idx`,
        outcome: "blocked",
        error: expect.stringMatching(/pid \d+ \(a person\), idle in transaction/),
      }),
    );
    await person.query("commit");
  });
  await runMaintUntilDone(database);
  await expectWholeIndexes(database);
  await database.query(`alter index r3a.by_hand rename to ${leaf.replace("r3a.", "")}_timestamp_idx`);
}, 120_000);

test("a backfill that writes while the BRIN of every leaf is built loses nothing, and both end well", async () => {
  await stripBrin(database);
  const to = Math.floor(world.exchange.now() / DAY_MS) * DAY_MS;
  const span = { from: to - 12 * DAY_MS, to };
  // the upsert needs its primary key; the BRIN of every leaf is built beside it
  const backfill = world.start(
    `backfill 1m --symbols BTCUSDT,ETHUSDT --from ${new Date(span.from).toISOString()} --to ${new Date(span.to).toISOString()}`,
  );
  await waitForProgress(world, 0, backfill);
  const [written, kept] = await Promise.all([backfill.ended, startMaint(database).ended]);
  expect(written.code, written.stderr).toBe(0);
  expect(kept.code, kept.stderr).toBe(0);
  await runMaintUntilDone(database);
  await expectWholeIndexes(database);
  await expectInvariant(world);
  for (const symbol of ["BTCUSDT", "ETHUSDT"])
    expect(await world.stored(symbol, "1m")).toEqual(world.truth(symbol, "1m", span.from, span.to));
}, 120_000);

test("a leaf that cannot be attached names who holds its parent, and a limit of the database's own cuts no statement", async () => {
  const ahead = `r3a.${leafAt("1m", Date.now() + 62 * DAY_MS).name}`;
  await database.query(`drop table ${ahead}`);
  await database.query(
    `do $$ begin execute format('alter database %I set statement_timeout = 3000', current_database()); end $$`,
  );
  await withSession(database.url, async (holder) => {
    await holder.query("set application_name = 'long lock'; begin");
    await holder.query("lock table only r3a.ohlcv_1m in share update exclusive mode");
    const reader = new Client({ connectionString: database.url, application_name: "innocent reader" });
    await reader.connect();
    await reader.query("begin; select count(*) from r3a.ohlcv_1m");
    const run = await startMaint(database, "--json --budget 3").ended;
    await reader.end();
    expect(run.code, run.stderr).toBe(1);
    expect(run.ms).toBeLessThan(15_000);
    const [failed] = stepsThat("failed", run);
    expect(failed).toMatchObject({ op: "create-leaf", object: ahead });
    expect(failed?.error).toMatch(/pid \d+ \(long lock\)/);
    expect(failed?.error).not.toContain("innocent reader");
  });
  await runMaintUntilDone(database);
  await expectWholeIndexes(database);
}, 120_000);

test("of a transaction that the role of DB_URL may not look at is named, and begins no concurrent build beside it", async () => {
  await stripBrin(database);
  await database.query(
    `do $$ begin create role r3a_maint login password 'maint-only' createdb; exception when duplicate_object then null; end $$`,
  );
  await database.query(`do $$ declare t record; begin
    execute format('grant all on database %I to r3a_maint', current_database());
    for t in select format('%I.%I', n.nspname, c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
             where n.nspname in ('r3a', 'r3a_util') and c.relkind in ('r', 'p', 'v') loop execute format('alter table %s owner to r3a_maint', t.name); end loop;
    alter schema r3a owner to r3a_maint; alter schema r3a_util owner to r3a_maint; end $$`);
  const url = Object.assign(new URL(database.url), { username: "r3a_maint", password: "maint-only" });
  await withSession(database.url, async (other) => {
    await other.query("set application_name = 'forgotten dump'; begin; select count(*) from r3a.coin");
    const run = await runRunner(["maint", "--json", "--deadline", "60"], { DB_URL: url.href });
    expect(run.code, run.stderr).toBe(0);
    expect(stepsThat("blocked", run)[0]?.error).toMatch(
      /pid \d+ \(forgotten dump\), of an age that the role of DB_URL may not see/,
    );
  });
  expect(
    await database.query(
      "select from pg_index where not indisvalid and indrelid in (select leaf from r3a_util.leaf_partitions())",
    ),
  ).toEqual([]);
}, 120_000);
