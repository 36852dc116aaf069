import { beforeAll, expect, test } from "vitest";
import { withSession } from "../support/database/empty-database.ts";
import { useOwnServer } from "../support/database/own-server.ts";
import { expectWholeIndexes, makeLeaves, stripIndexes } from "../support/maint/damage.ts";
import { openLeafOf, runMaintUntilDone, startMaint, waitForInvalid } from "../support/maint/runs.ts";

const server = useOwnServer();

beforeAll(async () => {
  await makeLeaves(server, 1);
});

const invalidOf = (leaf: string) =>
  server.query<{ name: string }>(
    `select indexrelid::regclass::text as name from pg_index where indrelid = $1::regclass and not indisvalid`,
    [leaf],
  );

test.for(["kill", "halt"] as const)(
  "a server that ends by %s in the middle of CREATE INDEX CONCURRENTLY costs no row, and the next run mends the index",
  { timeout: 120_000 },
  async (end) => {
    const leaf = await openLeafOf(server, "r3a.ohlcv_1m");
    await server.query(
      `insert into r3a.ohlcv_partitioned (coin_id, "interval", "timestamp", open, high, low, close, volume)
       select c, '1m', date_trunc('minute', now()), 1, 1, 1, 1, 1 from generate_series(1, 500) c on conflict do nothing`,
    );
    await stripIndexes(server, 2);
    const writer = withSession(server.url, async (session) => {
      session.on("error", () => {}); // the server ends on purpose
      await session.query(`begin; lock table ${leaf} in row exclusive mode`);
      const runner = startMaint(server);
      await waitForInvalid(server, leaf);
      await server[end]();
      return runner.ended;
    });
    const run = await writer;
    expect(run.code, run.stderr).toBe(75);
    await server.start();
    expect((await invalidOf(leaf)).length).toBe(1);
    await runMaintUntilDone(server);
    expect(await invalidOf(leaf)).toEqual([]);
    await expectWholeIndexes(server);
    const [row] = await server.query<{ n: number }>(`select count(*)::int as n from r3a.ohlcv_partitioned`);
    expect(row?.n).toBeGreaterThanOrEqual(500);
  },
);
