import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createCandleSource } from "./candle-source.ts";
import type { FaultRule } from "./faults.ts";
import { defaultMarket, type Market } from "./market.ts";
import { listRecordedSeries } from "./recorded.ts";
import { createRequestLog, type LoggedRequest } from "./request-log.ts";
import { createResponder } from "./responder.ts";
import { createSettingsStore, type SettingsChange } from "./settings.ts";
import { createWeightLedger } from "./weight.ts";

export type ExchangeOptions = SettingsChange & {
  /** Default: `defaultMarket(symbols)`. */
  readonly market?: Market;
  /** Count of trading USDT symbols, default 60. */
  readonly symbols?: number;
  /** Serve recorded rows where there are any, default true. */
  readonly recorded?: boolean;
  readonly host?: string;
  /** Default 0: any free port. */
  readonly port?: number;
};

export type SimulatedExchange = {
  readonly url: string;
  readonly port: number;
  readonly market: Market;
  /** Live; at least the last 100,000. */
  readonly requests: readonly LoggedRequest[];
  /** Changes settings; throws a FormError on a change that is not valid. */
  readonly set: (change: SettingsChange) => void;
  readonly addFault: (rule: FaultRule) => void;
  readonly clearFaults: () => void;
  /** Lifts a ban and forgets the weight of this minute. */
  readonly resetWeight: () => void;
  /** The exchange's clock, ms. */
  readonly now: () => number;
  /** Closes the port and every socket at once; `listen` opens the same port again. */
  readonly stop: () => Promise<void>;
  readonly listen: () => Promise<void>;
};

async function listenOn(server: Server, host: string, port: number): Promise<number> {
  server.listen(port, host);
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

/** Starts an HTTP server that answers as Binance's spot REST API does. */
export async function startExchange(options: ExchangeOptions = {}): Promise<SimulatedExchange> {
  const {
    market = defaultMarket(options.symbols),
    symbols: _,
    recorded = true,
    host = "127.0.0.1",
    port = 0,
    ...settings
  } = options;
  const store = createSettingsStore(settings);
  const ledger = createWeightLedger();
  const log = createRequestLog();
  const source = createCandleSource(recorded ? listRecordedSeries() : []);
  const respond = createResponder({ store, ledger, log, market, source });
  const server = createServer(
    { keepAliveTimeout: 75_000 },
    (request: IncomingMessage, response: ServerResponse) => {
      respond(request, response).catch((error: unknown) => {
        process.stderr.write(`simulated exchange: ${String(error)}\n`);
        response.destroy();
      });
    },
  );
  const bound = await listenOn(server, host, port);

  return {
    url: `http://127.0.0.1:${bound}`,
    port: bound,
    market,
    requests: log.entries,
    set: store.change,
    addFault: store.addFault,
    clearFaults: store.clearFaults,
    resetWeight: ledger.reset,
    now: store.now,
    stop: async () => {
      if (!server.listening) return;
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
    listen: async () => {
      if (!server.listening) await listenOn(server, host, bound);
    },
  };
}
