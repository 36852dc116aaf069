import { FARTHEST_MS } from "../../contract/limits.ts";
import type { Believed } from "./believed.ts";

/** How long the exchange wants to be left alone (ms): a second at the least, and no longer than such a thing can be. */
export type Hold = Believed<"hold">;

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
/** The three forms of RFC 9110: `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT`, `Sun Nov  6 08:49:37 1994`. */
const DATE_FORMS = [
  /^[a-z]{3}, (?<day>\d{2}) (?<month>[a-z]{3}) (?<year>\d{4}) (?<time>\d{2}:\d{2}:\d{2}) gmt$/i,
  /^[a-z]{6,9}, (?<day>\d{2})-(?<month>[a-z]{3})-(?<year>\d{2}) (?<time>\d{2}:\d{2}:\d{2}) gmt$/i,
  /^[a-z]{3} (?<month>[a-z]{3}) (?<day>[ \d]\d) (?<time>\d{2}:\d{2}:\d{2}) (?<year>\d{4})$/i,
];

/** A wait of 0.0000001 s is a mistake: believed, it would end a ban at once, where the default holds for two minutes. */
const SHORTEST_MS = 1_000;

/**
 * The longer one of what Retry-After and the body ("IP banned until 1700000000000") say, cut to 3 days for a ban (418)
 * and to 1 hour else. Null where neither can be read or is a second or more ahead: the caller then holds by its own default. `now`: ms.
 */
export function believeHold(
  { status, retryAfter, body }: { status: number; retryAfter: string | undefined; body: string },
  now: number,
): Hold | null {
  const asked = [msOfHeader(retryAfter?.trim() ?? "", now), msOfBody(body, now)].filter(
    (ms) => ms >= SHORTEST_MS,
  );
  if (asked.length === 0) return null;
  return Math.min(Math.max(...asked), status === 418 ? FARTHEST_MS.ban : FARTHEST_MS.hold) as Hold;
}

function msOfHeader(text: string, now: number): number {
  if (/^\d{1,20}(\.\d{1,20})?$/.test(text)) return Math.ceil(Number(text) * 1000);
  const date = parseHttpDate(text, now);
  return date === null ? Number.NaN : date - now;
}

/** Milliseconds as Binance writes them, or the same in seconds. */
function msOfBody(body: string, now: number): number {
  const [, until = ""] = /banned until (\d{10}|\d{13})(?!\d)/i.exec(body) ?? [];
  return until === "" ? Number.NaN : Number(until.padEnd(13, "0")) - now;
}

/** Time (ms) of an HTTP date, null where it is none. A year of two digits is at most 50 years ahead. */
export function parseHttpDate(text: string, now: number): number | null {
  const groups = DATE_FORMS.map((form) => form.exec(text)?.groups).find((found) => found !== undefined);
  const { day = "", month = "", year = "", time = "" } = groups ?? {};
  const index = MONTHS.findIndex((name) => name.toLowerCase() === month.toLowerCase());
  const [hours = 99, minutes = 99, seconds = 99] = time.split(":").map(Number);
  if (index < 0 || hours > 23 || minutes > 59 || seconds > 60) return null;
  const thisYear = new Date(now).getUTCFullYear();
  const century = Math.floor(thisYear / 100) * 100;
  const near = century + Number(year);
  const full = year.length === 4 ? Number(year) : near > thisYear + 50 ? near - 100 : near;
  const ms = Date.UTC(full, index, Number(day), hours, minutes, seconds);
  return new Date(ms).getUTCDate() === Number(day) ? ms : null;
}
