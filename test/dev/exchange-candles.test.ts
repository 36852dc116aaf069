import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type SimulatedExchange, startExchange } from "../../dev/exchange/exchange.ts";
import { listCandles } from "../../dev/exchange/generator.ts";
import { type Interval, intervalWidths } from "../../dev/exchange/interval.ts";
import type { KlineRow } from "../../dev/exchange/kline-text.ts";
import { defaultMarket, type MarketSymbol } from "../../dev/exchange/market.ts";
import { listRecordedSeries } from "../../dev/exchange/recorded.ts";

const at = (iso: string): number => Date.parse(iso);
const market = defaultMarket();
const later = at("2026-01-01T00:00:00Z");

function symbolOf(name: string): MarketSymbol {
  const entry = market.find((candidate) => candidate.symbol === name);
  if (!entry) throw new Error(`no symbol ${name}`);
  return entry;
}

const units = (text: string): bigint => BigInt(text.replace(".", ""));
const render = (value: bigint): string => {
  const digits = String(value).padStart(9, "0");
  return `${digits.slice(0, -8)}.${digits.slice(-8)}`;
};

/** The exact candle of these minutes, summed with BigInt, independent of the generator's own sums. */
function aggregate(open: number, width: number, minutes: readonly KlineRow[]): KlineRow | undefined {
  const [first] = minutes;
  const last = minutes.at(-1);
  if (!first || !last) return undefined;
  const prices = (field: 2 | 3): bigint[] => minutes.map((row) => units(row[field]));
  const sum = (field: 5 | 7 | 9 | 10): string =>
    render(minutes.reduce((total, row) => total + units(row[field]), 0n));
  const high = prices(2).reduce((left, right) => (left > right ? left : right));
  const low = prices(3).reduce((left, right) => (left < right ? left : right));
  const trades = minutes.reduce((total, row) => total + row[8], 0);
  return [
    open,
    first[1],
    render(high),
    render(low),
    last[4],
    sum(5),
    open + width - 1,
    sum(7),
    trades,
    sum(9),
    sum(10),
    "0",
  ];
}

function expectExactAggregates(entry: MarketSymbol, interval: Interval, open: number, now: number): void {
  const width = intervalWidths[interval];
  const span = { from: open, to: open + width };
  const wanted = aggregate(open, width, listCandles(entry, "1m", span, now));
  expect(listCandles(entry, interval, span, now)).toEqual(wanted ? [wanted] : []);
}

describe("generated candles", () => {
  test("every interval is the exact sum of its minutes, anywhere, running candles included", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...market),
        fc.constantFrom("15m", "1h", "4h", "1d" as const),
        fc.integer({ min: at("2017-07-01"), max: later }),
        fc.integer({ min: 0, max: 30 * 3_600_000 }),
        (entry, interval, time, ahead) => {
          const width = intervalWidths[interval as Interval];
          expectExactAggregates(entry, interval as Interval, Math.floor(time / width) * width, time + ahead);
        },
      ),
      { numRuns: 60 },
    );
  });

  test.each([
    ["HALTUSDT", "2024-02-10T00:00:00Z"],
    ["HALTUSDT", "2024-05-01T00:00:00Z"],
    ["LATEUSDT", "2024-03-15T00:00:00Z"],
    ["GONEUSDT", "2024-06-30T00:00:00Z"],
  ])("%s reconciles over the day of its event", (name, iso) => {
    for (const interval of ["15m", "1h", "4h", "1d"] as const)
      for (let open = at(iso); open < at(iso) + intervalWidths["1d"]; open += intervalWidths[interval])
        expectExactAggregates(symbolOf(name), interval, open, later);
  });

  test("low <= open, close, average <= high and takers take a part", () => {
    for (const entry of market) {
      const from = Math.max(entry.listedAt, at("2021-03-03T05:00:00Z"));
      const rows = listCandles(entry, "1m", { from, to: from + 200 * 60_000 }, later);
      for (const [, open, high, low, close, volume, , quote, trades, taker, takerQuote] of rows) {
        const [bottom, top] = [units(low), units(high)];
        for (const price of [open, close]) expect(units(price) >= bottom && units(price) <= top).toBe(true);
        const turnover = units(quote) * 10n ** 8n;
        expect(turnover >= bottom * units(volume) && turnover <= top * units(volume)).toBe(true);
        expect(units(taker) <= units(volume) && units(takerQuote) <= units(quote)).toBe(true);
        expect(trades > 0).toBe(units(volume) > 0n);
      }
      expect(rows.length).toBeGreaterThan(0);
    }
  });

  test("is the same everywhere and in any order", () => {
    const read = (from: number): KlineRow[] =>
      listCandles(symbolOf("BTCUSDT"), "1m", { from, to: from + 60_000 }, later);
    const noon = at("2023-05-05T12:00:00Z");
    const all = listCandles(symbolOf("BTCUSDT"), "1m", { from: noon, to: noon + 300 * 60_000 }, later);
    expect(all.toReversed().flatMap((row) => read(row[0]))).toEqual(all.toReversed());
    // Written down once: a change of these numbers is a change of everybody's data.
    expect(read(noon)).toMatchInlineSnapshot(`
      [
        [
          1683288000000,
          "75667.00000000",
          "75763.88000000",
          "75586.93000000",
          "75694.54000000",
          "30.33801400",
          1683288059999,
          "2295922.65053312",
          2551,
          "20.84828300",
          "1577758.02873664",
          "0",
        ],
      ]
    `);
  });

  test("halts, the late listing and the end show in each interval", () => {
    const opens = (name: string, interval: Interval, from: string, to: string): string[] =>
      listCandles(symbolOf(name), interval, { from: at(from), to: at(to) }, later).map((row) =>
        new Date(row[0]).toISOString().slice(11, 16),
      );
    const halted = ["HALTUSDT", "1h", "2024-02-10T01:00Z", "2024-02-10T07:00Z"] as const;
    expect(opens(...halted)).toEqual(["01:00", "05:00", "06:00"]);
    expect(opens("HALTUSDT", "1m", "2024-05-01T00:09Z", "2024-05-01T00:27Z")).toEqual([
      "00:09",
      "00:25",
      "00:26",
    ]);
    expect(opens("LATEUSDT", "1m", "2024-03-15T08:00Z", "2024-03-15T08:09Z")).toEqual(["08:07", "08:08"]);
    expect(opens("LATEUSDT", "1h", "2024-03-15T00:00Z", "2024-03-15T10:00Z")).toEqual(["08:00", "09:00"]);
    expect(opens("GONEUSDT", "1m", "2024-06-30T02:58Z", "2024-06-30T04:00Z")).toEqual(["02:58", "02:59"]);
    expect(opens("GONEUSDT", "1d", "2024-06-29", "2024-07-05")).toHaveLength(2);
  });

  test("a tiny price comes with a base volume beyond 2^53 at 1e-8", () => {
    const [row] = listCandles(
      symbolOf("PEPEUSDT"),
      "1d",
      { from: at("2024-01-01"), to: at("2024-01-02") },
      later,
    );
    expect(Number(row?.[4])).toBeLessThan(0.0001);
    expect(units(row?.[5] ?? "0")).toBeGreaterThan(10n ** 20n);
  });
});

describe("recorded candles", () => {
  let exchange: SimulatedExchange;
  beforeAll(async () => {
    exchange = await startExchange({ weightLimit: null });
  });
  afterAll(() => exchange.stop());

  test("every recorded row is served as recorded, and recorded holes are holes", async () => {
    let compared = 0;
    for (const { symbol, interval, spans, rows } of listRecordedSeries()) {
      for (const { from, to } of spans) {
        const served: KlineRow[] = [];
        for (let next = from; ; ) {
          const query = `symbol=${symbol}&interval=${interval}&startTime=${next}&endTime=${to - 1}&limit=1000`;
          const page = (await (await fetch(`${exchange.url}/api/v3/klines?${query}`)).json()) as KlineRow[];
          served.push(...page);
          next = (page.at(-1)?.[0] ?? to) + 1;
          if (page.length < 1000) break;
        }
        expect(served).toEqual(
          [...rows.values()].filter((row) => row[0] >= from && row[0] < to).sort((a, b) => a[0] - b[0]),
        );
        compared += served.length;
      }
    }
    expect(compared).toBe(1468 + 366 + 366 + 61 + 2880);
    const outage = `symbol=BTCUSDT&interval=1h&startTime=${at("2020-06-28T01:00Z")}&limit=2`;
    const rows = (await (await fetch(`${exchange.url}/api/v3/klines?${outage}`)).json()) as KlineRow[];
    expect(rows.map((row) => row[0])).toEqual([at("2020-06-28T01:00Z"), at("2020-06-28T05:00Z")]);
  });
});
