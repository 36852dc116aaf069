import { setTimeout as delay } from "node:timers/promises";

/** Waits `ms`, or rejects with the signal's own reason as soon as it is aborted. */
export async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}
