import { DAY_MS, HOUR_MS, MINUTE_MS, parseTime } from "../time.ts";

const UNIT_MS = { m: MINUTE_MS, h: HOUR_MS, d: DAY_MS, w: 7 * DAY_MS } as const;

/** Epoch ms as this program meets them have 13 digits from 2001 to 2286; 8 digits are a date. */
const EPOCH_MS = /^\d{13}$/;
const COMPACT_DATE = /^(\d{4})(\d{2})(\d{2})$/;
const BACKWARDS = /^-(\d{1,6})([mhdw])$/;
const ISO = /^\d{4}-\d{2}-\d{2}(T|$)/;
const TIME_RANGE = /^(\d{8}|\d{13})-(\d{8}|\d{13})?$/;

const FORMS = "2026-01-31, 2026-01-31T12:00, -7d (also m, h, w), yesterday, today, now or epoch ms (all UTC)";

/**
 * A moment (ms) as people write it: ISO 8601 or `YYYYMMDD` in UTC, `-7d` before `now`, `yesterday`, `today`, `now`, epoch ms.
 * `today` and `yesterday` are the beginning of the day in UTC.
 */
export function parseMoment(text: string, now: number): number {
  const today = Math.floor(now / DAY_MS) * DAY_MS;
  if (text === "now") return now;
  if (text === "today") return today;
  if (text === "yesterday") return today - DAY_MS;
  if (EPOCH_MS.test(text)) return Number(text);
  const [, count, unit] = BACKWARDS.exec(text) ?? [];
  if (unit !== undefined) return Math.max(0, now - Number(count) * UNIT_MS[unit as keyof typeof UNIT_MS]);
  const [date, year, month, day] = COMPACT_DATE.exec(text) ?? [];
  if (date !== undefined) return parseTime(`${year}-${month}-${day}`);
  if (ISO.test(text)) return parseTime(text);
  throw new Error(`must be a time such as ${FORMS}, not ${JSON.stringify(text)}`);
}

/**
 * The beginning of a span, or the whole span in one word as freqtrade writes it: `20260101-20260201`, also `20260101-`. `to` is
 * undefined where the text does not say it.
 */
export function parseBeginning(text: string, now: number): { readonly from: number; readonly to?: number } {
  const [range, from = "", to] = TIME_RANGE.exec(text) ?? [];
  if (range === undefined) return { from: parseMoment(text, now) };
  const begin = { from: parseMoment(from, now) };
  return to === undefined ? begin : { ...begin, to: parseMoment(to, now) };
}
