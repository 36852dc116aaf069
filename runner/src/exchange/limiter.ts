import { setImmediate } from "node:timers/promises";
import { TryAgain } from "../errors.ts";
import { sleep } from "../sleep.ts";
import { MINUTE_MS, renderDuration } from "../time.ts";
import type { UsedWeight } from "./belief/numbers.ts";
import type { ExchangeFailure } from "./failure.ts";

/** What the shared budget answers to a request for weight. Times are from now, in ms, 0 where nothing holds the address. */
type Lease = { readonly granted: number; readonly holdMs: number; readonly bannedMs: number };

/** The budget of one address, shared by all its processes; kept in the database. */
export type Budget = {
  /**
   * Asks for `wanted` weight in the minute (ms), never above `limit` in all; `observed` is the exchange's own count,
   * `isLate` says that what is sent now may arrive in the next minute.
   */
  lease(ask: {
    wanted: number;
    minute: number;
    observed: number;
    limit: number;
    isLate: boolean;
  }): Promise<Lease>;
  /** Holds every process (429). */
  hold(ms: number): Promise<void>;
  /** Holds every process after a 403: 5 min, doubling up to 1 h when it comes again. Returns the ms. */
  holdByFirewall(): Promise<number>;
  /** Stops every process (418). */
  ban(ms: number): Promise<void>;
};

export type Limiter = {
  /** Resolves when a request of this weight may be sent; rejects with TryAgain while the address is banned or held. */
  acquire(weight: number): Promise<void>;
  /** Feeds the exchange's own count of the running minute. */
  observe(used: UsedWeight): void;
  /** Stores what a 429, 418 or 403 means for every process. */
  punish(failure: ExchangeFailure): Promise<void>;
};

/** From a grant to the count at the exchange: a busy machine, a new connection, the way there. */
const LONGEST_WAY_MS = 5_000;
/** The job does not wait for a longer hold: it ends with 75, and the next job asks the budget again. */
const LONGEST_WAIT_MS = 65_000;
const DEFAULT_BAN_MS = 2 * MINUTE_MS;

type Waiting = {
  readonly weight: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
};

type LimiterOptions = {
  readonly budget: Budget;
  /** In weight. */
  readonly limitPerMinute: number;
  /** The exchange's clock, whose calendar minutes are what it counts in. */
  readonly now: () => number;
  readonly signal: AbortSignal;
};

/**
 * A limiter that asks the shared budget before every request; requests that are ready together ask together, but the
 * budget may grant some of them and let others wait.
 */
export function createLimiter({ budget, limitPerMinute, now, signal }: LimiterOptions): Limiter {
  // the budget grants whole weight, so a request cut to a fraction would wait for ever
  const limit = Math.max(1, Math.floor(limitPerMinute));
  const queue: Waiting[] = [];
  let observed = { minute: 0, used: 0 };
  let draining = false;
  const minuteOf = (ms: number) => Math.floor(ms / MINUTE_MS) * MINUTE_MS;

  const drain = async () => {
    draining = true;
    try {
      // all that ask in this turn of the event loop go with the first statement: sixty pages and the clock's own weight
      await setImmediate();
      while (queue.length > 0) await serveSome();
    } catch (error) {
      for (const { reject } of queue.splice(0)) reject(error);
    } finally {
      draining = false;
    }
  };

  const serveSome = async () => {
    signal.throwIfAborted();
    const minute = minuteOf(now());
    const isLate = now() >= minute + MINUTE_MS - LONGEST_WAY_MS;
    const wanted = queue.reduce((sum, { weight }) => sum + weight, 0);
    const used = observed.minute === minute ? observed.used : 0;
    const lease = await budget.lease({ wanted, minute, observed: used, limit, isLate });
    if (lease.bannedMs > 0) throw refusal("bans", lease.bannedMs);
    if (lease.holdMs > LONGEST_WAIT_MS) throw refusal("holds", lease.holdMs);
    if (lease.holdMs > 0) return sleep(lease.holdMs + Math.random() * 100, signal);

    let left = lease.granted;
    let served = 0;
    for (let next = queue[0]; next !== undefined && next.weight <= left; next = queue[0]) {
      left -= next.weight;
      served += 1;
      queue.shift();
      next.resolve();
    }
    // the exchange starts a new count at the full minute; jitter keeps the processes from asking all at once
    if (served === 0) await sleep(minute + MINUTE_MS - now() + 20 + Math.random() * 200, signal);
  };

  return {
    acquire: (weight) =>
      new Promise((resolve, reject) => {
        queue.push({ weight: Math.min(weight, limit), resolve, reject });
        if (!draining) void drain();
      }),
    observe(used) {
      const minute = minuteOf(now());
      observed = { minute, used: observed.minute === minute ? Math.max(observed.used, used) : used };
    },
    async punish(failure) {
      const untilNextMinute = MINUTE_MS - (now() % MINUTE_MS);
      if (failure.kind === "rate-limit") await budget.hold(failure.retryAfterMs ?? untilNextMinute);
      if (failure.kind === "banned") await budget.ban(failure.retryAfterMs ?? DEFAULT_BAN_MS);
      if (failure.kind === "held") await budget.holdByFirewall();
    },
  };
}

function refusal(verb: "bans" | "holds", ms: number): TryAgain {
  return new TryAgain(
    `the exchange ${verb} this address for another ${renderDuration(ms)}; R3A sends nothing until then`,
  );
}
