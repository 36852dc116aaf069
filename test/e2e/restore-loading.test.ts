import { setTimeout as sleep } from "node:timers/promises";
import type { QueryResultRow } from "pg";
import { beforeAll, expect, test } from "vitest";
import { IN_BACKUP } from "../../runner/src/candle/waiting-gap.ts";
import { lockKey } from "../../runner/src/db/lock.ts";
import { backupSettings } from "../support/backup/each-way.ts";
import { coveredOf, DAY, expectExit, HOUR, outputOf } from "../support/candle/series.ts";
import { useEmptyDatabases, withSession } from "../support/database/empty-database.ts";
import { expectAccounted, expectInvariant, storedIn, useWorld, type World } from "../support/world.ts";

const world = useWorld({ symbols: 3 });
const emptyDatabase = useEmptyDatabases();
const { BACKUP_IDENTITY, ...BACKUP } = await backupSettings();
const RECENT = Date.now() - 2 * DAY;
const ENV = {
  ...{ ...BACKUP, SYMBOLS: "BTCUSDT,ETHUSDT", SYNC_INTERVALS: "1m,1h" },
  FALLBACK_START: new Date(RECENT).toISOString().slice(0, 10),
};
/** Of 1h: in a leaf that is not hot, and that the restore loads first of these. */
const OLD = { from: "2024-01-02", to: "2024-01-04" };
/** Of 1m: in the leaf that the restore loads last. */
const OLDEST = { from: "2023-03-01", to: "2023-03-01T10:00" };

beforeAll(async () => {
  for (const command of [
    "sync 1h",
    "sync 1m",
    `backfill 1h --symbols BTCUSDT,ETHUSDT,BNBUSDT --from ${OLD.from} --to ${OLD.to}`,
    `backfill 1m --symbols BTCUSDT --from ${OLDEST.from} --to ${OLDEST.to}`,
    "backup",
  ])
    expectExit(await world.run(command, ENV), 0);
}, 120_000);

/** The world around the database that is restored. */
function restored(url: string): World {
  const query = <Row extends QueryResultRow>(sql: string, params: readonly unknown[] = []) =>
    withSession(url, async (client) => (await client.query<Row>(sql, [...params])).rows);
  const database = { url, query };
  return { ...world, exchange: world.exchange, database, stored: storedIn(database) };
}

/** Holds the locks of series as a sync does; the restore waits for them, so that the test says how far it comes. */
async function holding(url: string, work: (release: (series: string) => Promise<void>) => Promise<void>) {
  await withSession(url, async (client) => {
    for (const series of ["ETHUSDT:1m", "BNBUSDT:1h"])
      await client.query("select pg_advisory_lock($1)", [lockKey("series", series)]);
    await work(async (series) => {
      await client.query("select pg_advisory_unlock($1)", [lockKey("series", series)]);
    });
  });
}

/** Waits until the statement has a row (or none), for as long as a busy machine may need. */
async function until({ database }: World, sql: string, isThere: boolean): Promise<void> {
  for (let tries = 0; tries < 600; tries += 1) {
    if ((await database.query(sql)).length > 0 === isThere) return;
    await sleep(100);
  }
  throw new Error(`not so after a minute: ${sql}`);
}
const GATE = "select from pg_class where relname = 'hot_set_pending'";

test("while history loads syncs go on, nothing is fetched twice, and every report says what is not loaded yet", async () => {
  const url = await emptyDatabase();
  const [target, env] = [restored(url), { ...ENV, DB_URL: url }];
  const run = (args: string) => world.run(args, env);
  const asked = world.exchange.requests.length;
  await holding(url, async (release) => {
    const restore = world.start(`restore --all --to ${url} --json`, { ...ENV, BACKUP_IDENTITY });
    await until(target, GATE, true);
    await Promise.all(
      [
        "sync 1m --deadline 12",
        "verify --deadline 12",
        "backup --delta --deadline 12",
        "maint --deadline 12",
        "migrate",
        "migrate-layout",
        "candles BTCUSDT 1h",
        "gaps",
      ].map(async (command) => {
        const ended = await run(command);
        expectExit(ended, 75);
        expect(outputOf(ended)).toMatch(/a restore into this database is under way: \d+ of \d+ leaves are/);
      }),
    );
    for (const ended of await Promise.all(["doctor --only schema", "health --only integrity"].map(run))) {
      expectExit(ended, 1);
      expect(ended.stdout).toMatch(/schema\s+.*a\s+restore\s+into\s+this\s+database\s+is\s+under\s+way/);
    }
    await release("ETHUSDT:1m");
    await until(target, GATE, false);

    await expectAccounted(target);
    const again = `backfill 1h --symbols BTCUSDT --from ${OLD.from} --to ${OLD.to}`;
    for (const together of [
      ["sync 1m", "sync 1h", "refresh-lastts"],
      ["gaps --repair --all", "maint"],
      [again],
      [`${again} --again`],
    ])
      for (const ended of await Promise.all(together.map(run))) expectExit(ended, 0);
    const refused = await run("backup --delta");
    expectExit(refused, 75);
    expect(outputOf(refused)).toContain("a backup of what is loaded so far would restore less");

    const list = "gaps --state not_requested --symbols BTCUSDT --intervals 1h";
    const old = `candles BTCUSDT 1h --from ${OLD.from} --to ${OLD.to}`;
    const [verify, asJson, health, gaps, candles] = await Promise.all([
      run("verify"),
      run("verify --json"),
      run("health --only integrity"),
      run(list),
      run(old),
    ]);
    expectExit(verify, 0);
    expect(verify.stdout).toMatch(/4 gaps are in the backup, and a restore loads them: /);
    expect(JSON.parse(asJson.stdout)).toMatchObject({ faults: 0, inBackup: 4 });
    expect(health.stdout).toMatch(/a\s+restore\s+into\s+this\s+database\s+is\s+under\s+way/);
    expect(health.stdout).toMatch(/4\s+gaps\s+are\s+in\s+the\s+backup/);
    const waiting = /2024-01-02 \.\. 2024-01-04, 48\s+candles: in\s+the\s+backup, and\s+not\s+loaded/;
    expect(gaps.stdout).toMatch(waiting);
    expect(candles.stderr).toMatch(/in the backup, and not loaded yet by the restore/);

    await release("BNBUSDT:1h");
    expectExit(await restore.ended, 0);
  });
  expectExit(await run("sync 1m"), 0);
  await expectInvariant(target);
  for (const [symbol, interval, { from, to }] of [
    ["BTCUSDT", "1m", OLDEST],
    ["BTCUSDT", "1h", OLD],
    ["ETHUSDT", "1h", OLD],
    ["BNBUSDT", "1h", OLD],
  ] as const) {
    const [, end = 0] = (await coveredOf(target, symbol, interval)) ?? [];
    expect(await target.stored(symbol, interval)).toEqual([
      ...world.truth(symbol, interval, Date.parse(`${from}Z`), Date.parse(`${to}Z`)),
      ...world.truth(symbol, interval, Date.parse(ENV.FALLBACK_START), end),
    ]);
  }
  const left = await target.database.query(
    `select from r3a.ohlcv_gap_log where evidence ->> 'error' = '${IN_BACKUP}'`,
  );
  expect(left).toEqual([]);
  expectExit(await run("verify"), 0);

  // but for the first candle of a symbol, which is looked for by days and by single candles, nothing old was asked for
  const old = world.exchange.requests.slice(asked).filter(({ path, query }) => {
    const values = new URLSearchParams(query);
    const begin = Number(values.get("startTime"));
    const isSearch = values.get("limit") === "1" || values.get("interval") === "1d";
    return path.endsWith("/klines") && !isSearch && begin < Date.now() - 12 * HOUR;
  });
  expect(old).toEqual([]);
}, 240_000);
