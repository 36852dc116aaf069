// The class is imported by its file: the package's entry loads every exchange (+450 ms and +87 MB per start).
// The package offers no such entry of its own, hence the path through node_modules.

import binance from "../../../node_modules/ccxt/js/src/binance.js";
import { PAGE_CANDLES } from "../candle/page.ts";
import type { Interval } from "../contract/intervals.ts";
import { type BelievedList, believeListings, believeVolumes } from "./belief/lists.ts";
import { believeFirstOpen, believeUsedWeight } from "./belief/numbers.ts";
import { believeRows, expectationOf } from "./belief/sizes.ts";
import { askTime, createClock, type ExchangeClock } from "./clock.ts";
import { type ClockReading, type Exchange, type Origin, PATH, WEIGHT } from "./exchange.ts";
import { failureOfAnswer, garbage } from "./failure.ts";
import { createListingsFetcher } from "./fetch-listings.ts";
import type { Limiter } from "./limiter.ts";
import type { Listing } from "./listing.ts";
import { createRequester, type RequestOptions } from "./retry.ts";
import { createExchangeTransport } from "./transport.ts";

type BinanceOptions = RequestOptions & {
  readonly createLimiter: (now: () => number) => Limiter;
  /** Whole answer, body included: ccxt's own timeout ends at the headers and a stalled body would hang for 300 s. */
  readonly timeoutMs: number;
  /** Is called with a list that has entries which cannot be right. They are left out, and the others count. */
  readonly onLeftOut?: (path: string, list: BelievedList<unknown>) => void;
};

/** The header that the simulated exchange marks its answers with. */
const SIMULATED_HEADER = "x-r3a-simulated";
const USED_WEIGHT_HEADER = "x-mbx-used-weight-1m";

/** A minute job sends 60 requests at once; a backfill has a dozen under way. */
const CONNECTIONS = 64;

export type Binance = Exchange & {
  /** Asks for the time as `readClock` does, for a person who looks for a fault. The run does not go by the answer. */
  compareClock(): Promise<ClockReading>;
};

/** Binance spot market data over ccxt's implicit endpoints: exact strings, all fields, no market loading. */
export function createBinance(options: BinanceOptions): Binance {
  const clock = createClock();
  const { now } = clock;
  const limiter = options.createLimiter(now);
  const { api, origin } = createApi(options, clock, limiter);
  const { request, rateLimitHits } = createRequester(options, limiter);
  const ask = () => askTime(() => api.publicGetTime());

  return {
    now,
    rateLimitHits,
    async readClock(database) {
      // both questions are under way together: the minute job waits for the exchange anyway
      const [time, databaseMs] = await request(PATH.time, 0, () => Promise.all([ask(), database.now()]));
      clock.goBy(time, { databaseMs, isOneHost: database.isOneHost });
      // the weight of this request, taken now that the minute is known; a refusal meets the next request too
      limiter.acquire(WEIGHT.time).catch(() => {});
      return { aheadMs: time.ourMs - time.exchangeMs, origin: origin() };
    },
    async compareClock() {
      const { exchangeMs, ourMs } = await request(PATH.time, 0, ask);
      return { aheadMs: ourMs - exchangeMs, origin: origin() };
    },
    fetchRows: (symbol, interval, span) =>
      request(`${PATH.klines} ${symbol} ${interval}`, WEIGHT.klines, async () => {
        const params = { startTime: span.from, endTime: span.to - 1, limit: PAGE_CANDLES };
        return believeRows(await sendKlines(symbol, interval, params), interval, span);
      }),
    fetchFirstOpen: (symbol) =>
      request(`${PATH.klines} ${symbol} 1m`, WEIGHT.klines, async () =>
        believeFirstOpen(await sendKlines(symbol, "1m", { startTime: 0, limit: 1 }), now()),
      ),
    fetchListings: createListingsFetcher((names) =>
      askListings(names === null ? {} : { symbols: JSON.stringify(names) }),
    ),
    async fetchTrading() {
      const listed = await askListings({ symbolStatus: "TRADING" });
      // an exchange that does not know the parameter sends all that there are
      return { ...listed, entries: listed.entries.filter(({ status }) => status === "TRADING") };
    },
    fetchVolumes: () =>
      request(PATH.volumes, WEIGHT.volumes, async () =>
        withLeftOut(PATH.volumes, believeVolumes(await api.publicGetTicker24hr({ type: "MINI" }))),
      ),
  };

  function askListings(params: object): Promise<BelievedList<Listing>> {
    return request(PATH.listings, WEIGHT.listings, async () => {
      const answer = await api.publicGetExchangeInfo({ ...params, showPermissionSets: "false" });
      return withLeftOut(PATH.listings, believeListings(answer));
    });
  }

  function withLeftOut<T>(path: string, list: BelievedList<T>): BelievedList<T> {
    if (list.leftOut > 0) options.onLeftOut?.(path, list);
    return list;
  }

  async function sendKlines(symbol: string, interval: Interval, params: object): Promise<readonly unknown[]> {
    const rows: unknown = await api.publicGetKlines({ symbol, interval, ...params });
    // a maintenance page with status 200 comes out as text
    if (!Array.isArray(rows)) throw garbage("the answer is not a list of candles");
    return rows;
  }
}

/** ccxt's client over our own transport, which reads weight, origin and failure of every answer by itself. */
function createApi(options: BinanceOptions, clock: ExchangeClock, limiter: Limiter) {
  let origin: Origin = "binance";
  const api = new binance({
    enableRateLimit: false, // its throttle knows neither other processes nor the exchange's own count
    enableLastHttpResponse: false,
    enableLastJsonResponse: false,
    enableLastResponseHeaders: false,
    quoteJsonNumbers: false,
    timeout: 2 * options.timeoutMs, // the transport ends first, and its time covers the body too
    userAgent: "r3a",
    urls: { api: { public: `${options.url}/api/v3` } },
  });
  // before its first request ccxt looks for agents for proxies, and loads undici where it finds them: 34 ms of a minute job
  api.proxiesModulesLoading = Promise.resolve();
  const send = createExchangeTransport(options.timeoutMs, CONNECTIONS, options.signal);
  api.fetchImplementation = (url: string, { headers }: { headers: Record<string, string> }) =>
    send(url, headers, expectationOf(url));
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
    const used = believeUsedWeight(named.get(USED_WEIGHT_HEADER));
    if (used !== null) limiter.observe(used);
    const answer = { status: Number(status), headers: named, body };
    const failure = failureOfAnswer(answer, clock.nearest(named.get("date")));
    if (failure !== null) throw failure;
    return undefined;
  };
  return { api, origin: () => origin };
}
