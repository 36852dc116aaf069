import { type BelievedClock, believeClock, readServerTime } from "./belief/clock.ts";
import { parseHttpDate } from "./belief/hold.ts";

/** The exchange's time beside this machine's (ms), both at the moment of the answer; `readAt` by performance.now(). */
type TimeAnswer = { readonly exchangeMs: number; readonly ourMs: number; readonly readAt: number };

export type ExchangeClock = {
  /** The exchange's time in whole ms, since these times end up in the gap log. */
  now(): number;
  /** What the lengths in an answer's headers count from: before the clock is read, the answer's own `date`. */
  nearest(date: string | undefined): number;
  /** Goes by this answer from now on; TryAgain where it lies ahead of this machine's and the database's (ms). */
  goBy(answer: TimeAnswer, database: { readonly databaseMs: number; readonly isOneHost: boolean }): void;
};

/** The clock stands at the epoch until it is read: this machine's minute could end the one that the exchange counts in. */
export function createClock(): ExchangeClock {
  let read = { serverMs: 0 as BelievedClock, readAt: performance.now() };
  const now = () => read.serverMs + Math.floor(performance.now() - read.readAt);
  return {
    now,
    nearest: (date) => (read.serverMs > 0 ? now() : (parseHttpDate(date ?? "", Date.now()) ?? Date.now())),
    goBy({ exchangeMs, ourMs, readAt }, database) {
      read = { serverMs: believeClock({ exchangeMs, ourMs, ...database }), readAt };
    },
  };
}

/** Asks for the time. The exchange read its clock about half way between the question and the answer. */
export async function askTime(ask: () => Promise<unknown>): Promise<TimeAnswer> {
  const sentAt = performance.now();
  const sentMs = Date.now();
  const answer = await ask();
  const readAt = performance.now();
  return { exchangeMs: readServerTime(answer), ourMs: sentMs + (readAt - sentAt) / 2, readAt };
}
