import { startExchange } from "../exchange/exchange.ts";
import type { Kind } from "./kinds.ts";

/** Where a local command gets candles from. */
export type Exchange = { readonly kind: Kind; readonly url: string; stop(): Promise<void> };

export const BINANCE_URL = process.env.EXCHANGE_URL ?? "https://api.binance.com";
const PROBE_MS = 3_000;

/** The real exchange; a text says why it cannot be had: no answer within 3 s, or this region is refused. */
export async function reachBinance(): Promise<Exchange | string> {
  try {
    const answer = await fetch(`${BINANCE_URL}/api/v3/time`, { signal: AbortSignal.timeout(PROBE_MS) });
    const kind = answer.headers.has("x-r3a-simulated") ? "simulated" : "binance";
    if (answer.ok) return { kind, url: BINANCE_URL, async stop() {} };
    return `Binance answers ${answer.status}${answer.status === 451 ? " (region refused)" : ""}`;
  } catch (error) {
    return `Binance cannot be reached (${reasonOf(error)})`;
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.name === "TimeoutError"
    ? `no answer within ${PROBE_MS / 1000} s`
    : String(error.cause ?? error.message);
}

export async function simulate(): Promise<Exchange> {
  const simulated = await startExchange();
  return { kind: "simulated", url: simulated.url, stop: () => simulated.stop() };
}
