import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import type { Interval } from "../../runner/src/contract/intervals.ts";
import { DAY_MS, HOUR_MS } from "../../runner/src/time.ts";
import {
  countCovered,
  createDice,
  expectComplete,
  runUntilComplete,
  waitForProgress,
} from "../support/crash.ts";
import { expectInvariant, useWorld } from "../support/world.ts";

const world = useWorld({ latencyMs: 15, weightLimit: null });
const END = Date.UTC(2024, 5, 1);

type Campaign = {
  readonly interval: Interval;
  readonly symbols: readonly string[];
  readonly from: number;
  readonly to: number;
  readonly kills: number;
};

/** Backfills the span and kills the process again and again on the way; whatever is stored is true at each moment. */
async function backfillUnderFire({ interval, symbols, from, to, kills }: Campaign): Promise<number> {
  const args = `backfill ${interval} --symbols ${symbols} --from ${new Date(from).toISOString()} --to ${new Date(to).toISOString()}`;
  const dice = createDice(from + kills);
  let killedAtWork = 0;
  for (let kill = 0; kill < kills; kill += 1) {
    const before = await countCovered(world);
    const runner = world.start(args);
    // every fourth one anywhere in the start, the others after some pages; then a moment between two statements
    if (kill % 4 === 3) await sleep(dice() * 900);
    else await waitForProgress(world, before, runner);
    await sleep(dice() * 60);
    runner.child.kill("SIGKILL");
    const { signal } = await runner.ended;
    await expectInvariant(world);
    if (signal === "SIGKILL" && (await countCovered(world)) > before) killedAtWork += 1;
  }
  await runUntilComplete(world, args);
  return killedAtWork;
}

/** Later tests need not count the candles of earlier ones after each kill. */
async function forgetCandles(): Promise<void> {
  await world.database.query(
    "truncate r3a.ohlcv_partitioned, r3a.series, r3a.ohlcv_gap_log, r3a_util.last_ts_by_coin_interval",
  );
}

test("a first backfill that is killed eight times holds in the end what the exchange holds", async () => {
  const span = { from: END - 8 * DAY_MS, to: END };
  const symbols = ["BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT"];
  expect(await backfillUnderFire({ interval: "1m", symbols, ...span, kills: 8 })).toBeGreaterThan(3);
  await expectComplete(world, "1m", symbols, span);
}, 120_000);

test("a backfill to before what is stored, and to behind it, survives seven kills", async () => {
  const symbols = ["BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT"];
  const span = { from: END - 13 * DAY_MS, to: END + DAY_MS };
  expect(await backfillUnderFire({ interval: "1m", symbols, ...span, kills: 7 })).toBeGreaterThan(2);
  await expectComplete(world, "1m", symbols, span);
}, 120_000);

test("a span apart from what is stored leaves a logged gap between, and a later backfill fills it under fire", async () => {
  await forgetCandles();
  const symbols = ["BTCUSDT", "ETHUSDT", "ADAUSDT"];
  const far = { from: END - 120 * DAY_MS, to: END - 100 * DAY_MS };
  const near = { from: END - 60 * DAY_MS, to: END };
  await backfillUnderFire({ interval: "15m", symbols, ...far, kills: 2 });
  await backfillUnderFire({ interval: "15m", symbols, ...near, kills: 2 });
  const logged = await world.database.query(
    `select distinct state, reason, (extract(epoch from from_ts) * 1000)::float8 as "from", (extract(epoch from to_ts) * 1000)::float8 as "to"
     from r3a.ohlcv_gap_log where "interval" = '15m' and state in ('open', 'not_requested')`,
  );
  expect(logged).toEqual([{ state: "not_requested", reason: null, from: far.to, to: near.from }]);
  const whole = { from: far.from, to: near.to };
  await backfillUnderFire({ interval: "15m", symbols, ...whole, kills: 3 });
  await expectComplete(world, "15m", symbols, whole);
}, 120_000);

test("a sync whose answers are spoiled survives kills, and a repair brings the rest", async () => {
  await forgetCandles();
  const symbols = ["BTCUSDT", "LTCUSDT"];
  const to = Math.floor(world.exchange.now() / HOUR_MS) * HOUR_MS;
  const from = to - 150 * DAY_MS;
  world.exchange.set({
    faults: [
      { kind: "500", path: "/api/v3/klines", interval: "1h", probability: 0.4 },
      {
        kind: "drop-rows",
        interval: "1h",
        slots: [from + 5 * HOUR_MS, from + 6 * HOUR_MS, to - 50 * HOUR_MS],
      },
    ],
  });
  const env = { FALLBACK_START: new Date(from).toISOString(), SYMBOLS: symbols.join() };
  const dice = createDice(7);
  for (let kill = 0; kill < 5; kill += 1) {
    const runner = world.start("sync 1h", env);
    await sleep(300 + dice() * 1_500);
    runner.child.kill("SIGKILL");
    await runner.ended;
    await expectInvariant(world);
  }
  world.exchange.clearFaults();
  await sleep(300);
  expect(await world.run("sync 1h", env)).toMatchObject({ code: 0 });
  expect(await world.run("gaps --repair --all --intervals 1h", env)).toMatchObject({ code: 0 });
  await expectInvariant(world);
  const stored = await world.stored("BTCUSDT", "1h");
  expect(stored).toEqual(world.truth("BTCUSDT", "1h", from, (stored.at(-1)?.[0] ?? 0) + HOUR_MS));
  expect(stored.length).toBeGreaterThanOrEqual(3_600);
}, 120_000);
