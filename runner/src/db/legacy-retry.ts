import { sleep } from "../time.ts";
import { codeOf } from "./connect.ts";

const LOCK_NOT_AVAILABLE = "55P03";
const DEADLOCK = "40P01";

/** A statement that waits for a lock makes every later reader of the table wait behind it: never longer than this. */
export const SET_LOCK_TIMEOUT = "set local lock_timeout = '2s'";

/** Runs `work` again with jitter while it meets locks of others; after `attempts` throws what `giveUp` says. */
export async function retryOnLock(
  signal: AbortSignal,
  attempts: number,
  giveUp: (cause: unknown) => Error,
  work: () => Promise<unknown>,
): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    signal.throwIfAborted();
    try {
      await work();
      return;
    } catch (error) {
      const code = codeOf(error);
      if (code !== LOCK_NOT_AVAILABLE && code !== DEADLOCK) throw error;
      if (attempt === attempts) throw giveUp(error);
    }
    await sleep(200 + Math.random() * 600, signal);
  }
}
