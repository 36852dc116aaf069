import { Client } from "pg";
import { expect, test } from "vitest";
import { openDatabase } from "../../runner/src/db/connect.ts";
import { openLockSession } from "../../runner/src/db/lock.ts";
import { TryAgain } from "../../runner/src/errors.ts";
import { withSession } from "../support/database/empty-database.ts";
import { startForgetfulProxy } from "../support/database/forgetful-proxy.ts";
import { startSilentProxy } from "../support/database/silent-proxy.ts";
import { useWorld } from "../support/world.ts";

/** The session for locks is idle while the work goes on: nobody would notice that its connection is gone. */

const world = useWorld();
const HELD = "select key from r3a_util.lock_holder where scope = 'series' and granted order by 1";

const abortOf = (signal: AbortSignal) =>
  new Promise<unknown>((resolve) => signal.addEventListener("abort", () => resolve(signal.reason)));

test("an idle session whose network swallows everything is given up long before the server frees its locks", async () => {
  const proxy = await startSilentProxy(world.database.url, "from now on silence");
  const db = openDatabase(proxy.url, "silent");
  const locks = await openLockSession(db);
  try {
    // the view names the series of coins
    await world.database.query(
      `insert into r3a.coin (symbol, base, quote, status) values ('SILENTUSDT', 'SILENT', 'USDT', 'TRADING')`,
    );
    expect(await locks.tryLock("series", "SILENTUSDT:1m")).toBe(true);
    const lost = abortOf(locks.lost);
    const startedAt = performance.now();
    const other = new Client({ connectionString: proxy.url });
    other.on("error", () => {});
    await other.connect();
    other.query("select 'from now on silence'").catch(() => {});
    const reason = await lost;
    const ms = performance.now() - startedAt;
    expect(reason).toBeInstanceOf(TryAgain);
    expect(await world.database.query(HELD)).toEqual([{ key: "SILENTUSDT:1m" }]);
    expect(ms).toBeLessThan((await readReleaseMs()) / 2);
  } finally {
    await locks.end();
    await db.pool.end();
    await proxy.stop();
  }
}, 90_000);

/** After this time without a client's answer the server ends a session, as the runner sets it. */
async function readReleaseMs(): Promise<number> {
  const db = openDatabase(world.database.url, "settings");
  try {
    const { rows } = await db.pool.query<{ ms: number }>(
      "select setting::int as ms from pg_settings where name = 'tcp_user_timeout'",
    );
    return rows[0]?.ms ?? 0;
  } finally {
    await db.pool.end();
  }
}

test("a session that is idle for long and answers is not given up", async () => {
  const db = openDatabase(world.database.url, "idle");
  const locks = await openLockSession(db);
  try {
    expect(await locks.tryLock("series", "IDLEUSDT:1m")).toBe(true);
    await withSession(world.database.url, (other) => other.query("select pg_sleep(32)"));
    expect(locks.lost.aborted).toBe(false);
    await locks.unlock("series", "IDLEUSDT:1m");
  } finally {
    await locks.end();
    await db.pool.end();
  }
}, 60_000);

test("a backfill whose session for locks is forgotten ends with 75 while it waits for the exchange's weight", async () => {
  const proxy = await startForgetfulProxy(world.database.url, "pg_try_advisory_lock", 3_000);
  const run = await world.run(
    "backfill 1m --symbols XRPUSDT --from 2024-01-01 --to 2024-05-01 --deadline 90",
    {
      ...{ DB_URL: proxy.url, WEIGHT_LIMIT: "0.01", EGRESS_KEY: "narrow", FALLBACK_START: "2024-05-01" },
    },
  );
  await proxy.stop();
  expect([run.code, run.stderr]).toEqual([
    75,
    expect.stringMatching(/the connection that holds the locks of this run/),
  ]);
  expect(run.ms).toBeLessThan(60_000);
}, 120_000);
