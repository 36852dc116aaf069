import pRetry from "p-retry";
import { SettingsFault, TryAgain } from "../errors.ts";
import { sleep } from "../sleep.ts";
import { begin } from "../under-way.ts";
import { ExchangeFailure, RETRIES } from "./failure.ts";
import type { Limiter } from "./limiter.ts";

export type RequestOptions = {
  readonly url: string;
  readonly signal: AbortSignal;
  /** Is called with each failed try before it is repeated. */
  readonly onRetry?: (failure: ExchangeFailure, attempt: number) => void;
};

/** The run does not wait for a longer Retry-After of a 5xx: the next run asks again. */
const LONGEST_PAUSE_MS = 5_000;

/**
 * Sends by weight, again by class of failure; what concerns the whole address ends the run. `what` names path and series
 * for the list of what is under way, from the wait for weight to the last try.
 */
export function createRequester({ url, signal, onRetry }: RequestOptions, limiter: Limiter) {
  let hits = 0;
  const request = async <T>(what: string, weight: number, send: () => Promise<T>): Promise<T> => {
    let lastFailure = "";
    const done = begin(() => `the request ${what}${lastFailure}`);
    const tries = new Map<string, number>();
    const attempt = async () => {
      await limiter.acquire(weight);
      try {
        return await send();
      } catch (error) {
        if (error instanceof ExchangeFailure) {
          lastFailure = ` (${error.message})`;
          if (error.kind === "rate-limit") hits += 1;
          await limiter.punish(error);
        }
        throw error;
      }
    };
    try {
      return await pRetry(attempt, {
        retries: 10,
        minTimeout: 200,
        maxTimeout: 5_000,
        randomize: true,
        signal,
        shouldRetry: async ({ error, attemptNumber }) => {
          if (!(error instanceof ExchangeFailure)) return false;
          const count = (tries.get(error.kind) ?? 0) + 1;
          tries.set(error.kind, count);
          // the limiter holds everybody after a 429; a 5xx concerns this request alone
          const pauseMs = error.kind === "unavailable" ? (error.retryAfterMs ?? 0) : 0;
          if (count > RETRIES[error.kind] || pauseMs > LONGEST_PAUSE_MS) return false;
          onRetry?.(error, attemptNumber);
          if (pauseMs > 0) await sleep(pauseMs, signal);
          return true;
        },
      });
    } catch (error) {
      if (!(error instanceof ExchangeFailure)) throw error;
      if (error.kind === "region" || error.kind === "certificate")
        throw new SettingsFault([`${url} (EXCHANGE_URL) cannot be used: ${error.message}`], { cause: error });
      if (error.kind === "banned" || error.kind === "held")
        throw new TryAgain(error.message, { cause: error });
      throw error;
    } finally {
      done();
    }
  };
  return { request, rateLimitHits: () => hits };
}
