export const SECOND_MS = 1_000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

const DATE = /^\d{4}-\d{2}-\d{2}$/;
const DATE_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})?$/;

/** Epoch ms of `YYYY-MM-DD` or ISO 8601; without an offset it is UTC, whatever the machine's zone. */
export function parseTime(text: string): number {
  const isDate = DATE.test(text);
  if (!isDate && !DATE_TIME.test(text))
    throw new Error(`must be YYYY-MM-DD or ISO 8601 in UTC, not ${JSON.stringify(text)}`);
  const zoned = isDate ? `${text}T00:00:00Z` : /(Z|[+-]\d{2}:\d{2})$/.test(text) ? text : `${text}Z`;
  const ms = Date.parse(zoned);
  // Date.parse rolls 2024-02-30 over to March; the day that comes back must be the day that was written
  const day = new Date(`${text.slice(0, 10)}T00:00:00Z`);
  if (
    Number.isNaN(ms) ||
    Number.isNaN(day.getTime()) ||
    day.toISOString().slice(0, 10) !== text.slice(0, 10)
  ) {
    throw new Error(`is not a day of the calendar: ${JSON.stringify(text)}`);
  }
  return ms;
}

/** `2024-05-01T00:00:00Z`, milliseconds only where there are some. */
export function renderTime(ms: number): string {
  return new Date(ms).toISOString().replace(".000Z", "Z");
}

/** `2024-05-01`, `2024-05-01T14:00Z`: as short as the time can be told in full. */
export function renderShortTime(ms: number): string {
  const text = renderTime(ms);
  if (text.endsWith("T00:00:00Z")) return text.slice(0, 10);
  return text.endsWith(":00Z") ? `${text.slice(0, -4)}Z` : text;
}

/** The same to the second, for a moment that a person plans by. */
export function renderSecond(ms: number): string {
  return renderTime(Math.floor(ms / SECOND_MS) * SECOND_MS);
}

/** A rough length for people: `45 s`, `2.5 min`, `12 min`, `3.5 h`, `2.1 d`; at most 5 % beside the truth from 10 s on. */
export function renderDuration(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 119.5) return `${Math.round(seconds)} s`;
  // whole minutes would be a quarter off: 150 s were 3 min
  if (seconds < 9.95 * 60) return `${(seconds / 60).toFixed(1).replace(/\.0$/, "")} min`;
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`;
  if (seconds < 36 * 3600) return `${(seconds / 3600).toFixed(1)} h`;
  return `${(seconds / 86_400).toFixed(1)} d`;
}
