import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { INTERVALS } from "../../runner/src/contract/intervals.ts";
import { leafAt } from "../../runner/src/partition/layout.ts";
import { DAY, expectExit, HOUR, iso, MINUTE } from "../support/candle/series.ts";
import { keepTables } from "../support/database/kept-tables.ts";
import { expectInvariant, useWorld } from "../support/world.ts";

/** `verify` against a database in which faults are planted one by one. */
const END = Date.parse("2024-05-10T12:00:00Z");
const SINCE = Date.parse("2024-05-08T00:00:00Z");
const SLOT = SINCE + DAY + 5 * HOUR;
const world = useWorld({ clock: { fixedMs: END + 30_000 } });

/** Times in ms. */
type Finding = { symbol: string; interval: string; kind: string; from: number; to: number };
type Printed = Omit<Finding, "from" | "to"> & { from: string; to: string; candles: number };

async function verify(args = "--symbols BTCUSDT") {
  const run = await world.run(`verify ${args} --json`);
  const { findings: printed, ...counts }: { findings: Printed[]; series: number; faults: number } =
    JSON.parse(run.stdout);
  const findings = printed.map(({ candles: _, from, to, ...each }): Finding => {
    return { ...each, from: Date.parse(from), to: Date.parse(to) };
  });
  return { run, ...counts, findings };
}

/** What verify must find, and that it then exits with 1. */
async function expectFound(found: readonly Finding[], args?: string): Promise<void> {
  const { run, findings } = await verify(args);
  expectExit(run, 1);
  expect(findings).toEqual(found);
}

const kept = keepTables(world.database, ["r3a.ohlcv_partitioned", "r3a.ohlcv_gap_log", "r3a.series"]);
const change = (sql: string) => world.database.query(sql);
const at = (ms: number) => `"timestamp" = '${iso(ms)}'`;
const logGap = (interval: string, [from, to]: readonly [number, number], facts: string) =>
  change(
    `insert into r3a.ohlcv_gap_log (id, coin_id, "interval", from_ts, to_ts, state, reason)
     select gen_random_uuid(), id, '${interval}', '${iso(from)}', '${iso(to)}', ${facts} from r3a.coin where symbol = 'BTCUSDT'`,
  );
const ofBtc = "coin_id = (select id from r3a.coin where symbol = 'BTCUSDT')";

beforeAll(async () => {
  for (const interval of INTERVALS) {
    const run = await world.run(`sync ${interval} --symbols BTCUSDT,ETHUSDT`, { FALLBACK_START: iso(SINCE) });
    expectExit(run, 0);
  }
  await kept.keep();
});

afterEach(async () => {
  await kept.restore();
  await expectInvariant(world);
});

test("a clean database of all intervals has no finding, and the intervals add up", async () => {
  const { run, findings, series, faults } = await verify("--intervals 1m,15m,1h,4h,1d");
  expectExit(run, 0);
  expect([findings, series, faults]).toEqual([[], 10, 0]);
  const forPeople = await world.run("verify");
  expectExit(forPeople, 0);
  expect(forPeople.stdout).toBe("10 series verified: complete and consistent\n");
});

describe("verify finds", () => {
  const finding = (interval: string, kind: string, from: number, to: number) => ({
    symbol: "BTCUSDT",
    interval,
    kind,
    from,
    to,
  });

  test("a row that is missing and not in the gap log", async () => {
    await change(
      `delete from r3a.ohlcv_partitioned where ${ofBtc} and "interval" = '1m'
       and "timestamp" >= '${iso(SLOT)}' and "timestamp" < '${iso(SLOT + 3 * MINUTE)}'`,
    );
    await expectFound([finding("1m", "vanished", SLOT, SLOT + 3 * MINUTE)]);
  });

  test.each([
    ["in an hour", "now() + interval '1 h'", "open gap"],
    ["an hour ago", "now() - interval '1 h'", "open gap"],
    ["three hours ago", "now() - interval '3 h'", "overdue gap"],
    ["never", "null", "overdue gap"],
  ])("a row that is missing and logged: a fault only where nobody asks (due %s)", async (_, due, kind) => {
    await change(`delete from r3a.ohlcv_partitioned where ${ofBtc} and "interval" = '1h' and ${at(SLOT)}`);
    await logGap("1h", [SLOT, SLOT + HOUR], "'open', 'failed'");
    await change(`update r3a.ohlcv_gap_log set next_check_at = ${due} where ${ofBtc}`);
    const [isFault, found] = [kind === "overdue gap", [finding("1h", kind, SLOT, SLOT + HOUR)]];
    const { run, findings, faults } = await verify();
    expectExit(run, isFault ? 1 : 0);
    expect([findings, faults]).toEqual([found, isFault ? 1 : 0]);
    const forPeople = await world.run("verify --symbols BTCUSDT");
    expectExit(forPeople, isFault ? 1 : 0);
    expect(forPeople.stdout).toContain(`: 1 finding${isFault ? "" : ", no fault"}\n`);
    for (const line of forPeople.stdout.split("\n")) expect(line.length, line).toBeLessThanOrEqual(80);
  });

  test("nothing in a gap that is confirmed absent", async () => {
    await change(`delete from r3a.ohlcv_partitioned where ${ofBtc} and "interval" = '1m' and ${at(SLOT)}`);
    await logGap("1m", [SLOT, SLOT + MINUTE], "'confirmed_absent', 'absent'");
    const { run, findings } = await verify();
    expectExit(run, 0);
    expect(findings).toEqual([]);
  });

  test("a candle that the gap log calls missing", async () => {
    await logGap("15m", [SLOT, SLOT + HOUR], "'open', 'absent'");
    await expectFound([finding("15m", "logged but stored", SLOT, SLOT + HOUR)]);
  });

  test("an orphan outside of what the series covers", async () => {
    await change(
      `update r3a.series set covered_from = '${iso(SINCE + 2 * MINUTE)}' where ${ofBtc} and "interval" = '1m'`,
    );
    await expectFound([finding("1m", "orphan", SINCE, SINCE + 2 * MINUTE)]);
  });

  test("what was stored and covered under a clock that was ahead", async () => {
    const future = Math.ceil(Date.now() / HOUR) * HOUR + 24 * HOUR;
    const { parent, span } = leafAt("1h", future);
    await change(`select r3a_util.make_leaf('${parent}', '${iso(span.from)}', '{"fillfactor": 90}')`);
    await change(
      `insert into r3a.ohlcv_partitioned
       select coin_id, "interval", '${iso(future)}', open, high, low, close, volume
       from r3a.ohlcv_partitioned where ${ofBtc} and "interval" = '1h' and ${at(SLOT)}`,
    );
    await expectFound([finding("1h", "candle beyond now", future, future + HOUR)], "--intervals 1h");
    const forPeople = await world.run("verify --symbols BTCUSDT --intervals 1h");
    expect(forPeople.stdout).toContain("candle beyond now: stored under a clock that was ahead");

    await change(
      `update r3a.series set covered_to = '${iso(future + HOUR)}' where ${ofBtc} and "interval" = '1h'`,
    );
    const covered = (await verify("--intervals 1h")).findings.find(
      ({ kind }) => kind === "covered beyond now",
    );
    expect(covered?.to).toBe(future + HOUR);
    expect(Math.abs((covered?.from ?? 0) - Date.now())).toBeLessThanOrEqual(2 * HOUR);
  });

  test("a misaligned twin in the slot of a candle", async () => {
    await change(
      `insert into r3a.ohlcv_partitioned
       select coin_id, "interval", "timestamp" + interval '7 s', open, high, low, close, volume
       from r3a.ohlcv_partitioned where ${ofBtc} and "interval" = '1m' and ${at(SLOT)}`,
    );
    await expectFound([
      finding("1m", "duplicate", SLOT, SLOT + MINUTE),
      finding("1m", "misaligned", SLOT + 7000, SLOT + 7000 + MINUTE),
    ]);
  });

  test("a misaligned candle alone, which is reported and is no fault", async () => {
    await change(
      `update r3a.ohlcv_partitioned set "timestamp" = "timestamp" + interval '7 s'
       where ${ofBtc} and "interval" = '1m' and ${at(SLOT)}`,
    );
    const { run, findings, faults } = await verify();
    expectExit(run, 0);
    expect(findings).toEqual([finding("1m", "misaligned", SLOT + 7000, SLOT + 7000 + MINUTE)]);
    expect(faults).toBe(0);
  });

  test.each([
    ["close", "close = close + 0.00000001"],
    ["volume", "volume = volume + 0.00000001"],
    ["taker_quote", "taker_quote = taker_quote - 1"],
    ["trades", "trades = trades + 1"],
  ])("a %s that contradicts the finer interval", async (_, values) => {
    await change(
      `update r3a.ohlcv_partitioned set ${values} where ${ofBtc} and "interval" = '15m' and ${at(SLOT)}`,
    );
    await expectFound(
      [finding("15m", "contradiction", SLOT, SLOT + 15 * MINUTE)],
      "--symbols BTCUSDT --intervals 15m",
    );
  });

  test("candles that no exchange sends, and the remedy that it names replaces them by those of the exchange", async () => {
    const impossible = [
      "high = 'NaN'",
      "open = 'NaN', high = 'NaN', low = 'NaN', close = 'NaN'",
      "high = 'Infinity'",
      "low = 0",
      "low = -1",
      "low = close + 1, high = close + 2, open = close + 1",
      "volume = 'NaN'",
      "volume = 'Infinity'",
      "volume = -0.1",
      "quote_volume = 'NaN'",
      "taker_base = -1",
      "taker_quote = '-Infinity'",
      "trades = -1",
      `close_time = "timestamp" - interval '1 ms'`,
      `close_time = "timestamp" + interval '1 d' - interval '1 ms'`,
      "close_time = 'infinity'",
    ].map((values, index) => ({ values, slot: SLOT + 2 * index * MINUTE }));
    const truth = await world.stored("BTCUSDT", "1m");
    for (const { values, slot } of impossible)
      await change(
        `update r3a.ohlcv_partitioned set ${values} where ${ofBtc} and "interval" = '1m' and ${at(slot)}`,
      );
    await expectFound(
      impossible.map(({ slot }) => finding("1m", "impossible", slot, slot + MINUTE)),
      "--symbols BTCUSDT --intervals 1m",
    );
    const forPeople = await world.run("verify --symbols BTCUSDT --intervals 1m");
    const [named, ...others] = forPeople.stdout.match(/(?<= r3a )backfill .*$/gm) ?? [];
    expect(others).toEqual([]);
    expectExit(await world.run(named ?? ""), 0);
    expect(await world.stored("BTCUSDT", "1m")).toEqual(truth);
    expect((await verify("--symbols BTCUSDT --intervals 1m")).findings).toEqual([]);
    const [kept] = await change("select count(*)::int as n from r3a.candle_revision");
    expect(kept).toEqual({ n: impossible.length });
  });

  test("nothing in a candle that has the five values of an old database alone", async () => {
    const mute = ["quote_volume", "trades", "taker_base", "taker_quote", "close_time"];
    await change(
      `update r3a.ohlcv_partitioned set ${mute.map((name) => `${name} = null`).join(", ")}
       where ${ofBtc} and "interval" = '1m' and ${at(SLOT)}`,
    );
    expect((await verify("--symbols BTCUSDT --intervals 1m")).findings).toEqual([]);
  });

  test("only what lies in the span, the symbols and the intervals that were asked for", async () => {
    await change(`delete from r3a.ohlcv_partitioned where ${ofBtc} and "interval" = '1m' and ${at(SLOT)}`);
    const before = await verify(`--from ${iso(SINCE)} --to ${iso(SLOT)}`);
    const other = await verify("--symbols ETHUSDT");
    const coarser = await verify("--intervals 1h,4h");
    expect([before.findings, other.findings, coarser.findings]).toEqual([[], [], []]);
    const within = await verify(`--from ${iso(SLOT)} --to ${iso(SLOT + MINUTE)}`);
    expect(within.findings).toHaveLength(1);
    expectExit(await world.run("verify --symbols XRPUSDT"), 64);
  });
});
