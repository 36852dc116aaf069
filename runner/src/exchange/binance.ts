// The class is imported by its file: the package's entry loads every exchange (+450 ms and +87 MB per start).
// The package offers no such entry of its own, hence the path through node_modules.

import pRetry from "p-retry";
import binance from "../../../node_modules/ccxt/js/src/binance.js";
import { PAGE_CANDLES } from "../candle/page.ts";
import type { Interval } from "../contract.ts";
import { SettingsFault, TryAgain } from "../errors.ts";
import { type BelievedList, believeListings, believeVolumes, fieldOf } from "./belief/lists.ts";
import { type Exchange, type Listing, type Origin, WEIGHT } from "./exchange.ts";
import { ExchangeFailure, failureOfAnswer, RETRIES } from "./failure.ts";
import { fetchListings } from "./fetch-listings.ts";
import type { Limiter } from "./limiter.ts";
import { createTransport } from "./transport.ts";

export type BinanceOptions = {
  readonly url: string;
  readonly createLimiter: (now: () => number) => Limiter;
  /** Whole answer, body included: ccxt's own timeout ends at the headers and a stalled body would hang for 300 s. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Told of each failed try before it is repeated. */
  readonly onRetry?: (failure: ExchangeFailure, attempt: number) => void;
  /** Told of a list with entries that cannot be right; they are left out, and the others count. */
  readonly onLeftOut?: (path: string, list: BelievedList<unknown>) => void;
};

/** The header that the simulated exchange marks its answers with. */
const SIMULATED_HEADER = "x-r3a-simulated";
const USED_WEIGHT_HEADER = "x-mbx-used-weight-1m";

/** A minute job sends 60 requests at once; a backfill has a dozen under way. */
const CONNECTIONS = 64;

/** Binance spot market data over ccxt's implicit endpoints: exact strings, all fields, no market loading. */
export function createBinance(options: BinanceOptions): Exchange {
  // stands at the epoch until it is read: this machine's minute could end the one that the others count in
  let clock = { serverMs: 0, readAt: performance.now() };
  let origin: Origin = "binance";
  let hits = 0;
  // whole milliseconds: these times end up in the gap log
  const now = () => clock.serverMs + Math.floor(performance.now() - clock.readAt);
  const limiter = options.createLimiter(now);

  const api = new binance({
    enableRateLimit: false, // its throttle knows neither other processes nor the exchange's own count
    enableLastHttpResponse: false,
    enableLastJsonResponse: false,
    enableLastResponseHeaders: false,
    quoteJsonNumbers: false,
    timeout: 2 * options.timeoutMs, // ours ends first, and covers the body too
    userAgent: "r3a",
    urls: { api: { public: `${options.url}/api/v3` } },
  });
  // before its first request ccxt looks for agents for proxies, and loads undici where it finds them: 34 ms of a minute job
  api.proxiesModulesLoading = Promise.resolve();
  const send = createTransport(options.timeoutMs, CONNECTIONS, options.signal);
  api.fetchImplementation = (url: string, { headers }: { headers: Record<string, string> }) =>
    send(url, headers);
  // runs for every answer with that answer's own headers, which the instance's fields share between calls
  api.handleErrors = (
    status: string | number,
    _reason,
    _url,
    _method,
    headers: Record<string, string>,
    body: string,
  ) => {
    const named = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
    origin = named.has(SIMULATED_HEADER) ? "simulated" : "binance";
    const used = Number(named.get(USED_WEIGHT_HEADER) ?? Number.NaN);
    if (Number.isFinite(used)) limiter.observe(used);
    const failure = failureOfAnswer(Number(status), named, body, now());
    if (failure !== null) throw failure;
    return undefined;
  };

  /** Sends by weight, again by class of failure; what concerns the whole address ends the run. */
  const request = async <T>(weight: number, send: () => Promise<T>): Promise<T> => {
    const tries = new Map<string, number>();
    const attempt = async () => {
      await limiter.acquire(weight);
      try {
        return await send();
      } catch (error) {
        if (error instanceof ExchangeFailure) {
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
        signal: options.signal,
        shouldRetry: ({ error, attemptNumber }) => {
          if (!(error instanceof ExchangeFailure)) return false;
          const count = (tries.get(error.kind) ?? 0) + 1;
          tries.set(error.kind, count);
          if (count > RETRIES[error.kind]) return false;
          options.onRetry?.(error, attemptNumber);
          return true;
        },
      });
    } catch (error) {
      if (!(error instanceof ExchangeFailure)) throw error;
      if (error.kind === "region")
        throw new SettingsFault([`${options.url} cannot be used: ${error.message}`]);
      if (error.kind === "banned" || error.kind === "held")
        throw new TryAgain(error.message, { cause: error });
      throw error;
    }
  };

  return {
    now,
    rateLimitHits: () => hits,
    async readClock() {
      const sentAt = Date.now();
      const answer: unknown = await request(0, () => api.publicGetTime());
      const serverMs = Number(fieldOf(answer, "serverTime"));
      if (!Number.isSafeInteger(serverMs)) throw garbage("/api/v3/time has no serverTime");
      clock = { serverMs, readAt: performance.now() };
      const aheadMs = (sentAt + Date.now()) / 2 - serverMs;
      // paid for now that the minute is known; nobody waits for it, and what refuses it refuses the next request too
      limiter.acquire(WEIGHT.time).catch(() => {});
      return { aheadMs, origin };
    },
    fetchRows: (symbol, interval, span) =>
      request(WEIGHT.klines, () =>
        sendKlines(symbol, interval, { startTime: span.from, endTime: span.to - 1, limit: PAGE_CANDLES }),
      ),
    async fetchFirstOpen(symbol) {
      const rows = await request(WEIGHT.klines, () => sendKlines(symbol, "1m", { startTime: 0, limit: 1 }));
      const openTime: unknown = Array.isArray(rows[0]) ? rows[0][0] : null;
      return typeof openTime === "number" ? openTime : null;
    },
    fetchListings: (symbols) =>
      fetchListings(symbols, (names) =>
        askListings(names === null ? {} : { symbols: JSON.stringify(names) }),
      ),
    async fetchTrading() {
      const listed = await askListings({ symbolStatus: "TRADING" });
      // an exchange that does not know the parameter sends all that there are
      return { ...listed, entries: listed.entries.filter(({ status }) => status === "TRADING") };
    },
    fetchVolumes: () =>
      request(WEIGHT.volumes, async () =>
        told("/api/v3/ticker/24hr", believeVolumes(await api.publicGetTicker24hr({ type: "MINI" }))),
      ),
  };

  function askListings(params: object): Promise<BelievedList<Listing>> {
    return request(WEIGHT.listings, async () => {
      const answer = await api.publicGetExchangeInfo({ ...params, showPermissionSets: "false" });
      return told("/api/v3/exchangeInfo", believeListings(answer));
    });
  }

  function told<T>(path: string, list: BelievedList<T>): BelievedList<T> {
    if (list.leftOut > 0) options.onLeftOut?.(path, list);
    return list;
  }

  async function sendKlines(symbol: string, interval: Interval, params: object): Promise<readonly unknown[]> {
    const rows: unknown = await api.publicGetKlines({ symbol, interval, ...params });
    // a maintenance page with status 200 comes out as text
    if (!Array.isArray(rows)) throw garbage("the answer is no list of candles");
    return rows;
  }
}

function garbage(message: string): ExchangeFailure {
  return new ExchangeFailure("garbage", message);
}
