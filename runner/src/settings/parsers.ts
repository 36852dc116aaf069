import { isInterval } from "../candle/interval.ts";
import { DEFAULT_FRESHNESS_LIMITS } from "../contract/freshness.ts";
import { INTERVALS, type Interval } from "../contract/intervals.ts";
import { FALLBACK_START_GRACE_MS } from "../contract/limits.ts";
import { isSymbol, parseSymbol } from "../contract/symbol.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS, parseTime, SECOND_MS } from "../time.ts";

/**
 * From a text to a value that can be trusted, for options and settings alike. Each throws the sentence that says what is
 * expected; the caller puts the name of the option or variable before it.
 */

/** The items between the commas; an empty list is a fault. */
export function listItems(text: string): string[] {
  const items = text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
  if (items.length === 0) throw new Error("must name at least one, separated by commas");
  return items;
}

/** A query or a fragment is refused: it would be lost, or shown together with the address, and it may hold a key. */
export function parseHttpUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || /[@?#\s\p{C}]/u.test(text)) {
    const shown = /[@?#]/.test(text) ? "(its value is not shown)" : `not ${JSON.stringify(text)}`;
    throw new Error(`must be an http(s) URL without credentials, query and fragment, ${shown}`);
  }
  return text.replace(/\/+$/, "");
}

/** A parser that takes one of these words and nothing else. */
export function oneOf<T extends string>(words: readonly T[]): (text: string) => T {
  return (text) => {
    const word = words.find((each) => each === text);
    if (word !== undefined) return word;
    throw new Error(`must be one of ${words.join(", ")}, not ${JSON.stringify(text)}`);
  };
}

export function parseBoolean(text: string): boolean {
  if (/^(true|1|yes)$/i.test(text)) return true;
  if (/^(false|0|no)$/i.test(text)) return false;
  throw new Error(`must be true or false, not ${JSON.stringify(text)}`);
}

export function parseInterval(text: string): Interval {
  if (isInterval(text)) return text;
  throw new Error(`must be one of ${INTERVALS.join(", ")} (case matters), not ${JSON.stringify(text)}`);
}

export function parseIntervals(text: string): readonly Interval[] {
  return [...new Set(listItems(text).map(parseInterval))];
}

export function parseSymbols(text: string): readonly string[] {
  const symbols = listItems(text).map(parseSymbol);
  const broken = symbols.filter((symbol) => !isSymbol(symbol));
  if (broken.length > 0)
    throw new Error(`has what is not a symbol: ${broken.map((s) => JSON.stringify(s)).join(", ")}`);
  return [...new Set(symbols)];
}

/** Ages in ms of an interval's newest closed candle at which health warns and fails. */
export type AgeLimits = { readonly warn: number; readonly error: number };
export type FreshnessLimits = Readonly<Record<Interval, AgeLimits>>;

/** `1m=240/600,15m=2100/3600`, in seconds; an interval that is left out has its default. */
export function parseFreshnessLimits(text: string): FreshnessLimits {
  return { ...readLimits(DEFAULT_FRESHNESS_LIMITS), ...readLimits(text) } as FreshnessLimits;
}

function readLimits(text: string): Partial<FreshnessLimits> {
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

export function parseIndex(text: string): number {
  if (/^\d{1,4}$/.test(text)) return Number(text);
  throw new Error(`must be a whole number from 0, not ${JSON.stringify(text)}`);
}

/** A whole number from 1 to `max`. */
export function parseCount(text: string, max: number): number {
  if (/^\d{1,9}$/.test(text) && Number(text) >= 1 && Number(text) <= max) return Number(text);
  throw new Error(`must be a whole number from 1 to ${max}, not ${JSON.stringify(text)}`);
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export function parseRunId(text: string): string {
  if (UUID.test(text)) return text.toLowerCase();
  throw new Error(
    `must be a UUID such as 01a20000-0000-7000-8000-000000000001, not ${JSON.stringify(text.slice(0, 60))}`,
  );
}

export function parseRunOrigin(text: string): string {
  if (/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(text)) return text;
  throw new Error(`must be the name of a job such as sync-1m, not ${JSON.stringify(text.slice(0, 60))}`);
}

/** Where a new series starts (ms). A start after `now` is refused, since no candle would be stored and no fault shown. */
export function parseFallbackStart(text: string, now: number): number {
  const start = parseTime(text);
  if (start <= now + FALLBACK_START_GRACE_MS) return start;
  throw new Error(`lies in the future, so nothing would be stored: ${JSON.stringify(text)}`);
}

export function parseShare(text: string): number {
  const share = Number(text);
  if (/^[\d.]+$/.test(text) && share > 0 && share <= 1) return share;
  throw new Error(`must be a share above 0 and up to 1, not ${JSON.stringify(text)}`);
}

export function parseEgressKey(text: string): string {
  if (/^[\w.:-]{1,100}$/.test(text)) return text;
  throw new Error(`must be 1 to 100 letters, digits or . : _ -, not ${JSON.stringify(text)}`);
}

const UNIT_MS = { second: SECOND_MS, minute: MINUTE_MS, hour: HOUR_MS, day: DAY_MS } as const;

/** `3 days`, `90 minutes`: in ms. */
export function parseDuration(text: string): number {
  const [, count = "", unit = ""] = /^(\d{1,6}) (second|minute|hour|day)s?$/.exec(text) ?? [];
  const ms = Number(count) * (UNIT_MS[unit as keyof typeof UNIT_MS] ?? 0);
  if (ms > 0) return ms;
  throw new Error(
    `must be a number of seconds, minutes, hours or days, e.g. "3 days", not ${JSON.stringify(text)}`,
  );
}
