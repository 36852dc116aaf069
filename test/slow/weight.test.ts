import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { MINUTE_MS } from "../../runner/src/time.ts";
import { expectInvariant, useWorld } from "../support/world.ts";

/** 300 of the exchange's 6,000 for us; it refuses beyond 375, and the first refusal fails the test. */
const SHARE = "0.05";
const LIMIT = 300;
const world = useWorld({ weightLimit: 375, latencyMs: 40 });

/** Sets the exchange's clock so that its next minute begins in `ms`. */
function beginMinuteIn(ms: number): void {
  const untilLocal = MINUTE_MS - (Date.now() % MINUTE_MS);
  world.exchange.set({ clock: { offsetMs: untilLocal - ms } });
}

type Budget = { readonly used: number; readonly minute: number };

const readBudget = async (key: string): Promise<Budget | undefined> =>
  (
    await world.database.query<Budget>(
      `select used, (extract(epoch from minute) * 1000)::float8 as minute from r3a.api_budget where egress_key = $1`,
      [key],
    )
  )[0];

async function usedAtExchange(): Promise<number> {
  const answer = await fetch(`${world.exchange.url}/control`);
  const state = (await answer.json()) as { readonly usedWeight: number };
  return state.usedWeight;
}

test("eight processes across a full minute never meet a 429, and the shared budget knows of every request", async () => {
  beginMinuteIn(25_000);
  const span = (from: string, to: string) => `--from ${from} --to ${to} --deadline 100`;
  const env = { WEIGHT_LIMIT: SHARE, EGRESS_KEY: "eight", FALLBACK_START: "2024-01-01" };
  const runners = [
    `backfill 1m --symbols BTCUSDT ${span("2024-01-01", "2024-01-28")}`,
    `backfill 1m --symbols ETHUSDT ${span("2024-01-01", "2024-01-28")}`,
    `backfill 1m --symbols SOLUSDT ${span("2024-01-01", "2024-01-28")}`,
    `backfill 15m --symbols BTCUSDT ${span("2023-10-01", "2024-03-01")}`,
    `backfill 1h --symbols BTCUSDT ${span("2022-01-01", "2024-03-01")}`,
    "sync 4h --symbols BTCUSDT --deadline 100",
    "sync 1d --symbols ETHUSDT --deadline 100",
    "sync 1h --symbols XRPUSDT --deadline 100",
  ].map((args) => world.start(args, env));
  let atWork = runners.length;
  const ended = Promise.all(runners.map(({ ended }) => ended.finally(() => (atWork -= 1))));
  const short: unknown[] = [];
  const fullest = new Map<number, number>();
  while (atWork > 0) {
    const seen = await usedAtExchange();
    const minute = Math.floor(world.exchange.now() / MINUTE_MS) * MINUTE_MS;
    const budget = await readBudget("eight");
    // the request for the time is paid for when its answer has said which minute it is
    if (budget?.minute === minute && budget.used + runners.length < seen) short.push({ budget, seen });
    if (budget?.minute === minute) fullest.set(minute, budget.used);
    await sleep(20);
  }
  const runs = await ended;
  expect(runs.map(({ code }) => (code === 124 ? 0 : code))).toEqual(runs.map(() => 0));
  expect(short.slice(0, 3)).toEqual([]);
  expect(world.exchange.requests.filter(({ status }) => status === 429 || status === 418)).toEqual([]);
  // both sides of the full minute saw work, and the limit was felt
  expect(fullest.size).toBeGreaterThanOrEqual(2);
  expect(Math.max(...fullest.values())).toBeGreaterThanOrEqual(LIMIT - 2);
  const perMinute = Map.groupBy(world.exchange.requests, ({ at }) => Math.floor(at / MINUTE_MS));
  const weights = [...perMinute.values()].map((own) => own.reduce((sum, { weight }) => sum + weight, 0));
  expect(Math.max(...weights)).toBeLessThanOrEqual(LIMIT + runners.length);
  expect(await world.database.query("select sum(rate_limit_hits)::int as hits from r3a.run")).toEqual([
    { hits: 0 },
  ]);
  await expectInvariant(world);
}, 150_000);

test("a machine whose clock is ahead does not end the minute of the others", async () => {
  // the exchange is 20 s into a minute that is over here
  world.exchange.set({ clock: { offsetMs: -(Date.now() % MINUTE_MS) - 40_000 } });
  const minute = Math.floor(world.exchange.now() / MINUTE_MS) * MINUTE_MS;
  await world.database.query(
    "insert into r3a.api_budget (egress_key, minute, used) values ('ahead', to_timestamp($1 / 1000.0), $2)",
    [minute, LIMIT],
  );
  const sent = world.exchange.requests.length;
  const run = await world.run("sync 1d --symbols ADAUSDT --deadline 8", {
    WEIGHT_LIMIT: SHARE,
    EGRESS_KEY: "ahead",
  });
  expect(run.code).toBe(124);
  expect(world.exchange.requests.slice(sent).map(({ path }) => path)).toEqual(["/api/v3/time"]);
  expect(await readBudget("ahead")).toEqual({ minute, used: LIMIT });
});
