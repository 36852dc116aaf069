import { DAY_MS, HOUR_MS, MINUTE_MS, parseTime } from "../time.ts";

const UNIT_MS = { m: MINUTE_MS, h: HOUR_MS, d: DAY_MS, w: 7 * DAY_MS } as const;

/** Epoch ms as this program meets them have 13 digits from 2001 to 2286; 8 digits are a date. */
const EPOCH_MS = /^\d{13}$/;
const EPOCH_SECONDS = /^\d{10}$/;
const COMPACT_DATE = /^(\d{4})(\d{2})(\d{2})$/;
const BACKWARDS = /^-(\d{1,6})([mhdw])$/;
const ISO = /^\d{4}-\d{2}-\d{2}(T|$)/;
/** A date and a time with a blank in between, as `runs` and `series` print them. */
const BLANK_IN_ISO = /^(\d{4}-\d{2}-\d{2}) (?=\d)/;
/** With `-` or `..`; the end may be left out. */
const TIME_RANGES = [/^(\d{8}|\d{13})-(\d{8}|\d{13})?$/, /^(.*?\S)\s*\.\.\s*(\S.*)?$/] as const;

const FORMS = "2026-01-31, 2026-01-31T12:00, -7d (also m, h, w), yesterday, today, now or epoch ms (all UTC)";
const SPAN_FORM = "--from also takes a span: 2026-01-01..2026-02-01";

/**
 * A moment (ms) as people write it: ISO 8601 or `YYYYMMDD` in UTC, `-7d` before `now`, `yesterday`, `today`, `now`, epoch ms.
 * In ISO 8601 a blank may stand for the T. `today` and `yesterday` are the beginning of the day in UTC.
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
  const iso = text.replace(BLANK_IN_ISO, "$1T");
  if (ISO.test(iso)) return parseTime(iso);
  const hint = EPOCH_SECONDS.test(text) ? ", which looks like seconds: milliseconds have 13 digits" : "";
  throw new Error(`must be a time such as ${FORMS}, not ${JSON.stringify(text)}${hint}; ${SPAN_FORM}`);
}

/**
 * The beginning of a span, or the whole span: `2026-01-01..2026-02-01` with two moments, or as freqtrade writes it,
 * `20260101-20260201`. `to` is undefined where the text does not say it, as in `2026-01-01..`.
 */
export function parseBeginning(text: string, now: number): { readonly from: number; readonly to?: number } {
  const [range, from = "", to] =
    TIME_RANGES.map((form) => form.exec(text)).find((found) => found !== null) ?? [];
  if (range === undefined) return { from: parseMoment(text, now) };
  const begin = { from: parseMoment(from, now) };
  return to === undefined ? begin : { ...begin, to: parseMoment(to, now) };
}
