import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { expectExit, expectWhole, HOUR, iso, MINUTE } from "../support/candle/series.ts";
import { expectInvariant, useWorld } from "../support/world.ts";

/** Answers that concern the whole address: after them no process may send. Holds are kept by the database's clock. */
const NOW = Date.parse("2024-05-10T12:00:30Z");
const SINCE = NOW - 30_000 - 2 * HOUR;
const world = useWorld({ clock: { fixedMs: NOW } });
const KLINES = "/api/v3/klines";

beforeEach(async () => {
  await world.database.query("delete from r3a.api_budget");
});
afterEach(() => {
  world.exchange.clearFaults();
  world.exchange.resetWeight();
});

const run = (args: string) => world.run(args, { FALLBACK_START: iso(SINCE) });

/** Seconds that the budget still keeps everybody from sending. */
async function secondsLeft(column: "hold_until" | "firewall_until" | "banned_until"): Promise<number> {
  const [row] = await world.database.query<{ s: number }>(
    `select extract(epoch from ${column} - now())::float8 as s from r3a.api_budget where egress_key = 'default'`,
  );
  return row?.s ?? Number.NaN;
}

const COMMANDS = [
  "sync 1m --symbols BTCUSDT",
  "sync 1h",
  "gaps --repair",
  `backfill 1h --symbols BTCUSDT --from ${iso(SINCE)}`,
  "plan 1m --symbols BTCUSDT",
];

/** Each of the commands ends with 75 and sends nothing. */
async function expectSilence(reason: RegExp, commands: readonly string[]): Promise<void> {
  const asked = world.exchange.requests.length;
  const runs = await Promise.all(commands.map(run));
  for (const each of runs) {
    expectExit(each, 75);
    expect(each.stderr).toMatch(reason);
  }
  expect(world.exchange.requests.length - asked).toBe(0);
}

const isAfter =
  (at: number) =>
  ({ index }: { readonly index: number }) =>
    index >= at;

describe("a ban (418)", () => {
  test("ends the run with 75, is stored, and no process sends until it is over", async () => {
    world.exchange.addFault({ kind: "418", path: KLINES, times: 1, retryAfterS: 900 });
    expectExit(await run("sync 1m --symbols BTCUSDT,ETHUSDT,BNBUSDT"), 75);
    const left = await secondsLeft("banned_until");
    expect(left).toBeGreaterThan(800);
    expect(left).toBeLessThanOrEqual(900);
    await expectSilence(/bans this address/, COMMANDS);
    expect(await world.stored("BTCUSDT", "1m")).toEqual([]);

    world.exchange.resetWeight();
    await world.database.query("update r3a.api_budget set banned_until = now() - interval '1 s'");
    expectExit(await run("sync 1m --symbols BTCUSDT,ETHUSDT,BNBUSDT"), 0);
    for (const symbol of ["BTCUSDT", "ETHUSDT", "BNBUSDT"]) await expectWhole(world, symbol, "1m", SINCE);
    await expectInvariant(world);
  });

  test("in the middle of a backfill stops what was not sent yet and keeps what was stored", async () => {
    const from = SINCE - 60 * 1000 * MINUTE;
    world.exchange.set({ latencyMs: 30 });
    const asked = world.exchange.requests.length;
    const backfill = world.start(`backfill 1m --symbols XRPUSDT --from ${iso(from)} --to ${iso(SINCE)}`);
    await expect
      .poll(() => world.exchange.requests.filter(isAfter(asked)).length, { interval: 10, timeout: 20_000 })
      .toBeGreaterThan(12);
    world.exchange.addFault({ kind: "418", path: KLINES, times: 1, retryAfterS: 900 });
    expectExit(await backfill.ended, 75);
    world.exchange.set({ latencyMs: 0 });
    const answers = world.exchange.requests.filter(isAfter(asked)).map(({ status }) => status);
    // what was on its way at the moment of the ban: never more than the pages that are fetched together
    expect(answers.slice(answers.indexOf(418)).length).toBeLessThanOrEqual(32);
    expect(answers.length).toBeLessThan(60);
    await expectInvariant(world);

    world.exchange.resetWeight();
    await world.database.query("delete from r3a.api_budget");
    expectExit(await run(`backfill 1m --symbols XRPUSDT --from ${iso(from)} --to ${iso(SINCE)}`), 0);
    expect(await world.stored("XRPUSDT", "1m")).toEqual(world.truth("XRPUSDT", "1m", from, SINCE));
    await expectInvariant(world);
  });
});

describe("the web firewall (403)", () => {
  const meetFirewall = async () => {
    world.exchange.addFault({ kind: "403", path: KLINES, times: 1 });
    expectExit(await run("sync 1m --symbols SOLUSDT"), 75);
    return Math.ceil((await secondsLeft("firewall_until")) / 60);
  };

  test("holds every process for 5 minutes, and twice as long each time it comes again, up to an hour", async () => {
    expect(await meetFirewall()).toBe(5);
    await expectSilence(/holds this address/, COMMANDS.slice(0, 2));
    for (const minutes of [10, 20, 40, 60, 60]) {
      await world.database.query("update r3a.api_budget set firewall_until = now() - interval '1 s'");
      expect(await meetFirewall()).toBe(minutes);
    }
    await world.database.query("update r3a.api_budget set firewall_until = now() - interval '61 minutes'");
    expect(await meetFirewall()).toBe(5);
    await world.database.query("update r3a.api_budget set firewall_until = now() - interval '1 s'");
    expectExit(await run("sync 1m --symbols SOLUSDT"), 0);
    await expectWhole(world, "SOLUSDT", "1m", SINCE);
  });

  test("is no repeat because of a 429 a moment ago, and lasts its own time during one", async () => {
    await world.database.query(
      "update r3a.api_budget set firewall_until = '-infinity', hold_until = now() + interval '1 s'",
    );
    expect(await meetFirewall()).toBe(5);
    await world.database.query("update r3a.api_budget set firewall_until = now() - interval '2 hours'");
  });

  test("counts once when several requests on their way meet it together", async () => {
    world.exchange.set({ latencyMs: 50 });
    world.exchange.addFault({ kind: "403", path: KLINES });
    expectExit(await run("sync 1m --symbols DOTUSDT,LTCUSDT,BCHUSDT,NEARUSDT"), 75);
    world.exchange.set({ latencyMs: 0 });
    expect(Math.ceil((await secondsLeft("firewall_until")) / 60)).toBe(5);
  });
});

describe("too many requests (429)", () => {
  test("with a long Retry-After ends the run with 75, and no process sends until it is over", async () => {
    world.exchange.addFault({ kind: "429", path: KLINES, times: 1, retryAfterS: 600 });
    expectExit(await run("sync 1m --symbols AVAXUSDT"), 75);
    expect(Math.ceil((await secondsLeft("hold_until")) / 60)).toBe(10);
    await expectSilence(/holds this address/, COMMANDS.slice(2, 4));
    await world.database.query("update r3a.api_budget set hold_until = now() - interval '1 s'");
    expectExit(await run("sync 1m --symbols AVAXUSDT"), 0);
    await expectWhole(world, "AVAXUSDT", "1m", SINCE);
    await expectInvariant(world);
  });

  test("that does not end is asked three times in all, then the run ends with 75", async () => {
    world.exchange.addFault({ kind: "429", path: KLINES, symbol: "LINKUSDT", retryAfterS: 1 });
    const asked = world.exchange.requests.length;
    expectExit(await run("sync 1m --symbols LINKUSDT"), 75);
    const answers = world.exchange.requests.filter(isAfter(asked)).filter(({ path }) => path === KLINES);
    expect(answers.map(({ status }) => status)).toEqual([429, 429, 429]);
  });
});

describe("a region that is refused (451)", () => {
  test("exits 78 after one request and is not asked again", async () => {
    world.exchange.addFault({ kind: "451" });
    const asked = world.exchange.requests.length;
    const refused = await run("sync 1m --symbols UNIUSDT");
    expectExit(refused, 78);
    expect(refused.stderr).toContain("refuses this region");
    expect(world.exchange.requests.filter(isAfter(asked)).map(({ status }) => status)).toEqual([451]);
  });

  test("exits 78 too when only candles are refused, with nothing stored", async () => {
    world.exchange.addFault({ kind: "451", path: KLINES });
    expectExit(await run("sync 1m --symbols UNIUSDT"), 78);
    expect(await world.stored("UNIUSDT", "1m")).toEqual([]);
    world.exchange.clearFaults();
    expectExit(await run("sync 1m --symbols UNIUSDT"), 0);
    await expectWhole(world, "UNIUSDT", "1m", SINCE);
  });
});
