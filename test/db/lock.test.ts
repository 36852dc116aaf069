import fc from "fast-check";
import { expect, test } from "vitest";
import { openDatabase } from "../../runner/src/db/connect.ts";
import { lockKey, openLockSession, waitForLock } from "../../runner/src/db/lock.ts";
import { TryAgain } from "../../runner/src/errors.ts";
import { withSession } from "../support/database/empty-database.ts";
import { useWorld } from "../support/world.ts";

const world = useWorld();
const since = () => new Date(Math.floor(world.exchange.now() / 60_000) * 60_000 - 7_200_000).toISOString();

const sync = () =>
  world.run("sync 1m --symbols BTCUSDT,ETHUSDT --json", { FALLBACK_START: since(), AUTO_PERIOD: "true" });

const outcomesOf = async (stdout: string) => {
  const rows = await world.database.query<{ symbol: string; outcome: string }>(
    `select c.symbol, i.outcome from r3a.run_item i join r3a.coin c on c.id = i.coin_id where i.run_id = $1 order by 1`,
    [JSON.parse(stdout).runId],
  );
  return Object.fromEntries(rows.map(({ symbol, outcome }) => [symbol, outcome]));
};

test("SQL and runner compute the same key for any scope and key", async () => {
  const text = fc.string({ unit: "binary" }).filter((each) => !each.includes("\0") && each.isWellFormed());
  const pairs = fc.sample(fc.tuple(text, text), 200);
  const keys = await world.database.query<{ key: string }>(
    `select r3a_util.lock_key(scope, key)::text as key
     from unnest($1::text[], $2::text[]) with ordinality as u (scope, key, n) order by n`,
    [pairs.map(([scope]) => scope), pairs.map(([, key]) => key)],
  );
  expect(keys.map(({ key }) => key)).toEqual(pairs.map(([scope, key]) => lockKey(scope, key)));
  expect(new Set(keys.map(({ key }) => BigInt(key) < 0n))).toEqual(new Set([true, false]));
});

test("a scope or key that is null is an error and locks nothing", async () => {
  for (const call of ["acquire_lock(null, 'x')", "acquire_lock('x', null)", "release_lock(null, 'x')"]) {
    await expect(world.database.query(`select r3a_util.${call}`)).rejects.toMatchObject({ code: "22004" });
  }
});

test("sessions exclude each other and only the holder can release", async () => {
  await withSession(world.database.url, async (one) => {
    await withSession(world.database.url, async (two) => {
      const ask = async (session: typeof one, call: string) =>
        (await session.query<{ answer: boolean }>(`select r3a_util.${call}('team', 'job') as answer`)).rows[0]
          ?.answer;
      expect(await ask(one, "acquire_lock")).toBe(true);
      expect(await ask(two, "acquire_lock")).toBe(false);
      expect(await ask(two, "release_lock")).toBe(false);
      expect(await ask(two, "acquire_lock")).toBe(false);
      expect(await ask(one, "release_lock")).toBe(true);
      expect(await ask(two, "acquire_lock")).toBe(true);
    });
    // the connection of the second is gone, and its lock with it
    const { rows } = await one.query(`select r3a_util.acquire_lock('team', 'job') as answer`);
    expect(rows).toEqual([{ answer: true }]);
  });
});

test("a series whose lock a psql session holds is skipped, the others are synced, and the exit code is 0", async () => {
  await withSession(world.database.url, async (psql) => {
    await psql.query(`select r3a_util.acquire_lock('series', 'BTCUSDT:1m')`);
    const first = await sync();
    expect(first.code).toBe(0);
    expect(JSON.parse(first.stdout).intervals).toMatchObject([{ symbols: 2, skipped: 1, failed: 0 }]);
    expect(await outcomesOf(first.stdout)).toEqual({ BTCUSDT: "skipped", ETHUSDT: "success" });
    expect(await world.stored("BTCUSDT", "1m")).toEqual([]);
    // a lock on another interval of the symbol is another lock
    const other = await world.run("sync 15m --symbols BTCUSDT --json", { FALLBACK_START: since() });
    expect(await outcomesOf(other.stdout)).toEqual({ BTCUSDT: "success" });
  });
  const second = await sync();
  expect(await outcomesOf(second.stdout)).toEqual({ BTCUSDT: "success", ETHUSDT: "success" });
  expect((await world.stored("BTCUSDT", "1m")).length).toBeGreaterThan(100);
});

test("the view names the holder of every lock that the runner takes", async () => {
  const db = openDatabase(world.database.url, "holder");
  const locks = await openLockSession(db);
  try {
    // a series that nothing is stored of yet is the one that is held for the longest time
    await world.database.query(
      `insert into r3a.coin (symbol, base, quote, status) values ('NEWUSDT', 'NEW', 'USDT', 'TRADING')`,
    );
    const taken = [
      ["leaf", "ohlcv_1m"],
      ["migrate", "schema"],
      ["series", "BTCUSDT:1m"],
      ["series", "NEWUSDT:4h"],
      ["universe", "coins"],
      ["universe", "ranking"],
    ] as const;
    for (const [scope, key] of taken) expect(await locks.tryLock(scope, key)).toBe(true);
    const held = `select scope, key, application_name as name, granted from r3a_util.lock_holder order by 1, 2`;
    expect(await world.database.query(held)).toEqual(
      taken.map(([scope, key]) => ({ scope, key, name: "r3a holder", granted: true })),
    );
    await locks.unlock("series", "BTCUSDT:1m");
    expect(await world.database.query(held)).toHaveLength(taken.length - 1);
  } finally {
    await locks.end();
    await db.pool.end();
  }
});

test("a lock session that the server ends says so to all who use it", async () => {
  const db = openDatabase(world.database.url, "ended");
  const locks = await openLockSession(db);
  try {
    expect(await locks.tryLock("series", "X:1m")).toBe(true);
    const lost = new Promise((resolve) =>
      locks.lost.addEventListener("abort", () => resolve(locks.lost.reason)),
    );
    await world.database.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'r3a ended'`,
    );
    expect(await lost).toBeInstanceOf(TryAgain);
    await expect(locks.tryLock("series", "Y:1m")).rejects.toBeInstanceOf(TryAgain);
    await expect(locks.unlock("series", "X:1m")).rejects.toBeInstanceOf(TryAgain);
    await expect(
      waitForLock(locks, { scope: "series", key: "X:1m", timeoutMs: 1_000 }),
    ).rejects.toBeInstanceOf(TryAgain);
  } finally {
    await locks.end();
    await db.pool.end();
  }
});

test("an unlock of what is not held any more is an error, and a wait ends when its holder is gone", async () => {
  const db = openDatabase(world.database.url, "waiter");
  const locks = await openLockSession(db);
  try {
    await expect(locks.unlock("series", "NEVER:1m")).rejects.toThrow("was not held any more");
    const { wait } = await withSession(world.database.url, async (holder) => {
      await holder.query(`select r3a_util.acquire_lock('series', 'BUSY:1m')`);
      expect(await waitForLock(locks, { scope: "series", key: "BUSY:1m", timeoutMs: 300 })).toBe(false);
      return { wait: waitForLock(locks, { scope: "series", key: "BUSY:1m", timeoutMs: 30_000 }) };
    });
    expect(await wait).toBe(true);
  } finally {
    await locks.end();
    await db.pool.end();
  }
});
