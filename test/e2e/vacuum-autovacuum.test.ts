import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { makeLeaves } from "../support/maint-damage.ts";
import { openLeafOf } from "../support/maint-runs.ts";
import { useOwnServer } from "../support/own-server.ts";
import { runRunner } from "../support/runner.ts";
import { expectExit } from "../support/series.ts";

const server = useOwnServer();

test("a leaf that autovacuum is at is left to it, which goes on, and the others are worked on", async () => {
  await makeLeaves(server, 1);
  const leaf = await openLeafOf(server, "r3a.ohlcv_1m");
  await server.query(
    `insert into r3a.ohlcv_partitioned (coin_id, "interval", "timestamp", open, high, low, close, volume)
     select c, i, date_trunc('day', now()), 1, 1, 1, 1, 1 from generate_series(1, 50000) c, unnest(array['1m', '1d']) i`,
  );
  await server.query(
    `alter table ${leaf} set (autovacuum_vacuum_insert_threshold = 1, autovacuum_vacuum_insert_scale_factor = 0,
       autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1)`,
  );
  await server.query("alter system set autovacuum_naptime = '1s'");
  await server.query("select pg_reload_conf()");
  const worker = `select pid from pg_stat_progress_vacuum where relid = $1::regclass`;
  let [at] = await server.query<{ pid: number }>(worker, [leaf]);
  while (at === undefined) {
    await sleep(100);
    [at] = await server.query<{ pid: number }>(worker, [leaf]);
  }
  const run = await runRunner(["vacuum", "--vacuum", "--json"], { DB_URL: server.url });
  expectExit(run, 0);
  const { busy, steps } = JSON.parse(run.stdout) as Record<string, { table: string; action: string }[]>;
  expect(busy).toContainEqual(
    expect.objectContaining({ table: leaf, action: "vacuum", busyWith: "autovacuum worker" }),
  );
  expect(steps?.map(({ table }) => table)).not.toContain(leaf);
  expect(steps).toContainEqual(expect.objectContaining({ table: "r3a.run", outcome: "done" }));
  expect(await server.query(worker, [leaf])).toEqual([at]);
});
