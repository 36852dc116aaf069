import { expect, test } from "vitest";
import { expectExit } from "../support/candle/series.ts";
import { useOwnServer } from "../support/database/own-server.ts";
import { makeLeaves } from "../support/maint/damage.ts";
import { openLeafOf } from "../support/maint/runs.ts";
import { findAutovacuum, startAutovacuum } from "../support/maint/slow-autovacuum.ts";
import { runRunner } from "../support/runner.ts";

const server = useOwnServer();

test("a leaf that autovacuum is at is left to it, which goes on, and the others are worked on", async () => {
  await makeLeaves(server, 1);
  const leaf = await openLeafOf(server, "r3a.ohlcv_1m");
  await server.query(
    `insert into r3a.ohlcv_partitioned (coin_id, "interval", "timestamp", open, high, low, close, volume)
     select c, i, date_trunc('day', now()), 1, 1, 1, 1, 1 from generate_series(1, 50000) c, unnest(array['1m', '1d']) i`,
  );
  await startAutovacuum(server, leaf);
  const [at] = await findAutovacuum(server, leaf);
  expect(at).toBeDefined();
  const run = await runRunner(["vacuum", "--vacuum", "--json"], { DB_URL: server.url });
  expectExit(run, 0);
  const { busy, steps } = JSON.parse(run.stdout) as Record<string, { table: string; action: string }[]>;
  expect(busy).toContainEqual(
    expect.objectContaining({ table: leaf, action: "vacuum", busyWith: "autovacuum worker" }),
  );
  expect(steps?.map(({ table }) => table)).not.toContain(leaf);
  expect(steps).toContainEqual(expect.objectContaining({ table: "r3a.run", outcome: "done" }));
  expect(await findAutovacuum(server, leaf)).toEqual([at]);
});
