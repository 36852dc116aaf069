import { Client } from "pg";
import { expect, test } from "vitest";
import { buildLegacyLayout } from "../../dev/fixtures/legacy-layout.ts";
import { DAY, HOUR } from "../support/candle/series.ts";
import { useDatabase } from "../support/database/database.ts";
import { copyOldRows, expectNothingLeft, findFate } from "../support/legacy/database.ts";
import { expectInvariant, useWorld } from "../support/world.ts";

const database = useDatabase({ isMigrated: false });
const world = useWorld({ weightLimit: null }, database);

test("a sync before the first leaf is moved goes on behind the newest old candle, and its own candles count", async () => {
  const now = new Date(world.exchange.now());
  const month = Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - 1);
  const symbols = ["BTCUSDT", "ETHUSDT"];
  const client = new Client({ connectionString: database.url });
  await client.connect();
  const firstMonth = new Date(month).toISOString().slice(0, 7);
  await buildLegacyLayout(client, { coins: symbols, firstMonth, months: 1, intervals: ["1h"] });
  await copyOldRows(database);

  const runner = world.start("migrate-layout");
  const isRenamed = `select from pg_class where relname = 'ohlcv_legacy'`;
  while ((await client.query(isRenamed)).rowCount === 0);
  runner.child.kill("SIGKILL");
  await runner.ended;
  await client.end();
  expect(await world.run("migrate")).toMatchObject({ code: 0 });
  const waiting = await database.query(
    `select from pg_class where relname ~ '^ohlcv_c._1h_2' and relkind = 'r'`,
  );
  expect(waiting).toHaveLength(2);
  await expectInvariant(world);

  expect(await world.run(`sync 1h --symbols ${symbols}`)).toMatchObject({ code: 0 });
  await expectInvariant(world);
  const [newest] = await database.query<{ at: Date }>(`select max("timestamp") as at from public.old_row`);
  const asked = await database.query(
    `select coin_id, min("timestamp") as first, bool_and(source = 'rest') as fresh from r3a.ohlcv_partitioned group by 1 order by 1`,
  );
  const first = new Date((newest?.at.getTime() ?? 0) - 4 * HOUR);
  expect(asked).toEqual([1, 2].map((coin_id) => ({ coin_id, first, fresh: true })));

  const run = await world.run("migrate-layout --json");
  expect(run).toMatchObject({ code: 0 });
  expect(JSON.parse(run.stdout)).toMatchObject({
    leaves: 2,
    rows: 6,
    added: 4,
    differed: 2,
    isComplete: true,
  });
  expect(await findFate(database)).toEqual({ rows: 6, stored: 4, revised: 2, lost: 0, invented: 0 });
  await expectNothingLeft(database);
  await expectInvariant(world);
  const kept = await database.query<{ rows: number }>(
    `select count(*)::int as rows from r3a.ohlcv_partitioned where source = 'rest'`,
  );
  expect(kept[0]?.rows).toBeGreaterThan(2 * 10 * (DAY / HOUR) - 48);
});
