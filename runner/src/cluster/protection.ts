import { matches, type Selector } from "../selector.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "../time.ts";
import type { Metadata } from "./objects.ts";

/** Annotation of a pod, Job or CronJob: `ignore` protects the object and all that it owns. */
const IGNORE = "r3a.dev/janitor";
/** Annotation of the same objects: a delay instead of the janitor's own, e.g. `30m`; the nearest object counts. */
const DELAY = "r3a.dev/janitor-delay";
const UNIT_MS = { s: SECOND_MS, m: MINUTE_MS, h: HOUR_MS, d: DAY_MS } as const;

/**
 * Why an object must not be touched; null where it may be. `levels` are its own metadata and those of its owners: what
 * is protected at one level is protected below. An annotation with an unknown value protects too.
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
