import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { pickEntries } from "../../runner/src/exchange/belief/pick-entries.ts";
import { believeRows, expectationOf, mostRows } from "../../runner/src/exchange/belief/sizes.ts";
import { MINUTE_MS } from "../../runner/src/time.ts";

const ROOT = "http://127.0.0.1/api/v3";
const klines = (slots: number) =>
  expectationOf(
    `${ROOT}/klines?symbol=BTCUSDT&interval=1m&startTime=0&endTime=${slots * MINUTE_MS - 1}&limit=1000`,
  );
const read = (address: string, text: string) => expectationOf(address).read(Buffer.from(text));
const garbage = expect.objectContaining({ name: "ExchangeFailure", kind: "garbage" });

test("what may come is bounded by the question", () => {
  expect(klines(1000).bytes).toBe(564_000);
  expect(klines(5).bytes).toBe(66_500);
  expect(klines(100_000).bytes).toBe(564_000);
  expect(expectationOf(`${ROOT}/exchangeInfo`).bytes).toBe(10_000_000);
  expect(expectationOf(`${ROOT}/ticker/24hr`).bytes).toBe(3_000_000);
  expect(expectationOf(`${ROOT}/time`).bytes).toBe(64_000);
  expect(expectationOf(`${ROOT}/klines?symbol=BTCUSDT&interval=1m&startTime=0&limit=1`).bytes).toBe(64_500);
  expect(mostRows("1m", { from: 0, to: 1000 * MINUTE_MS })).toBe(1000);
  expect(mostRows("1m", { from: 0, to: 5 * MINUTE_MS })).toBe(120);
});

test.each<[string, string]>([
  ["lists of nothing", `[${"[],".repeat(500_000)}[]]`],
  ["a depth of a million", `${"[".repeat(1_000_000)}${"]".repeat(1_000_000)}`],
  ["a depth that never ends", "[".repeat(2_000_000)],
  ["a million names", `{${Array.from({ length: 150_000 }, (_, index) => `"k${index}":1`).join()}}`],
])("a page of %s is garbage before it is parsed", (_, body) => {
  expect(() => klines(1000).read(Buffer.from(body))).toThrow(garbage);
});

test("a page of 1000 rows with long texts is read as it is", () => {
  const rows = JSON.stringify(
    Array.from({ length: 1000 }, () => Array.from({ length: 12 }, () => `"\\[[[[${"1,".repeat(20)}`)),
  );
  expect(klines(1000).read(Buffer.from(rows))).toBe(rows);
});

test("a page has at most 1000 rows, each of them twice at the most", () => {
  const span = { from: 0, to: 1000 * MINUTE_MS };
  const rows = (count: number) => Array.from({ length: count }, (_, index) => [index]);
  expect(believeRows(rows(1000), "1m", span)).toHaveLength(1000);
  expect(believeRows([...rows(1000), ...rows(1000)], "1m", span)).toHaveLength(2000);
  for (const many of [
    rows(1001),
    [...rows(1000), ...rows(1000), [0]],
    Array.from({ length: 1_500_000 }, () => null),
  ])
    expect(() => believeRows(many, "1m", span)).toThrow(garbage);
  expect(() => believeRows(rows(1000), "1m", { from: 0, to: 5 * MINUTE_MS })).toThrow(
    "where at most 120 can be",
  );
});

describe("pickEntries", () => {
  const pick = (value: unknown) =>
    JSON.parse(pickEntries(Buffer.from(JSON.stringify(value)), "symbols", ["symbol"]));

  test("keeps the wanted fields of each entry, whatever else is around them", () => {
    expect(
      pick({
        rateLimits: [{ symbol: "no" }],
        nested: { symbols: [{ symbol: "no" }] },
        symbols: [
          { filters: [{ a: ["]", "}"] }], symbol: 'BTC"],[{USDT' },
          { symbol: 5 },
          { symbol: null },
          {},
        ],
        after: ["symbols", [1]],
      }),
    ).toEqual({ symbols: [{ symbol: 'BTC"],[{USDT' }, { symbol: 5 }, {}, {}] });
  });

  test("gives null for an entry that is none, and for an answer without the list", () => {
    expect(
      pick({ symbols: [null, 1, "x", { symbol: "A" }, { symbol: "x".repeat(101) }, { symbol: { a: 1 } }] }),
    ).toEqual({
      symbols: [null, null, null, { symbol: "A" }, {}, {}],
    });
    expect(pick({ symbols: [] })).toEqual({ symbols: [] });
    for (const none of [{}, [], { symbols: {} }, { symbols: null }, { other: [] }, 5, "symbols", null])
      expect(pick(none)).toBeNull();
  });

  test("an entry of 100 kB is left out, and those beside it stay", () => {
    expect(
      pick({ symbols: [{ symbol: "A" }, { symbol: "B", more: "x".repeat(100_000) }, { symbol: "C" }] }),
    ).toEqual({
      symbols: [{ symbol: "A" }, null, { symbol: "C" }],
    });
  });

  test("keeps what JSON.parse finds, for any list", () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ symbol: fc.string({ maxLength: 40 }), more: fc.jsonValue() })),
        (entries) => {
          const found: unknown = JSON.parse(
            pickEntries(Buffer.from(JSON.stringify(entries, null, 1)), null, ["symbol"]),
          );
          expect(found).toEqual(entries.map(({ symbol }) => ({ symbol })));
        },
      ),
    );
  });

  test.each<[string, string]>([
    ["cut in a text", '{"symbols":[{"symbol":"BT'],
    ["cut in the list", '{"symbols":[{"symbol":"A"},'],
    ["two entries without a comma", '{"symbols":[{"symbol":"A"}{"symbol":"B"}]}'],
    ["no JSON", '{"symbols":[oops]}'],
    ["deeper than any", `{"symbols":[${"[".repeat(100)}${"]".repeat(100)}]}`],
    ["a million empty objects", `{"symbols":[${"{},".repeat(1_000_000)}{}]}`],
  ])("an answer that is %s is garbage", (_, text) => {
    expect(() => read(`${ROOT}/exchangeInfo`, text)).toThrow(garbage);
  });
});
