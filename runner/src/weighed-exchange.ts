import type { Context } from "./context.ts";
import { openBudget } from "./db/budget.ts";
import type { Database } from "./db/connect.ts";
import { createBinance } from "./exchange/binance.ts";
import { type Exchange, WEIGHT_PER_MINUTE } from "./exchange/exchange.ts";
import { createLimiter } from "./exchange/limiter.ts";
import type { Settings } from "./settings/table.ts";

const LONGEST_REQUEST_MS = 10_000;
const SHORTEST_REQUEST_MS = 1_000;
/** At most 3 s between four tries, and the start of the process on a busy machine. */
const WAITS_MS = 8_000;

/** Backfill, gap repair and drill leave the rest to the minute jobs, which they must never starve. */
const BACKGROUND_WEIGHT_SHARE = 0.6;

/** The share of the exchange's weight that a run may take. */
export function weightShareOf({ weightLimit }: Pick<Settings, "weightLimit">, isBackground: boolean): number {
  return isBackground ? Math.min(BACKGROUND_WEIGHT_SHARE, weightLimit) : weightLimit;
}

/** `share`: of the weight that the exchange allows an address. `signal` ends the requests. */
type Weighing = {
  readonly settings: Pick<Settings, "exchangeUrl" | "egressKey">;
  readonly share: number;
  readonly signal: AbortSignal;
};

/** The exchange, whose requests take their weight from the budget in `db` that all processes behind this address share. */
export function createWeighedExchange(
  { deadlineS, log }: Pick<Context, "deadlineS" | "log">,
  db: Database,
  { settings, share, signal }: Weighing,
): Exchange {
  const budget = openBudget(db, settings.egressKey);
  return createBinance({
    url: settings.exchangeUrl,
    createLimiter: (now) => createLimiter({ budget, limitPerMinute: share * WEIGHT_PER_MINUTE, now, signal }),
    timeoutMs: requestTimeoutMs(deadlineS),
    signal,
    onRetry: (failure, attempt) => log.debug({ "event.name": "request_retried", attempt }, failure.message),
    onLeftOut: (path, { leftOut, examples }) =>
      log.warn(
        { "event.name": "entries_left_out", path, left_out: leftOut, examples },
        `[RUN] ${leftOut} entries of ${path} cannot be right and are left out, among them ${examples.map((each) => JSON.stringify(each)).join(", ")}`,
      ),
  });
}

/** Four tries, the waits between them and the start must fit into a deadline, so a short one means short requests. */
function requestTimeoutMs(deadlineS: number | null): number {
  if (deadlineS === null) return LONGEST_REQUEST_MS;
  return Math.min(LONGEST_REQUEST_MS, Math.max(SHORTEST_REQUEST_MS, (deadlineS * 1000 - WAITS_MS) / 4));
}
