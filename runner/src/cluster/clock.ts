import { MINUTE_MS, renderTime } from "../time.ts";

/** One answer's look at the server's clock; all in epoch ms, `server` null where the answer does not tell it. */
export type ClockLook = { readonly server: number | null; readonly own: number };

/** All delays are reckoned from times that others wrote: a clock that is wrong by minutes makes young things old. */
const MOST_APART_MS = MINUTE_MS;

/** A look at the clocks by the `Date` header of an answer, between its request and its end. */
export function lookAtClock(date: string | undefined, sentAt: number, receivedAt: number): ClockLook {
  // the header has whole seconds: half of one is the best guess
  const server = parseHttpDate(date);
  return { server: server === null ? null : server + 500, own: (sentAt + receivedAt) / 2 };
}

/** Of two looks the one that is worse, so that one wrong server of several is seen; one that tells beats one that does not. */
export function worseOf(one: ClockLook | null, other: ClockLook): ClockLook {
  if (one === null || one.server === null) return other;
  return other.server !== null && apart(other) > apart(one) ? other : one;
}

/** Why nothing may be removed by the clocks; null where they agree to a minute. */
export function brakeOfClock(look: ClockLook | null, server: string): string | null {
  if (look === null || look.server === null)
    return `no answer of the Kubernetes API at ${server} has a Date that can be read, so that this clock cannot be held against it: what stands between the two, as a proxy, must leave the header in place`;
  if (apart(look) <= MOST_APART_MS) return null;
  const relation = look.server > look.own ? "behind" : "ahead of";
  const seconds = Math.round(apart(look) / 1000);
  return `this clock, ${renderSecond(look.own)}, is ${seconds} s ${relation} that of the Kubernetes API at ${server}, ${renderSecond(look.server)}; up to ${MOST_APART_MS / 1000} s are allowed: hold both against a third clock and mend NTP on the wrong machine`;
}

function apart({ server, own }: ClockLook): number {
  return Math.abs((server ?? own) - own);
}

function renderSecond(ms: number): string {
  return renderTime(Math.floor(ms / 1000) * 1000);
}

/** Epoch ms of an HTTP date as servers must write it, `Thu, 26 Nov 2026 07:27:29 GMT`; null for any other text. */
function parseHttpDate(text: string | undefined): number | null {
  const at = new Date(text ?? "");
  return !Number.isNaN(at.getTime()) && at.toUTCString() === text ? at.getTime() : null;
}
