import { describe, expect, test } from "vitest";
import type { StoredCandle } from "../../runner/src/db/read.ts";
import {
  type ColumnName,
  NARROW,
  parseColumns,
  SERIES_COLUMNS,
  textOf,
} from "../../runner/src/export/columns.ts";
import { layCsv, layJson, layNdjson } from "../../runner/src/export/rows.ts";
import { layTable } from "../../runner/src/export/table.ts";
import { renderTime } from "../../runner/src/time.ts";

const START = Date.UTC(2026, 0, 1);
const series = { symbol: "PEPEUSDT", interval: "1h" } as const;
const candle = (n: number, price: string, more: Partial<StoredCandle> = {}): StoredCandle => ({
  timestamp: String(START + n * 3_600_000),
  open: price,
  high: price,
  low: price,
  close: price,
  volume: "12345678901234.00",
  ...more,
});
const print = (columns: readonly ColumnName[], candles: readonly StoredCandle[]) => {
  const table = layTable(columns);
  const parts = [table.begin()];
  for (let row = 0; row < candles.length; row += 500)
    parts.push(table.rows(series, candles.slice(row, row + 500)));
  return [...parts, table.end()].join("").split("\n").slice(0, -1);
};

describe("a table", () => {
  test("of nothing is nothing", () => {
    expect(print(NARROW, [])).toEqual([]);
  });

  test("puts the points of numbers below each other, and loses no digit", () => {
    expect(print(["open", "trades"], [candle(0, "0.00001230"), candle(1, "1.5", { trades: "7" })])).toEqual([
      "     open  trades",
      "0.0000123       -",
      "1.5000000       7",
    ]);
  });

  test("of a cheap coin and of several series fits 80 characters", () => {
    const prices = Array.from({ length: 3 }, (_, n) => candle(n, `0.0000123${n}`));
    for (const columns of [NARROW, [...SERIES_COLUMNS, "timestamp", "open", "close", "volume"] as const])
      for (const line of print(columns, prices)) expect(line.length).toBeLessThanOrEqual(80);
  });

  test("that must fit leaves out the last columns that do not, and names them", () => {
    const dropped: (readonly string[])[] = [];
    const table = layTable([...SERIES_COLUMNS, ...NARROW], (names) => dropped.push(names));
    const text = table.rows(series, [candle(0, "91234.56789012")]) + table.end();
    const lines = text.trimEnd().split("\n");
    expect(lines[0]).toMatch(/^symbol +interval +timestamp +open +high +low$/);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
    expect(dropped).toEqual([["close", "volume"]]);
  });

  test("begins after its first rows, and never cuts a longer number later", () => {
    const table = layTable(["timestamp", "close"]);
    const some = Array.from({ length: 500 }, (_, n) => candle(n, "9.50"));
    expect(table.rows(series, some)).toBe("");
    const first = table.rows(series, some).split("\n");
    expect(first[0]).toBe("timestamp            close");
    expect(first[1]).toBe("2026-01-01T00:00Z      9.5");
    expect(table.rows(series, [candle(0, "1234567890.125"), candle(1, "9.5")])).toBe(
      "2026-01-01T00:00Z  1234567890.125\n2026-01-01T01:00Z             9.5\n",
    );
    expect(table.end()).toBe("");
  });

  test("shows a time that is on no slot in full, and what is no number as it is", () => {
    const odd = candle(0, "NaN", { timestamp: String(START + 789) });
    expect(print(["timestamp", "open"], [odd])).toEqual([
      "timestamp                 open",
      "2026-01-01T00:00:00.789Z   NaN",
    ]);
  });
});

test("times are those of renderTime, whatever day came before", () => {
  const render = textOf("close_time", series);
  const times = [
    -1,
    0,
    86_399_999,
    86_400_000,
    START + 61_001,
    START - 1,
    253_402_300_799_999,
    -62_135_596_800_000,
  ];
  for (const ms of times) expect(render(candle(0, "1", { close_time: String(ms) }))).toBe(renderTime(ms));
});

test("columns are taken as csv and as --json spell them", () => {
  expect(parseColumns("closeTime,quote_volume,takerQuote,close_time")).toEqual([
    "close_time",
    "quote_volume",
    "taker_quote",
  ]);
  expect(() => parseColumns("closetime")).toThrow('"closetime" (did you mean close_time?)');
});

describe("the source of candles", () => {
  const columns = parseColumns("close,source");
  const rows = [candle(0, "1.5", { source: "rest" }), candle(1, "2.5", { source: null })];

  test("is the stored one, and simulated in a database of made-up candles", () => {
    expect(layCsv(columns).rows(series, rows)).toBe("1.5,rest\n2.5,\n");
    expect(layNdjson(columns, true).rows(series, rows)).toBe(
      '{"close":1.5,"source":"rest"}\n{"close":2.5,"source":null}\n',
    );
    const madeUp = { ...series, source: "simulated" };
    expect(layCsv(columns).rows(madeUp, rows)).toBe("1.5,simulated\n2.5,simulated\n");
    expect(layJson(columns, false).rows(madeUp, rows)).toContain('"source":"simulated"}');
  });

  test("that another program stored breaks no line and no format", () => {
    const odd = [candle(0, "1", { source: 'a "b",\n\\' })];
    expect(layCsv(columns).rows(series, odd)).toBe('1,"a ""b"",\ufffd\\"\n');
    expect(JSON.parse(layNdjson(columns, false).rows(series, odd)).source).toBe('a "b",\ufffd\\');
  });
});

describe("numbers of JSON", () => {
  const columns = ["symbol", "open", "trades"] as const;

  test("have every digit, and what is no number of JSON is a text", () => {
    const price = "12345678901234567890.12345678901234567890";
    const rows = [candle(0, price, { trades: "0" }), candle(1, "NaN", { trades: null })];
    expect(layNdjson(columns, true).rows(series, rows)).toBe(
      `{"symbol":"PEPEUSDT","open":${price},"trades":0}\n{"symbol":"PEPEUSDT","open":"NaN","trades":null}\n`,
    );
  });

  test("are texts where nobody asks for numbers, but for trades, a number in all results", () => {
    const json = layJson(columns, false);
    const text = [json.begin(), json.rows(series, [candle(0, "1.50", { trades: "3" })]), json.end()].join("");
    expect(JSON.parse(text).candles).toEqual([{ symbol: "PEPEUSDT", open: "1.50", trades: 3 }]);
  });
});
