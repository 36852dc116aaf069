import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { openBudget } from "../../runner/src/db/budget.ts";
import { type Database, openDatabase } from "../../runner/src/db/connect.ts";
import { createLimiter } from "../../runner/src/exchange/limiter.ts";
import { useDatabase } from "../support/database.ts";

const MINUTE = 60_000;
const NOON = Date.UTC(2024, 0, 1, 12);
const LIMIT = 300;
const database = useDatabase();
let db: Database;

beforeAll(() => {
  db = openDatabase(database.url, "budget");
});
afterAll(() => db.pool.end());
beforeEach(async () => {
  await database.query("truncate r3a.api_budget");
});

const lease = (wanted: number, minute: number, more: { observed?: number; isLate?: boolean } = {}) =>
  openBudget(db, "here").lease({ wanted, minute, observed: 0, limit: LIMIT, isLate: false, ...more });
const used = async () =>
  (await database.query<{ used: number }>("select used from r3a.api_budget where egress_key = 'here'"))[0]
    ?.used;

test("leases of one minute never add up to more than the limit, however many ask at once", async () => {
  const leases = await Promise.all(Array.from({ length: 50 }, () => lease(10, NOON)));
  expect(leases.reduce((sum, { granted }) => sum + granted, 0)).toBe(LIMIT);
  expect(await used()).toBe(LIMIT);
  expect(await lease(1, NOON)).toMatchObject({ granted: 0 });
  expect(await lease(10, NOON + MINUTE)).toMatchObject({ granted: 10 });
  expect(await used()).toBe(10);
});

test("the exchange's own count wins where it is higher, and another address has its own", async () => {
  expect(await lease(10, NOON, { observed: 295 })).toMatchObject({ granted: 5 });
  const other = await openBudget(db, "there").lease({
    ...{ wanted: 10, minute: NOON, observed: 0, limit: LIMIT, isLate: false },
  });
  expect(other.granted).toBe(10);
});

test("a process whose minute is over already takes from the one that the others are in", async () => {
  await lease(250, NOON + MINUTE);
  expect(await lease(100, NOON)).toMatchObject({ granted: 50 });
  expect(await lease(100, NOON + MINUTE)).toMatchObject({ granted: 0 });
});

test("what was granted at the end of a minute counts in the next one too, since it may arrive there", async () => {
  await lease(100, NOON);
  await lease(120, NOON, { isLate: true });
  expect(await lease(LIMIT, NOON + MINUTE)).toMatchObject({ granted: LIMIT - 120 });
  expect(await lease(LIMIT, NOON + 2 * MINUTE)).toMatchObject({ granted: LIMIT });
  await lease(50, NOON + 3 * MINUTE, { isLate: true });
  // a minute without any request lies between
  expect(await lease(LIMIT, NOON + 5 * MINUTE)).toMatchObject({ granted: LIMIT });
});

test("processes that send around the full minute, each answer late, never exceed the limit as the exchange counts", async () => {
  // grants of the last second of a minute arrive in the next one: the exchange's count of it must still hold
  let clock = NOON + MINUTE - 1_000;
  const arrivals = new Map<number, number>();
  const stop = new AbortController();
  const limiters = Array.from({ length: 8 }, () =>
    createLimiter(openBudget(db, "here"), LIMIT, () => clock, stop.signal),
  );
  const send = async (limiter: (typeof limiters)[number]) => {
    await limiter.acquire(2);
    const minute = Math.floor((clock + 1_500) / MINUTE);
    arrivals.set(minute, (arrivals.get(minute) ?? 0) + 2);
  };
  const burst = () =>
    Promise.all(limiters.flatMap((limiter) => Array.from({ length: 16 }, () => send(limiter))));
  await burst();
  clock = NOON + MINUTE + 10;
  const second = burst();
  second.catch(() => {});
  while ((await used()) !== LIMIT) await new Promise((resolve) => setImmediate(resolve));
  stop.abort(new Error("seen enough"));
  await second.catch(() => {});
  expect(arrivals.get(NOON / MINUTE + 1)).toBeLessThanOrEqual(LIMIT);
});
