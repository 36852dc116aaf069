import { MINUTE_MS, renderSecond } from "../time.ts";

/**
 * Both clocks at the moment of one answer, in epoch ms; `server` is null where the answer has no time that can be read.
 */
export type ClockLook = { readonly server: number | null; readonly own: number };

/**
 * Every delay is counted from a time that another machine wrote: a clock that is minutes wrong makes a young object
 * look old.
 */
const MOST_APART_MS = MINUTE_MS;

/** Both clocks by the `Date` header of an answer, between its request and its end. */
export function lookAtClock(date: string | undefined, sentAt: number, receivedAt: number): ClockLook {
  // the header has whole seconds: half a second later is the best guess
  const server = parseHttpDate(date);
  return { server: server === null ? null : server + 500, own: (sentAt + receivedAt) / 2 };
}

/**
 * The look with the larger difference, so that one wrong server of several is seen; a look with the server's time wins
 * over one without.
 */
export function worseOf(one: ClockLook | null, other: ClockLook): ClockLook {
  if (one === null || one.server === null) return other;
  return other.server !== null && apart(other) > apart(one) ? other : one;
}

/** Why the clocks forbid to remove anything; null where they agree to a minute. */
export function brakeOfClock(look: ClockLook | null, server: string): string | null {
  if (look === null || look.server === null)
    return `no answer of the Kubernetes API at ${server} has a Date that can be read, so this clock cannot be compared with it: a proxy between the two must leave the header in place`;
  if (apart(look) <= MOST_APART_MS) return null;
  const relation = look.server > look.own ? "behind" : "ahead of";
  const seconds = Math.round(apart(look) / 1000);
  return `this clock, ${renderSecond(look.own)}, is ${seconds} s ${relation} that of the Kubernetes API at ${server}, ${renderSecond(look.server)}; up to ${MOST_APART_MS / 1000} s are allowed: compare both with a third clock and correct NTP on the wrong machine`;
}

function apart({ server, own }: ClockLook): number {
  return Math.abs((server ?? own) - own);
}

/** Epoch ms of an HTTP date as servers must write it, `Thu, 26 Nov 2026 07:27:29 GMT`; null for any other text. */
function parseHttpDate(text: string | undefined): number | null {
  const at = new Date(text ?? "");
  return !Number.isNaN(at.getTime()) && at.toUTCString() === text ? at.getTime() : null;
}
