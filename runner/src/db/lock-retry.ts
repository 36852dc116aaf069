import { sleep } from "../sleep.ts";
import { codeOf, isCatalogClash } from "./fault.ts";
import { DEADLOCK, LOCK_NOT_AVAILABLE } from "./sqlstate.ts";

/**
 * A statement that changes the catalog waits no longer than this for a lock: while it waits, every later reader waits
 * too.
 */
export const LOCK_TIMEOUT_MS = 2_000;

/** Whether another session held, or just changed, what a statement needed: the same statement may work in a moment. */
export function isBusy(error: unknown): boolean {
  return codeOf(error) === LOCK_NOT_AVAILABLE || codeOf(error) === DEADLOCK || isCatalogClash(error);
}

/** Others still held what a statement needed when the time for it was over; `code` is the one of the last try. */
export class Busy extends Error {
  override readonly name = "Busy";
  readonly code: string | null;
  constructor(message: string, cause: unknown) {
    super(message, { cause });
    this.code = codeOf(cause);
  }
}

/**
 * Repeats `work` while others hold its locks, with pauses that grow to a second, until `until` (of performance.now).
 * Then the last error of `work` comes out; `attempt` counts from 1. In the pauses readers and writers get through. No
 * other session is ended.
 */
export async function retryBusy<T>(
  work: (attempt: number) => Promise<T>,
  until: number,
  signal = new AbortController().signal,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work(attempt);
    } catch (error) {
      const pauseMs = Math.min(1_000, attempt * 100) * (0.5 + Math.random());
      if (!isBusy(error) || performance.now() + pauseMs > until) throw error;
      await sleep(pauseMs, signal);
    }
  }
}
