import { nextRuns } from "../model/schedule.ts";

// `7` and `7,37` are chosen minutes; a star, a step or a range spreads over the hour and has to meet others
const FIXED = /^\d+(,\d+)*$/;
/** Any day serves: of both schedules the days are left out. */
const MIDNIGHT = Date.UTC(2026, 0, 1);
const DAY_MS = 86_400_000;

/** The starts of one day, as HH:MM. */
function startsOfDay(minutes: string, hours: string): readonly string[] {
  const most = 24 * minutes.split(",").length;
  return nextRuns(`${minutes} ${hours} * * *`, new Date(MIDNIGHT - 1), most)
    .filter((start) => start.getTime() < MIDNIGHT + DAY_MS)
    .map((start) => start.toISOString().slice(11, 16));
}

/** A time of day, HH:MM, at which both schedules have chosen to start, null where there is none. Days are left out. */
export function sharedStart(one: string, other: string): string | null {
  const [minutes = "", hours = ""] = one.split(" ");
  const [otherMinutes = "", otherHours = ""] = other.split(" ");
  if (!FIXED.test(minutes) || !FIXED.test(otherMinutes)) return null;
  const others = new Set(startsOfDay(otherMinutes, otherHours));
  return startsOfDay(minutes, hours).find((start) => others.has(start)) ?? null;
}
