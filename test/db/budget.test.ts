import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openBudget } from "../../runner/src/db/budget.ts";
import { type Database, openDatabase } from "../../runner/src/db/connect.ts";
import { createLimiter } from "../../runner/src/exchange/limiter.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../runner/src/time.ts";
import { useDatabase } from "../support/database/database.ts";

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
  expect(await lease(10, NOON + MINUTE_MS)).toMatchObject({ granted: 10 });
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
  await lease(250, NOON + MINUTE_MS);
  expect(await lease(100, NOON)).toMatchObject({ granted: 50 });
  expect(await lease(100, NOON + MINUTE_MS)).toMatchObject({ granted: 0 });
});

test("what was granted at the end of a minute counts in the next one too, since it may arrive there", async () => {
  await lease(100, NOON);
  await lease(120, NOON, { isLate: true });
  expect(await lease(LIMIT, NOON + MINUTE_MS)).toMatchObject({ granted: LIMIT - 120 });
  expect(await lease(LIMIT, NOON + 2 * MINUTE_MS)).toMatchObject({ granted: LIMIT });
  await lease(50, NOON + 3 * MINUTE_MS, { isLate: true });
  // a minute without any request lies between
  expect(await lease(LIMIT, NOON + 5 * MINUTE_MS)).toMatchObject({ granted: LIMIT });
});

describe("a minute that cannot be", () => {
  const put = (columns: string) =>
    database.query(
      `insert into r3a.api_budget (egress_key) values ('here') on conflict do nothing;
       update r3a.api_budget set ${columns} where egress_key = 'here'`,
    );
  const thisMinute = () => Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS;
  const minuteAhead = async () =>
    (
      await database.query<{ s: number }>(
        "select extract(epoch from minute - date_trunc('minute', clock_timestamp()))::float8 as s from r3a.api_budget where egress_key = 'here'",
      )
    )[0]?.s;

  test("is never stored: 2105 as the exchange's minute stands two minutes ahead of the database", async () => {
    expect(await lease(10, Date.UTC(2105, 0, 1))).toMatchObject({ granted: 10 });
    expect(await minuteAhead()).toBeLessThanOrEqual(120);
    expect(await lease(LIMIT, thisMinute() + 3 * MINUTE_MS)).toMatchObject({ granted: LIMIT - 10 });
  });

  test.each([
    "'2105-01-01'",
    "'infinity'",
    "clock_timestamp() + interval '1 day'",
    "clock_timestamp() + interval '4 minutes'",
  ])("that stands in the row (%s) is forgotten with its count", async (minute) => {
    await put(`minute = ${minute}, used = 2147483647, used_late = 2147483647`);
    const minuteNow = thisMinute();
    expect(await lease(100, minuteNow)).toMatchObject({ granted: 100 });
    expect(await lease(LIMIT, minuteNow)).toMatchObject({ granted: LIMIT - 100 });
    expect(await lease(LIMIT, minuteNow + MINUTE_MS)).toMatchObject({ granted: LIMIT });
    expect(await minuteAhead()).toBeLessThanOrEqual(60);
  });

  test("after the exchange's clock was set back does not starve the jobs until it comes again", async () => {
    await put("minute = date_trunc('minute', clock_timestamp()) - interval '10 minutes', used = 6000");
    const yesterday = thisMinute() - 1440 * MINUTE_MS;
    expect(await lease(100, yesterday)).toMatchObject({ granted: 100 });
    expect(await lease(LIMIT, yesterday)).toMatchObject({ granted: LIMIT - 100 });
    expect(await lease(LIMIT, yesterday + MINUTE_MS)).toMatchObject({ granted: LIMIT });
    // but the minute that the others are in counts for one whose clock stands wrong
    await put(`minute = date_trunc('minute', clock_timestamp()), used = ${LIMIT - 5}`);
    expect(await lease(100, yesterday)).toMatchObject({ granted: 5 });
  });
});

test.each([
  ["hold_until", "holdMs", HOUR_MS],
  ["firewall_until", "holdMs", HOUR_MS],
  ["banned_until", "bannedMs", 3 * DAY_MS],
] as const)(
  "%s in the year 58929 is brought to the longest that can be, once",
  async (column, left, most) => {
    await database.query("insert into r3a.api_budget (egress_key) values ('here')");
    for (const until of ["'infinity'", "make_timestamptz(58929, 1, 1, 0, 0, 0)"]) {
      await database.query(`update r3a.api_budget set ${column} = ${until}`);
      const first = await lease(10, NOON);
      expect(first.granted).toBe(0);
      expect(first[left]).toBeGreaterThan(most - 5_000);
      expect(first[left]).toBeLessThanOrEqual(most);
      await new Promise((resolve) => setTimeout(resolve, 30));
      // it runs out: the second look must not start it again
      expect((await lease(10, NOON))[left]).toBeLessThan((first[left] ?? 0) - 20);
    }
  },
);

describe("the length of the last firewall hold", () => {
  const punishAfter = async (seconds: number, until: string) => {
    await database.query(
      `insert into r3a.api_budget (egress_key, firewall_s, firewall_until) values ('here', ${seconds}, clock_timestamp() + interval '${until}')`,
    );
    return (await openBudget(db, "here").holdByFirewall()) / 1000;
  };

  test.each([
    [2_000_000_000, 3_600],
    [2_147_483_647, 3_600],
    [1_200, 2_400],
    [300, 600],
    [0, 600],
    [-30, 600],
    [-2_147_483_648, 600],
  ])("of %d s that just ended makes the next one %d s", async (before, next) => {
    expect(await punishAfter(before, "-1 s")).toBe(next);
    expect((await lease(1, NOON)).holdMs).toBeGreaterThan((next - 5) * 1000);
  });

  test.each([
    [2_000_000_000, 3_600],
    [600, 600],
    [0, 300],
    [-30, 300],
  ])("of %d s that still runs counts as %d s", async (before, counted) => {
    expect(await punishAfter(before, "10 s")).toBe(counted);
  });
});

test("processes that send around the full minute, each answer late, never exceed the limit as the exchange counts", async () => {
  // grants of the last second of a minute arrive in the next one: the exchange's count of it must still hold
  let clock = NOON + MINUTE_MS - 1_000;
  const arrivals = new Map<number, number>();
  const stop = new AbortController();
  const limiters = Array.from({ length: 8 }, () =>
    createLimiter({
      budget: openBudget(db, "here"),
      limitPerMinute: LIMIT,
      now: () => clock,
      signal: stop.signal,
    }),
  );
  const send = async (limiter: (typeof limiters)[number]) => {
    await limiter.acquire(2);
    const minute = Math.floor((clock + 1_500) / MINUTE_MS);
    arrivals.set(minute, (arrivals.get(minute) ?? 0) + 2);
  };
  const burst = () =>
    Promise.all(limiters.flatMap((limiter) => Array.from({ length: 16 }, () => send(limiter))));
  await burst();
  clock = NOON + MINUTE_MS + 10;
  const second = burst();
  second.catch(() => {});
  while ((await used()) !== LIMIT) await new Promise((resolve) => setImmediate(resolve));
  stop.abort(new Error("seen enough"));
  await second.catch(() => {});
  expect(arrivals.get(NOON / MINUTE_MS + 1)).toBeLessThanOrEqual(LIMIT);
});
