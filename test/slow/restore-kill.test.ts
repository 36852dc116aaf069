import { beforeAll, describe, expect, test } from "vitest";
import { COPY_COLUMNS } from "../../runner/src/db/copy-lines.ts";
import { useKills } from "../support/backup/kills.ts";
import { makeSeries } from "../support/candle/made-series.ts";
import { expectExit } from "../support/candle/series.ts";
import { withSession } from "../support/database/empty-database.ts";
import { useQuietServer } from "../support/database/quiet-server.ts";
import { BESIDE, WHOLE } from "../support/restore/kill-points.ts";
import { runRunner } from "../support/runner.ts";
import { findGateway } from "../support/store/gateway.ts";

const gateway = await findGateway();
const title = `kill -9 of a restore ${"missing" in gateway ? gateway.missing : ""}`;
const HOUR = 3_600_000;
const NOW = Math.floor(Date.now() / HOUR) * HOUR;
const OLD = Date.UTC(2024, 0, 31, 22);
/** Candles of a coin that a base has already, earlier than those that are there. */
const MORE = `
  insert into r3a.ohlcv_partitioned (${COPY_COLUMNS})
  select coin_id, "interval", "timestamp" - interval '1 h', open, high, low, close, volume, quote_volume, trades, taker_base,
         taker_quote, close_time - interval '1 h', source, flags
  from r3a.ohlcv_partitioned where "interval" = '15m' order by "timestamp" limit 4`;
const LEAVES = `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname = $1 and c.relkind = 'r' and c.relname like 'ohlcv\\_%\\_2%' order by 1`;

describe.skipIf("missing" in gateway)(title, () => {
  const database = useQuietServer();
  const kills = useKills(database, gateway);
  const { backups } = kills;

  const query = async <Row extends object>(url: string, sql: string, values: readonly unknown[] = []) =>
    withSession(url, async (client) => (await client.query<Row>(sql, [...values])).rows);
  /** The rows of each leaf that a schema has, as texts. */
  const leavesOf = async (url: string, schema: string) => {
    const rows = new Map<string, readonly string[]>();
    for (const { name } of await query<{ name: string }>(url, LEAVES, [schema])) {
      const text = `select t::text as row from (select ${COPY_COLUMNS} from "${schema}"."${name}") t order by 1`;
      rows.set(
        name,
        (await query<{ row: string }>(url, text)).map(({ row }) => row),
      );
    }
    return rows;
  };

  beforeAll(async () => {
    await makeSeries(database.url, [
      { symbol: "BTCUSDT", interval: "1m", from: NOW - 3 * HOUR, to: NOW },
      { symbol: "BTCUSDT", interval: "15m", from: NOW - 9 * HOUR, to: NOW },
      // of two months
      { symbol: "ETHUSDT", interval: "1m", from: OLD, to: OLD + 4 * HOUR },
    ]);
  });

  /** A daily backup, and a delta on top of it: a base and a delta for the open leaf. */
  const backUp = async () => {
    const stores = kills.tiers();
    await backups.run("daily", { stores });
    await database.query(MORE);
    expect(await backups.run("delta", { stores })).toMatchObject({ found: 0 });
  };

  test("--to-schema, at each of its steps: a leaf is there as a whole or not at all", async () => {
    await backUp();
    const truth = await leavesOf(database.url, "r3a");
    for (const point of BESIDE) {
      await kills.killAt(point, "restore --to-schema beside --tier warm");
      for (const [name, rows] of await leavesOf(database.url, "beside"))
        expect(rows).toEqual(truth.get(name));
      await database.query("drop schema if exists beside cascade");
    }
    expectExit(await runRunner(["restore", "--to-schema", "beside"], kills.env()), 0);
    const restored = await leavesOf(database.url, "beside");
    expect(restored.size).toBeGreaterThanOrEqual(4);
    for (const [name, rows] of restored) expect(rows).toEqual(truth.get(name));
    await database.query("drop schema beside cascade");
    await kills.expectNothingLeft();
  }, 600_000);

  test("--all, at each of its steps: the next run goes on, and in the end everything is there once", async () => {
    await backUp();
    const truth = await leavesOf(database.url, "r3a");
    await database.query("create database whole");
    const url = database.urlOf("whole");
    const args = `restore --all --to ${kills.urlOf("whole")} --tier warm`;
    for (const point of WHOLE) {
      await kills.killAt(point, args);
      await expectWholeLeaves(url, truth);
    }
    expectExit(await runRunner(args.split(" "), kills.env()), 0);
    expect(await leavesOf(url, "r3a")).toEqual(truth);
    expect(await query(url, "select from r3a.ohlcv_gap_log")).toEqual([]);
    expect(await query(url, "select to_regnamespace('r3a_restore') as left")).toEqual([{ left: null }]);
  }, 600_000);

  /** A leaf that is not waited for has all of its rows, and one that is has none. */
  async function expectWholeLeaves(
    url: string,
    truth: ReadonlyMap<string, readonly string[]>,
  ): Promise<void> {
    const found = await leavesOf(url, "r3a");
    if (found.size === 0) return;
    const waiting = await query<{ name: string }>(url, "select name from r3a_restore.leaf");
    for (const [name, rows] of truth)
      expect(found.get(name)).toEqual(waiting.some((leaf) => leaf.name === name) ? [] : rows);
  }
});
