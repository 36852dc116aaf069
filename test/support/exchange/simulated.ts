import { afterEach } from "vitest";
import {
  type ExchangeOptions,
  type SimulatedExchange,
  startExchange,
} from "../../../dev/exchange/exchange.ts";

/** The time at which the clock of a started exchange stands. */
export const noon = Date.parse("2024-08-01T12:00:30.000Z");
export const minute = 60_000;

const open: SimulatedExchange[] = [];

afterEach(async () => {
  for (const exchange of open.splice(0)) await exchange.stop();
});

/** Starts an exchange of generated candles; it stops after the test. */
export async function start(options: ExchangeOptions = {}): Promise<SimulatedExchange> {
  const exchange = await startExchange({ recorded: false, clock: { fixedMs: noon }, ...options });
  open.push(exchange);
  return exchange;
}

/** Asks for a path; a busy machine answers within 5 s too. */
export function ask(exchange: SimulatedExchange, path: string, limitMs = 5_000): Promise<Response> {
  return fetch(exchange.url + path, { signal: AbortSignal.timeout(limitMs) });
}

/** The path of a question for BTCUSDT's minutes. */
export function klines(query: string): string {
  return `/api/v3/klines?symbol=BTCUSDT&interval=1m&${query}`;
}
