import type { Context } from "../context.ts";
import type { CommandName } from "../contract/commands.ts";
import type { Interval } from "../contract/intervals.ts";
import type { Coin } from "../db/coins.ts";
import { SettingsFault } from "../errors.ts";
import { renderSkipped } from "../result.ts";
import type { Settings } from "../settings/table.ts";

/** One part of many: every n-th series from the i-th, so that pods of an Indexed Job share the work. */
type Shard = { readonly index: number; readonly count: number };

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

/** What the arguments say of the series to work on; where they say nothing, the settings do. */
export type AskedSeries = {
  readonly interval: Interval;
  readonly symbols: readonly string[] | undefined;
  readonly top: number | undefined;
  readonly shard: Shard | undefined;
};

export const SELECTION_SETTINGS = ["symbols", "universeSize", "shards", "shardIndex"] as const;

export function selectionOf(
  { interval, symbols, top, shard }: AskedSeries,
  settings: Pick<Settings, (typeof SELECTION_SETTINGS)[number]>,
): Selection {
  return {
    interval,
    symbols: symbols ?? (top === undefined ? settings.symbols : null),
    namedBy: symbols === undefined ? "SYMBOLS" : "--symbols",
    size: top ?? settings.universeSize,
    shard: shard ?? shardOfPod(settings),
  };
}

type Asked = { readonly interval: Interval; readonly command: CommandName; readonly asJson: boolean };

/** Whether the interval is switched off, which is no fault: the jobs of all intervals are there whatever is stored. */
export function isSwitchedOff(
  { log, print }: Pick<Context, "log" | "print">,
  { interval, command, asJson }: Asked,
  { syncIntervals }: Pick<Settings, "syncIntervals">,
): boolean {
  if (syncIntervals.includes(interval)) return false;
  const reason = `${interval} is not in SYNC_INTERVALS; nothing to do`;
  if (asJson) print(renderSkipped(command, reason));
  log.info({ interval, "event.name": "interval_off" }, `[RUN] ${reason}`);
  return true;
}
