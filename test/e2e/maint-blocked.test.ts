import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { beforeAll, expect, test } from "vitest";
import { waitForProgress } from "../support/crash.ts";
import { withSession } from "../support/empty-database.ts";
import { expectWholeIndexes, makeLeaves, planOf, stripBrin, stripIndexes } from "../support/maint-damage.ts";
import { openLeafOf, runMaintUntilDone, startMaint, waitForInvalid } from "../support/maint-runs.ts";
import { expectInvariant, useWorld } from "../support/world.ts";

const world = useWorld({ latencyMs: 20, weightLimit: null });
const { database } = world;
const DAY = 86_400_000;

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
  const blocked = steps.filter(({ outcome }: { outcome: string }) => outcome === "blocked");
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
    const failed = JSON.parse(run.stdout).steps.filter(
      ({ outcome }: { outcome: string }) => outcome === "failed",
    );
    expect(failed[0]).toMatchObject({ op: "build", object: expect.stringContaining(`${leaf}_`) });
    expect(failed[0].error).toMatch(/stayed locked; held by: pid \d+ \(slow writer\), idle in transaction/);
    const [op] = await database.query(
      `select outcome, sqlstate from r3a_util.maint_op where object = $1 order by id desc`,
      [failed[0].object],
    );
    expect(op).toEqual({ outcome: "failed", sqlstate: "55P03" });
    await writer.query("rollback");
  });
  await runMaintUntilDone(database);
  await expectWholeIndexes(database);
}, 120_000);

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

test("a backfill that writes while the BRIN of every leaf is built loses nothing, and both end well", async () => {
  await stripBrin(database);
  const to = Math.floor(world.exchange.now() / DAY) * DAY;
  const span = { from: to - 12 * DAY, to };
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
