import { nearestName } from "../candle/nearest-name.ts";
import { printable } from "../candle/printable.ts";
import type { Interval } from "../contract/intervals.ts";
import { CANDLE_COLUMNS, type CandleColumn, type StoredCandle } from "../db/read.ts";
import { listItems } from "../settings/parsers.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS, renderTime, SECOND_MS } from "../time.ts";

/** The columns of a result: the two that name the series, and those of a stored candle. */
export type ColumnName = "symbol" | "interval" | CandleColumn;
export const SERIES_COLUMNS: readonly ColumnName[] = ["symbol", "interval"];
export const COLUMN_NAMES: readonly ColumnName[] = [...SERIES_COLUMNS, ...CANDLE_COLUMNS];

/** What a person reads in 80 characters. */
export const NARROW: readonly CandleColumn[] = ["timestamp", "open", "high", "low", "close", "volume"];

const TIMES: ReadonlySet<ColumnName> = new Set(["timestamp", "close_time"]);
const LONGEST_SOURCE = 100;

export function isNumber(name: ColumnName): boolean {
  return !TIMES.has(name) && !SERIES_COLUMNS.includes(name) && name !== "source";
}

/** `close_time` as `--json` spells it: `closeTime`. */
export function toCamelCase(name: ColumnName): string {
  return name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/**
 * The columns of a list, in its order, each as csv or as `--json` spells it; all unknown names come in one fault, with the
 * names that were meant.
 */
export function parseColumns(text: string): readonly ColumnName[] {
  const asked = listItems(text).map(
    (item) => COLUMN_NAMES.find((name) => toCamelCase(name) === item) ?? item,
  );
  const isKnown = (item: string): item is ColumnName => COLUMN_NAMES.some((name) => name === item);
  const unknown = asked.filter((item) => !isKnown(item));
  if (unknown.length > 0) {
    const named = unknown.map((item) => {
      const lower = item.toLowerCase();
      const meant = COLUMN_NAMES.find((name) => name.startsWith(lower)) ?? nearestName(lower, COLUMN_NAMES);
      return meant === undefined ? JSON.stringify(item) : `${JSON.stringify(item)} (did you mean ${meant}?)`;
    });
    throw new Error(`must be of ${COLUMN_NAMES.join(", ")}, not ${named.join(", ")}`);
  }
  return [...new Set(asked.filter(isKnown))];
}

/** The series that a row belongs to. `source`: what each of its rows says instead of the stored source. */
export type SeriesName = { readonly symbol: string; readonly interval: Interval; readonly source?: string };

/** How to get the text of a column: decimals to the last digit, times in ISO 8601; null where the column has no value. */
export function textOf(name: ColumnName, series: SeriesName): (candle: StoredCandle) => string | null {
  if (name === "symbol" || name === "interval") return () => series[name];
  if (name === "source") return sourceOf(series);
  if (!TIMES.has(name)) return (candle) => candle[name] ?? null;
  const render = createTimeRenderer();
  return (candle) => {
    const ms = candle[name];
    return ms === null || ms === undefined ? null : render(Number(ms));
  };
}

/** Another program may have stored any text, and most rows have that of the last one. */
function sourceOf({ source: ofAll }: SeriesName): (candle: StoredCandle) => string | null {
  if (ofAll !== undefined) return () => ofAll;
  let [stored, shown] = ["", ""];
  return ({ source }) => {
    if (source === null || source === undefined) return null;
    if (source !== stored) [stored, shown] = [source, printable(source, LONGEST_SOURCE)];
    return shown;
  };
}

const TWO_DIGITS = Array.from({ length: 60 }, (_, n) => String(n).padStart(2, "0"));

/** renderTime for many times in a row: it would be most of the work of a row, so the last day is remembered. */
function createTimeRenderer(): (ms: number) => string {
  let day = Number.NaN;
  let date = "";
  return (ms) => {
    const ofDay = ms - Math.floor(ms / DAY_MS) * DAY_MS;
    if (ms - ofDay !== day) {
      day = ms - ofDay;
      date = renderTime(day).slice(0, -"00:00:00Z".length);
    }
    const hour = TWO_DIGITS[Math.floor(ofDay / HOUR_MS)];
    const minute = TWO_DIGITS[Math.floor(ofDay / MINUTE_MS) % 60];
    const second = TWO_DIGITS[Math.floor(ofDay / SECOND_MS) % 60];
    const rest = ofDay % SECOND_MS;
    return `${date}${hour}:${minute}:${second}${rest === 0 ? "" : `.${String(rest).padStart(3, "0")}`}Z`;
  };
}
