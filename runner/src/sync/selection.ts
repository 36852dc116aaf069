import type { Interval } from "../contract/intervals.ts";
import type { Coin } from "../db/coins.ts";
import { SettingsFault } from "../errors.ts";

/** One part of many: every n-th series from the i-th, so that pods of an Indexed Job share the work. */
export type Shard = { readonly index: number; readonly count: number };

export function parseShard(text: string): Shard {
  const match = /^(\d{1,4})\/(\d{1,4})$/.exec(text);
  const [index, count] = [Number(match?.[1]), Number(match?.[2])];
  if (match === null || count < 1 || index >= count)
    throw new Error(`must be I/N with I from 0 to N-1, not ${JSON.stringify(text)}`);
  return { index, count };
}

/** The part of a pod of an Indexed Job; the whole where there is one pod. */
export function shardOfPod({ shards, shardIndex }: { shards: number; shardIndex: number }): Shard {
  if (shardIndex < shards) return { index: shardIndex, count: shards };
  throw new SettingsFault([`JOB_COMPLETION_INDEX ${shardIndex} is not below R3A_SHARDS ${shards}`]);
}

/** Coins, or the names of those that are still to be found. */
export function takeShard<T extends Coin | string>(
  items: readonly T[],
  { index, count }: Shard,
): readonly T[] {
  return items.filter((_, position) => position % count === index);
}

/** Where named symbols come from: a person's argument, or a setting. */
export type NamedBy = "--symbols" | "SYMBOLS";

/** Which series a command works on: named symbols, or the `size` largest. */
export type Selection = {
  readonly interval: Interval;
  readonly symbols: readonly string[] | null;
  readonly namedBy: NamedBy;
  readonly size: number;
  readonly shard: Shard;
};
