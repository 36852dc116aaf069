import { startExchange } from "../exchange/exchange.ts";
import type { Kind } from "./kinds.ts";

/** Where a local command gets candles from. */
export type Exchange = { readonly kind: Kind; readonly url: string; stop(): Promise<void> };

/** Whether a person names the exchange: then no other one may take its place. */
export const isNamed = (process.env.EXCHANGE_URL ?? "").trim() !== "";
export const BINANCE_URL = isNamed ? (process.env.EXCHANGE_URL ?? "") : "https://api.binance.com";
const PROBE_MS = 3_000;

/** The real exchange; a text says why it cannot be had: no answer within 3 s, or this region is refused. */
export async function reachBinance(): Promise<Exchange | string> {
  try {
    const answer = await fetch(`${BINANCE_URL}/api/v3/time`, { signal: AbortSignal.timeout(PROBE_MS) });
    const kind = answer.headers.has("x-r3a-simulated") ? "simulated" : "binance";
    if (answer.ok) return { kind, url: BINANCE_URL, async stop() {} };
    return `${describe()} answers ${answer.status}${answer.status === 451 ? " (region refused)" : ""}`;
  } catch (error) {
    return `${describe()} cannot be reached (${reasonOf(error)})`;
  }
}

/** Without user and password, which a URL can have. */
function describe(): string {
  if (!isNamed) return "Binance";
  const host = URL.canParse(BINANCE_URL) ? new URL(BINANCE_URL).host : "the exchange";
  return `${host}, which EXCHANGE_URL names,`;
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
