import { DAY_MS, MINUTE_MS } from "../time.ts";

/** A minute, hour, day of the month, month and day of the week, as Kubernetes reads them. */
type Fields = readonly [Set<number>, Set<number>, Set<number>, Set<number>, Set<number>];

const RANGES = [
  [0, 59],
  [0, 23],
  [1, 31],
  [1, 12],
  [0, 7],
] as const;
const NAMES = [
  [],
  [],
  [],
  ["", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
  ["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
] as const;
/** Whatever comes at all comes within a year, but for the 29th of February. */
const FARTHEST_MS = 366 * DAY_MS;

/**
 * The latest `count` times (ms, UTC), newest first, at which a schedule of five fields was due at or before `ms`; fewer
 * where it is not due so often within a year, none where it cannot be read.
 */
export function listLastStarts(schedule: string, ms: number, count: number): readonly number[] {
  const fields = parseFields(schedule);
  const starts: number[] = [];
  if (fields === null) return starts;
  const [minutes, hours, days, months, weekdays] = fields;
  // where both name days, either of them counts
  const isDay = (date: Date) =>
    isAny(schedule, 2) || isAny(schedule, 4)
      ? days.has(date.getUTCDate()) && weekdays.has(date.getUTCDay())
      : days.has(date.getUTCDate()) || weekdays.has(date.getUTCDay());
  for (let at = Math.floor(ms / MINUTE_MS) * MINUTE_MS; starts.length < count && at > ms - FARTHEST_MS; ) {
    const date = new Date(at);
    const start = (hour: number) =>
      Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate(), hour);
    if (!months.has(date.getUTCMonth() + 1) || !isDay(date)) at = start(0) - MINUTE_MS;
    else if (!hours.has(date.getUTCHours())) at = start(date.getUTCHours()) - MINUTE_MS;
    else {
      if (minutes.has(date.getUTCMinutes())) starts.push(at);
      at -= MINUTE_MS;
    }
  }
  return starts;
}

const isAny = (schedule: string, index: number) => schedule.trim().split(/\s+/)[index] === "*";

function parseFields(schedule: string): Fields | null {
  const texts = schedule.trim().toLowerCase().split(/\s+/);
  if (texts.length !== RANGES.length) return null;
  const fields = texts.map(parseField);
  const [minutes, hours, days, months, weekdays] = fields;
  if (!minutes || !hours || !days || !months || !weekdays) return null;
  if (weekdays.has(7)) weekdays.add(0);
  return [minutes, hours, days, months, weekdays];
}

function parseField(text: string, index: number): Set<number> | null {
  const [least, most] = RANGES[index] ?? [0, 0];
  const names: readonly string[] = NAMES[index] ?? [];
  const numberOf = (word: string) => (/^\d+$/.test(word) ? Number(word) : names.indexOf(word));
  const values = new Set<number>();
  for (const part of text.split(",")) {
    const [, range = "", step] = /^([^/]+)(?:\/(\d+))?$/.exec(part) ?? [];
    const [first = "", last] = range === "*" ? [String(least), String(most)] : range.split("-");
    const from = numberOf(first);
    const to = last === undefined ? (step === undefined ? from : most) : numberOf(last);
    if (from < least || to > most || from > to || Number(step ?? 1) === 0) return null;
    for (let value = from; value <= to; value += Number(step ?? 1)) values.add(value);
  }
  return values;
}
