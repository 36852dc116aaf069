import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseShard, shardOfPod, takeShard } from "../../runner/src/sync/selection.ts";
import { type Candidate, planMembers, rankSymbols } from "../../runner/src/sync/universe-plan.ts";
import { DAY, HOUR } from "../support/candle/arbitraries.ts";

const coin = (base: string, quoteVolume: string, quote = "USDT"): Candidate => ({
  symbol: `${base}${quote}`,
  base,
  quote,
  quoteVolume,
});

describe("rankSymbols", () => {
  const rank = (...candidates: readonly Candidate[]) => rankSymbols(candidates);

  test("puts the largest quote volume first, by number and not by text", () => {
    expect(rank(coin("ETH", "999.5"), coin("BTC", "10000"), coin("SOL", "1000.01"))).toEqual([
      "BTCUSDT",
      "SOLUSDT",
      "ETHUSDT",
    ]);
  });

  test("takes the alphabet where volumes are equal, whatever the order of the answer", () => {
    const coins = [coin("SOL", "1"), coin("ADA", "1.0"), coin("BTC", "1")];
    expect(rank(...coins)).toEqual(["ADAUSDT", "BTCUSDT", "SOLUSDT"]);
    expect(rank(...coins.toReversed())).toEqual(["ADAUSDT", "BTCUSDT", "SOLUSDT"]);
  });

  test("takes USDT symbols only", () => {
    expect(rank(coin("ETH", "9", "BTC"), coin("ETH", "8", "FDUSD"), coin("ETH", "1"))).toEqual(["ETHUSDT"]);
  });

  test.each([
    "USDC",
    "FDUSD",
    "TUSD",
    "DAI",
    "USDP",
    "BUSD",
    "USDE",
    "USD1",
    "XUSD",
    "EUR",
    "AEUR",
    "EURI",
    "GBP",
    "TRY",
  ])("leaves out %s, which is stable against a currency", (base) => {
    expect(rank(coin(base, "100"), coin("BTC", "1"))).toEqual(["BTCUSDT"]);
  });

  test.each(["BTCUP", "BTCDOWN", "BTCBULL", "BTCBEAR"])("leaves out %s, which is leveraged BTC", (base) => {
    expect(rank(coin(base, "100"), coin("BTC", "1"))).toEqual(["BTCUSDT"]);
  });

  test("keeps JUP and SYRUP, whose rest is no base of the exchange", () => {
    expect(rank(coin("JUP", "3"), coin("SYRUP", "2"), coin("BTC", "1"))).toEqual([
      "JUPUSDT",
      "SYRUPUSDT",
      "BTCUSDT",
    ]);
  });

  test("keeps UP, DOWN, BULL and BEAR as names of their own", () => {
    expect(rank(coin("UP", "4"), coin("DOWN", "3"), coin("BULL", "2"), coin("BEAR", "1"))).toHaveLength(4);
  });
});

describe("planMembers", () => {
  const NOW = Date.parse("2024-02-29T12:00:00Z");
  const ranking = (...coinIds: readonly number[]) =>
    coinIds.map((coinId, index) => ({ coinId, rank: index + 1 }));
  const member = (coinId: number, beyondSince: number | null = null) => ({
    coinId,
    enteredAt: NOW - 9 * DAY,
    beyondSince,
  });
  /** The members of the two largest. */
  const plan = (ranked: ReturnType<typeof ranking>, members: ReturnType<typeof planMembers>, now = NOW) =>
    planMembers({ size: 2, ranking: ranked, members }, now);
  const ids = (members: readonly { coinId: number }[]) => members.map(({ coinId }) => coinId).toSorted();

  test("begins with the largest", () => {
    expect(plan(ranking(5, 6, 7), [])).toEqual([
      { coinId: 5, enteredAt: NOW, beyondSince: null },
      { coinId: 6, enteredAt: NOW, beyondSince: null },
    ]);
  });

  test("keeps a member up to 1.5 times the size, and lets nobody else in beyond the size", () => {
    expect(plan(ranking(5, 6, 7, 8), [member(7)])).toContainEqual(member(7));
    expect(ids(plan(ranking(5, 6, 7, 8), [member(7)]))).toEqual([5, 6, 7]);
  });

  test("lets a member go only after 24 h beyond, counted from the first ranking that saw it there", () => {
    const far = ranking(5, 6, 7, 8);
    const first = plan(far, [member(8)]);
    expect(first).toContainEqual(member(8, NOW));
    expect(plan(far, first, NOW + DAY - 1)).toContainEqual(member(8, NOW));
    expect(ids(plan(far, first, NOW + DAY))).toEqual([5, 6]);
  });

  test("forgets the time beyond when a member comes back for a moment", () => {
    const beyond = member(8, NOW - 23 * HOUR);
    expect(plan(ranking(5, 6, 8), [beyond])).toContainEqual(member(8));
  });

  test("counts a symbol that is ranked no more as beyond", () => {
    expect(plan(ranking(5, 6), [member(9)])).toContainEqual(member(9, NOW));
    expect(ids(plan(ranking(5, 6), [member(9, NOW - DAY)]))).toEqual([5, 6]);
  });

  test("keeps when a member entered", () => {
    expect(plan(ranking(5, 6), [member(5)])).toContainEqual(member(5));
  });

  test("always holds everybody up to the size, each once, and nobody new beyond it", () => {
    const anyMember = fc.record({
      coinId: fc.nat({ max: 12 }),
      enteredAt: fc.constant(0),
      beyondSince: fc.option(fc.integer({ min: NOW - 2 * DAY, max: NOW })),
    });
    const anyMembers = fc.uniqueArray(anyMember, { selector: ({ coinId }) => coinId, maxLength: 10 });
    const anyRanking = fc.uniqueArray(fc.nat({ max: 12 })).map((coinIds) => ranking(...coinIds));
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), anyRanking, anyMembers, (size, ranked, members) => {
        const planned = planMembers({ size, ranking: ranked, members }, NOW);
        expect(new Set(ids(planned)).size).toBe(planned.length);
        for (const { coinId, rank } of ranked) if (rank <= size) expect(ids(planned)).toContain(coinId);
        for (const { coinId } of planned) {
          const rank = ranked.find((entry) => entry.coinId === coinId)?.rank ?? Number.POSITIVE_INFINITY;
          expect(rank <= size || ids(members).includes(coinId)).toBe(true);
        }
      }),
    );
  });
});

test("a shard is I/N with I from 0", () => {
  expect(parseShard("0/1")).toEqual({ index: 0, count: 1 });
  expect(parseShard("2/3")).toEqual({ index: 2, count: 3 });
});

test.each(["3/3", "3/2", "0/0", "-1/3", "1", "1/", "/3", "1/3/5", "1.0/3", "a/b", "", "0/10000"])(
  "%j is no shard",
  (text) => {
    expect(() => parseShard(text)).toThrow(`must be I/N with I from 0 to N-1, not ${JSON.stringify(text)}`);
  },
);

test("the shards of a job share all series, each in one of them, as evenly as it goes", () => {
  const coins = Array.from({ length: 11 }, (_, coinId) => ({ coinId, symbol: `C${coinId}USDT` }));
  const parts = [0, 1, 2].map((index) => takeShard(coins, { index, count: 3 }));
  expect(parts.map((part) => part.length)).toEqual([4, 4, 3]);
  expect(parts.flat().toSorted((a, b) => a.coinId - b.coinId)).toEqual(coins);
  expect(takeShard(coins, { index: 0, count: 1 })).toEqual(coins);
});

describe("the part of a pod", () => {
  test("is its index of all pods, and the whole of one", () => {
    expect(shardOfPod({ shards: 4, shardIndex: 3 })).toEqual({ index: 3, count: 4 });
    expect(shardOfPod({ shards: 1, shardIndex: 0 })).toEqual({ index: 0, count: 1 });
  });

  test("that has no place among them is a fault of the settings that names both", () => {
    expect(() => shardOfPod({ shards: 2, shardIndex: 2 })).toThrow(/JOB_COMPLETION_INDEX 2 .* R3A_SHARDS 2/);
  });
});
