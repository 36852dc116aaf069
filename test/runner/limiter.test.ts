import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { TryAgain } from "../../runner/src/errors.ts";
import type { Hold } from "../../runner/src/exchange/belief/hold.ts";
import type { UsedWeight } from "../../runner/src/exchange/belief/numbers.ts";
import { ExchangeFailure } from "../../runner/src/exchange/failure.ts";
import { type Budget, createLimiter } from "../../runner/src/exchange/limiter.ts";
import { MINUTE_MS } from "../../runner/src/time.ts";

const START = Date.parse("2024-02-29T23:59:10Z");

// a wait of the kind that the fake clock moves
vi.mock("../../runner/src/sleep.ts", () => ({
  sleep: async (ms: number, signal: AbortSignal) => {
    signal.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, ms));
  },
}));

beforeEach(() => {
  vi.useFakeTimers({ now: START });
});

afterEach(() => {
  vi.useRealTimers();
});

/** Lets the clock run until nobody waits any more; fails where that never comes. */
async function inTime<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  await vi.runAllTimersAsync();
  return promise;
}

/** The budget of r3a.api_budget in memory, by the same rules, on the fake clock. */
function createBudget() {
  const row = { minute: 0, used: 0, heldUntil: 0, bannedUntil: 0 };
  const calls: string[] = [];
  const budget: Budget = {
    async lease({ wanted, minute, observed, limit }) {
      calls.push(`lease ${wanted}`);
      const used = row.minute >= minute ? Math.max(row.used, observed) : observed;
      const [holdMs, bannedMs] = [row.heldUntil, row.bannedUntil].map((until) =>
        Math.max(0, until - Date.now()),
      );
      const isHeld = (holdMs ?? 0) > 0 || (bannedMs ?? 0) > 0;
      const granted = isHeld ? 0 : Math.max(0, Math.min(wanted, Math.floor(limit) - used));
      Object.assign(row, { minute: Math.max(row.minute, minute), used: used + granted });
      return { granted, holdMs: holdMs ?? 0, bannedMs: bannedMs ?? 0 };
    },
    async hold(ms) {
      calls.push(`hold ${ms}`);
      row.heldUntil = Math.max(row.heldUntil, Date.now() + ms);
    },
    async holdByFirewall() {
      calls.push("holdByFirewall");
      return 300_000;
    },
    async ban(ms) {
      calls.push(`ban ${ms}`);
      row.bannedUntil = Math.max(row.bannedUntil, Date.now() + ms);
    },
  };
  return { row, calls, budget };
}

function create(limit: number) {
  const { row, calls, budget } = createBudget();
  const stop = new AbortController();
  const open = () => createLimiter({ budget, limitPerMinute: limit, now: Date.now, signal: stop.signal });
  return { row, calls, budget, stop, open, limiter: open() };
}

const minuteOf = (ms: number) => Math.floor(ms / MINUTE_MS);

/** Sends requests of these weights and notes in which order and minute each may go. */
async function sendAll(
  acquire: (weight: number, index: number) => Promise<void>,
  weights: readonly number[],
) {
  const sent: { index: number; weight: number; at: number }[] = [];
  await inTime(
    Promise.all(
      weights.map(async (weight, index) => {
        await acquire(weight, index);
        sent.push({ index, weight, at: Date.now() });
      }),
    ),
  );
  return sent;
}

describe("acquire", () => {
  test("never lets more than the limit go in one calendar minute, over all processes of the address", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(1, 2, 20, 80), { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 80, max: 200 }),
        fc.integer({ min: 1, max: 3 }),
        async (weights, limit, processes) => {
          vi.setSystemTime(START);
          const { open } = create(limit);
          const limiters = Array.from({ length: processes }, open);
          const sent = await sendAll(
            async (weight, index) => limiters[index % processes]?.acquire(weight),
            weights,
          );
          const used = Map.groupBy(sent, ({ at }) => minuteOf(at));
          for (const group of used.values())
            expect(group.reduce((sum, { weight }) => sum + weight, 0)).toBeLessThanOrEqual(limit);
          expect(sent).toHaveLength(weights.length);
        },
      ),
    );
  });

  test("lets requests go in the order in which they asked, a heavy one not overtaken by light ones", async () => {
    const { limiter } = create(100);
    const sent = await sendAll(limiter.acquire, [60, 80, 2, 2, 60, 2]);
    expect(sent.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(sent.map(({ at }) => minuteOf(at) - minuteOf(START))).toEqual([0, 1, 1, 1, 2, 2]);
  });

  test("sends one statement for all requests that come together", async () => {
    const { limiter, calls } = create(100);
    await sendAll(limiter.acquire, [2, 2, 20]);
    expect(calls).toEqual(["lease 24"]);
  });

  test("waits for the next minute and a little more when the limit is used up", async () => {
    const { limiter } = create(100);
    await inTime(limiter.acquire(100));
    await inTime(limiter.acquire(2));
    const into = Date.now() - (minuteOf(START) + 1) * MINUTE_MS;
    expect(into).toBeGreaterThanOrEqual(20);
    expect(into).toBeLessThan(1_000);
  });

  test("counts the weight that the exchange has counted, also for other processes", async () => {
    const { limiter } = create(100);
    limiter.observe(99 as UsedWeight);
    await inTime(limiter.acquire(2));
    expect(minuteOf(Date.now())).toBe(minuteOf(START) + 1);
  });

  test("takes the largest count of a minute, since answers overtake each other, and forgets it with the minute", async () => {
    const { limiter } = create(100);
    limiter.observe(99 as UsedWeight);
    limiter.observe(40 as UsedWeight);
    await inTime(limiter.acquire(2));
    expect(minuteOf(Date.now())).toBe(minuteOf(START) + 1);
    await inTime(limiter.acquire(90));
    expect(minuteOf(Date.now())).toBe(minuteOf(START) + 1);
  });

  test("sends a request heavier than the limit alone, instead of never", async () => {
    const { limiter } = create(50);
    await inTime(limiter.acquire(80));
    await inTime(limiter.acquire(1));
    expect(minuteOf(Date.now())).toBe(minuteOf(START) + 1);
  });

  test.each([79.8, 2.5, 0.6])("sends also where the limit (%d) is no whole number", async (limit) => {
    const { limiter, calls } = create(limit);
    await inTime(limiter.acquire(80));
    expect(calls).toHaveLength(1);
  });
});

describe("a hold or a ban", () => {
  const failWith = (kind: "rate-limit" | "banned" | "held", retryAfterMs?: number) =>
    new ExchangeFailure(kind, kind, retryAfterMs === undefined ? {} : { retryAfterMs: retryAfterMs as Hold });

  test("of a 429 is waited for when it is short", async () => {
    const { limiter } = create(100);
    await limiter.punish(failWith("rate-limit", 5_000));
    await inTime(limiter.acquire(2));
    expect(Date.now() - START).toBeGreaterThanOrEqual(5_000);
    expect(Date.now() - START).toBeLessThan(5_200);
  });

  test("longer than a minute ends every request that waits with TryAgain", async () => {
    const { limiter, calls } = create(100);
    await limiter.punish(failWith("rate-limit", 300_000));
    const settled = await inTime(Promise.allSettled([limiter.acquire(2), limiter.acquire(80)]));
    for (const result of settled) {
      expect(result).toMatchObject({ status: "rejected" });
      expect(result.status === "rejected" && result.reason).toBeInstanceOf(TryAgain);
    }
    expect(calls).toEqual(["hold 300000", "lease 82"]);
    await expect(inTime(limiter.acquire(2))).rejects.toThrow(
      "the exchange holds this address for another 5 min",
    );
  });

  test("by a ban of any length ends with TryAgain and lets nothing go", async () => {
    const { limiter, row } = create(100);
    await limiter.punish(failWith("banned", 1_000));
    await expect(inTime(limiter.acquire(2))).rejects.toThrow(
      /^the exchange bans this address for another 1 s/,
    );
    expect(row.used).toBe(0);
    expect(Date.now()).toBe(START);
    vi.setSystemTime(Date.now() + 1_001);
    await expect(inTime(limiter.acquire(2))).resolves.toBeUndefined();
  });

  test("without a time is the rest of the minute for a 429, two minutes for a ban, the budget's rule for a 403", async () => {
    const { limiter, calls } = create(100);
    await limiter.punish(failWith("rate-limit"));
    await limiter.punish(failWith("banned"));
    await limiter.punish(failWith("held"));
    expect(calls).toEqual(["hold 50000", "ban 120000", "holdByFirewall"]);
  });

  test("does not follow from any other failure", async () => {
    const { limiter, calls } = create(100);
    for (const kind of ["timeout", "region", "unavailable", "garbage", "bad-symbol", "bad-request"] as const)
      await limiter.punish(new ExchangeFailure(kind, kind, { retryAfterMs: 5_000 as Hold }));
    expect(calls).toEqual([]);
  });
});

test("an aborted run stops waiting requests with its own reason", async () => {
  const { limiter, stop } = create(100);
  stop.abort(new Error("stopped by SIGTERM"));
  await expect(inTime(limiter.acquire(2))).rejects.toThrow("stopped by SIGTERM");
});

test("a budget that cannot be reached rejects every request that waits, and the next request asks it again", async () => {
  const { limiter, budget } = create(100);
  const lease = vi
    .spyOn(budget, "lease")
    .mockRejectedValueOnce(new TryAgain("the database cannot be reached"));
  const settled = await inTime(Promise.allSettled([limiter.acquire(2), limiter.acquire(2)]));
  expect(settled.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  await expect(inTime(limiter.acquire(2))).resolves.toBeUndefined();
  expect(lease).toHaveBeenCalledTimes(2);
});
