import { beforeAll, beforeEach, expect, test } from "vitest";
import type { Candle } from "../../runner/src/candle/candle.ts";
import { upsertCandles } from "../../runner/src/db/candles.ts";
import { withTransaction } from "../../runner/src/db/session.ts";
import { leafAt } from "../../runner/src/partition/layout.ts";
import { addMinutes, makeLeaf, withRunner } from "../support/backup/parts.ts";
import { useBackups } from "../support/backup/runs.ts";
import { makeCandles } from "../support/candle/candle-rows.ts";
import { useQuietServer } from "../support/database/quiet-server.ts";

/** Candles of the old layout lack four values and the close time; a sync that fetches them again brings these. */

const database = useQuietServer();
const backups = useBackups(database);
const leaf = leafAt("1m", Date.now());
const at = (minute: number) => `"timestamp" = '${new Date(leaf.span.from + minute * 60_000).toISOString()}'`;
const candles = makeCandles("1m", leaf.span.from, 100);

beforeAll(async () => {
  await makeLeaf(database, "1m", new Date(leaf.span.from).toISOString());
});

beforeEach(async () => {
  await database.query(`truncate r3a.ohlcv_partitioned, r3a.candle_revision, r3a.backup, r3a.backup_object, r3a.backup_copy,
    r3a.backup_use, r3a.backup_part, r3a.backup_leaf, r3a.backup_suspect, r3a.backup_doubt, r3a.backup_gap_series`);
  await sync(candles);
  await database.query(`update r3a.ohlcv_partitioned set quote_volume = null, trades = null, taker_base = null,
    taker_quote = null, close_time = null, source = 'legacy'`);
  await backups.run("daily");
});

const sync = (fetched: readonly Candle[]) =>
  withRunner(database, (db) =>
    withTransaction(db, (client) =>
      upsertCandles(client, "1m", { batches: [{ coinId: 1, candles: fetched }], runId: null }),
    ),
  );
/** As the exchange says some of them now. */
const revised = candles.map((candle, index) => (index % 3 === 0 ? { ...candle, close: "100.9" } : candle));

test.each(["delta", "daily"] as const)(
  "a sync that brings missing values and other prices at once is explained: a %s takes all of it over",
  async (kind) => {
    await sync(revised.slice(10, 40));
    expect(await backups.run(kind)).toMatchObject({ found: 0, open: 0, isWhole: false });
    expect(await backups.restored()).toEqual(await backups.stored());
    // the numbers of the rows that still lack a value are right too: the next values are explained as well
    await sync(revised.slice(40, 70));
    expect(await backups.run(kind)).toMatchObject({ found: 0, open: 0 });
    expect(await backups.restored()).toEqual(await backups.stored());
    await database.query(addMinutes, [1, new Date(leaf.span.from + 200 * 60_000), 1]);
    expect(await backups.run("daily")).toMatchObject({ found: 0, open: 0 });
  },
);

test("a price that a person changed beside them is not", async () => {
  const truth = await backups.stored();
  await sync(revised.slice(10, 40));
  await database.query(`update r3a.ohlcv_partitioned set close = 1 where ${at(5)}`);
  expect(await backups.run("delta")).toMatchObject({ found: 31 });
  expect(await backups.run("daily")).toMatchObject({ found: 0, open: 31 });
  expect(await backups.restored()).toEqual(truth);
});
