import { matches, type Selector } from "../selector.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "../time.ts";
import type { Metadata } from "./objects.ts";

/** On a pod, Job or CronJob: `ignore` leaves it and all that it owns alone. */
const IGNORE = "r3a.dev/janitor";
/** On the same: another delay than the janitor's own, e.g. `30m`; the nearest one counts. */
const DELAY = "r3a.dev/janitor-delay";
const UNIT_MS = { s: SECOND_MS, m: MINUTE_MS, h: HOUR_MS, d: DAY_MS } as const;

/**
 * Why an object must not be touched, null where it may. `levels` are its own metadata and those of its owners: what is
 * protected at one level is protected below. An annotation that is not understood protects too.
 */
export function protectionOf(levels: readonly Metadata[], selectors: readonly Selector[]): string | null {
  for (const { labels = {}, annotations = {} } of levels) {
    const selector = selectors.find(({ requirements }) => matches(requirements, labels));
    if (selector !== undefined) return `protected by the selector ${selector.text}`;
    const asked = annotations[IGNORE];
    if (asked === "ignore") return `protected by the annotation ${IGNORE}`;
    if (asked !== undefined) return `the annotation ${IGNORE}: ${asked} is not understood; write ignore`;
    const delay = annotations[DELAY];
    if (delay !== undefined && parseDelay(delay) === null)
      return `the annotation ${DELAY}: ${delay} is not understood; write e.g. 30m`;
  }
  return null;
}

/** The delay in ms that the nearest level asks for, else `fallbackMs`. */
export function delayOf(levels: readonly Metadata[], fallbackMs: number): number {
  for (const { annotations = {} } of levels) {
    const ms = parseDelay(annotations[DELAY] ?? "");
    if (ms !== null) return ms;
  }
  return fallbackMs;
}

function parseDelay(text: string): number | null {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  return count === undefined ? null : Number(count) * UNIT_MS[unit as keyof typeof UNIT_MS];
}
