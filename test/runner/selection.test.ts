import { describe, expect, test } from "vitest";
import { parseShard, shardOfPod, takeShard } from "../../runner/src/sync/selection.ts";

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
