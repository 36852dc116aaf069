import { isInterval } from "../candle/interval.ts";
import type { Interval } from "../contract/intervals.ts";

/** Ages in ms of an interval's newest closed candle at which health warns and fails. */
export type FreshnessLimits = Readonly<
  Partial<Record<Interval, { readonly warn: number; readonly error: number }>>
>;

export function parseFreshnessLimits(text: string): FreshnessLimits {
  const limits = listItems(text).map((item) => {
    const [, interval = "", warn = "", error = ""] = /^(\w+)=(\d{1,8})\/(\d{1,8})$/.exec(item) ?? [];
    if (!isInterval(interval) || Number(warn) > Number(error))
      throw new Error(
        `must hold INTERVAL=WARN/ERROR in seconds, e.g. 1m=240/600, not ${JSON.stringify(item)}`,
      );
    return [interval, { warn: Number(warn) * 1000, error: Number(error) * 1000 }] as const;
  });
  return Object.fromEntries(limits);
}

/** What stands between commas; an empty list is a fault. */
export function listItems(text: string): string[] {
  const items = text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
  if (items.length === 0) throw new Error("must name at least one, separated by commas");
  return items;
}
