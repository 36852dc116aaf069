import { StoreFault, type StorePlace } from "./fault.ts";

/** A store that does not move one byte for so long is not there. */
export const SILENCE_MS = 30_000;

/** Slower than this, in bytes a second, and no daily run would fit into its day. */
const SLOWEST = 256 * 1024;
const LEAST_MS = 60_000;

/** How long moving so many bytes may take, in ms. */
export function longestMs(bytes: number): number {
  return LEAST_MS + (bytes / SLOWEST) * 1000;
}

export type Bounds = {
  readonly signal: AbortSignal;
  readonly wholeMs: number;
  /** Without a call of `progress` for so long the work ends. */
  readonly silenceMs: number;
  readonly place: StorePlace;
};

/** `signal`: of the run and of both bounds. */
export type Bounded = { readonly signal: AbortSignal; readonly progress: () => void };

/**
 * Does the work within its bounds. Rejects when the first of them is reached, with kind `unreachable` or the reason of the
 * run: a system call that hangs on a network disk cannot be stopped, and must not hold the run.
 */
export async function withBounds<T>(
  { signal: ofRun, wholeMs, silenceMs, place }: Bounds,
  work: (bounded: Bounded) => Promise<T>,
): Promise<T> {
  ofRun.throwIfAborted();
  const end = new AbortController();
  const signal = AbortSignal.any([ofRun, end.signal]);
  const give = (ms: number, what: string) =>
    setTimeout(() => {
      const seconds = Math.round(ms / 1000);
      const advice = "look whether the disk or the network there hangs, then run again";
      end.abort(new StoreFault("unreachable", `${what} within ${seconds} s; ${advice}`, place));
    }, ms);
  const silence = give(silenceMs, "nothing moved");
  const whole = give(wholeMs, "not done");
  const ended = Promise.withResolvers<never>();
  const onAbort = () => ended.reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([work({ signal, progress: () => silence.refresh() }), ended.promise]);
  } finally {
    clearTimeout(silence);
    clearTimeout(whole);
    signal.removeEventListener("abort", onAbort);
  }
}
