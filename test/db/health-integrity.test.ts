import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { describe, expect, test } from "vitest";
import { HOUR_MS, MINUTE_MS } from "../../runner/src/time.ts";
import { withSession } from "../support/database/empty-database.ts";
import {
  badOf,
  deleteCandle,
  END,
  insertCandle,
  insertGap,
  LEAF,
  NOW,
  resultFor,
  updateCandle,
  useSyncedDatabase,
} from "../support/health/synced-database.ts";
import { cutDetach } from "../support/maint/cut-detach.ts";

const { database, coinIds, measure, expectBad } = useSyncedDatabase();

describe("integrity", () => {
  const at = END - 20 * HOUR_MS;
  test.each([
    "high = 98",
    "low = 2001",
    "close = 2001",
    "volume = -1",
    "volume = 'NaN'",
    "high = 'Infinity'",
    "low = 'NaN'",
    "low = 0",
    "open = 'NaN', high = 'NaN', low = 'NaN', close = 'NaN'",
    "quote_volume = 'NaN'",
    "taker_base = -1",
    "trades = -1",
    `close_time = "timestamp" + interval '1 d'`,
  ])("sees a candle with %s", async (values) => {
    const [a] = coinIds();
    const report = await expectBad(updateCandle(a, at, values), updateCandle(a, at), [
      "integrity candles: fail",
    ]);
    expect(resultFor(report, "integrity candles")?.names).toEqual(["AUSDT 1h: 1 with impossible values"]);
  });

  test("lets a candle off its slot pass that is marked", async () => {
    const [a] = coinIds();
    const off = at + MINUTE_MS;
    await database.query(
      `${insertCandle(a, off)}; update r3a.ohlcv_partitioned set flags = 1 where "timestamp" = to_timestamp(${off / 1000})`,
    );
    expect(badOf(await measure())).toEqual([]);
    await database.query(deleteCandle(a, off));
  });

  test("sees a slot that is neither stored nor logged, and one that is both", async () => {
    const [a] = coinIds();
    const gap = insertGap(a, at, { state: "confirmed_absent" });
    const again = "r3a backfill 1h --symbols AUSDT --from 2024-06-10T12:00Z --to 2024-06-20T12:00Z --again";
    const lost = await expectBad(deleteCandle(a, at), insertCandle(a, at), ["integrity slots: fail"]);
    expect(resultFor(lost, "integrity slots")?.names).toEqual([
      `AUSDT 1h: 1 missing and not in the gap log (${again})`,
    ]);
    const both = await expectBad(gap, "delete from r3a.ohlcv_gap_log", ["integrity slots: fail"]);
    expect(resultFor(both, "integrity slots")?.names).toEqual([
      `AUSDT 1h: 1 in the gap log and stored (${again})`,
    ]);
    await expectBad(
      `${deleteCandle(a, at)}; ${gap}`,
      `delete from r3a.ohlcv_gap_log; ${insertCandle(a, at)}`,
      [],
    );
  });

  test("warns of an open gap, and counts none in a span that nobody asked for", async () => {
    const [a] = coinIds();
    const gap = (due: number) => `${deleteCandle(a, at)}; ${insertGap(a, at, { due })}`;
    const mend = `delete from r3a.ohlcv_gap_log; ${insertCandle(a, at)}`;
    await expectBad(gap(NOW), mend, ["integrity gaps: warn"]);
    const unwanted = "update r3a.ohlcv_gap_log set state = 'not_requested', reason = null";
    await expectBad(`${gap(NOW - 3 * HOUR_MS)}; ${unwanted}`, mend, []);
  });

  test("sees an index whose build died, and not one that is being built", async () => {
    const building = await withSession(database.url, async (writer) => {
      await writer.query(`begin; lock table ${LEAF} in row exclusive mode`);
      const builder = new Client({ connectionString: database.url });
      await builder.connect();
      builder.on("error", () => {});
      const built = builder.query(`create index concurrently half_built on ${LEAF} (close)`).catch(() => {});
      const invalid = "select from pg_index where not indisvalid";
      while ((await database.query(invalid)).length === 0) await sleep(20);
      const report = await measure();
      await database.query("select pg_terminate_backend(pid, 5000) from pg_stat_progress_create_index");
      await built;
      return report;
    });
    expect(badOf(building)).toEqual([]);
    const died = await expectBad("select", "drop index r3a.half_built", ["integrity indexes: fail"]);
    expect(resultFor(died, "integrity indexes")?.names).toEqual([
      "r3a.half_built is invalid, and none that maint builds: drop index r3a.half_built, or reindex it",
    ]);
  });

  test("says that maint builds an invalid index of R3A", async () => {
    const set = (isValid: boolean) =>
      `update pg_index set indisvalid = ${isValid} where indrelid = '${LEAF}'::regclass and indisprimary`;
    const broken = await expectBad(set(false), set(true), ["integrity indexes: fail"]);
    expect(resultFor(broken, "integrity indexes")?.names).toEqual([
      `${LEAF}_pkey is invalid, and maint builds it`,
    ]);
  });

  test("sees an index that a leaf lacks", async () => {
    const lone = "r3a.ohlcv_1d_lone";
    const missing = await expectBad(
      `create table ${lone} (like ${LEAF}); alter table ${lone} add primary key (coin_id, "interval", "timestamp");
       delete from pg_inherits where inhrelid = (select indexrelid from pg_index where indrelid = '${lone}'::regclass);
       insert into pg_inherits values ('${lone}'::regclass, 'r3a.ohlcv_1h'::regclass, 1, false)`,
      `delete from pg_inherits where inhrelid = '${lone}'::regclass; drop table ${lone}`,
      ["integrity indexes: fail", "integrity leaves: fail"],
    );
    expect(resultFor(missing, "integrity indexes")?.names).toHaveLength(2);
  });

  test("sees an index that only a parent has, on both levels", async () => {
    for (const [parent, lacking] of [
      ["ohlcv_1h", [`${LEAF} has no r3a.extra`, "r3a.ohlcv_1h_2025 has no r3a.extra"]],
      ["ohlcv_partitioned", ["15m", "1h", "1m", "slow"].map((name) => `r3a.ohlcv_${name} has no r3a.extra`)],
    ] as const) {
      const report = await expectBad(
        `create index extra on only r3a.${parent} (close)`,
        "drop index r3a.extra",
        ["integrity indexes: fail"],
      );
      expect(resultFor(report, "integrity indexes")?.names).toEqual(expect.arrayContaining([...lacking]));
    }
  });

  test("sees a DETACH CONCURRENTLY that was cut off", async () => {
    await cutDetach(database.url, "ohlcv_1h", "ohlcv_1h_2025");
    const report = await measure();
    await database.query("alter table r3a.ohlcv_1h detach partition r3a.ohlcv_1h_2025 finalize");
    expect(resultFor(report, "integrity detach")?.names).toEqual(["r3a.ohlcv_1h_2025"]);
    const lacking = await measure();
    await database.query(
      "alter table r3a.ohlcv_1h attach partition r3a.ohlcv_1h_2025 for values from ('2025-01-01Z') to ('2026-01-01Z')",
    );
    expect(badOf(lacking)).toEqual(["integrity leaves: warn"]);
    expect(badOf(await measure())).toEqual([]);
  });
});
