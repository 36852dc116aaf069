import { FARTHEST_MS } from "../contract/limits.ts";
import type { Database } from "../db/connect.ts";
import {
  type BudgetRow,
  listBudgets,
  readOrigin,
  readSource,
  type StoredSource,
} from "../db/doctor/stored.ts";
import { addressOf } from "../db/origin.ts";
import { messageOf, SettingsFault } from "../errors.ts";
import { createBinance } from "../exchange/binance.ts";
import { type ClockReading, type Origin, WEIGHT_PER_MINUTE } from "../exchange/exchange.ts";
import { ExchangeFailure } from "../exchange/failure.ts";
import type { Limiter } from "../exchange/limiter.ts";
import { renderNumber } from "../render.ts";
import type { Settings } from "../settings/table.ts";
import { renderDuration, renderTime } from "../time.ts";
import { type Check, type Finding, fail, listSome, pass, skip, warn } from "./check.ts";
import type { OnSchema } from "./schema-lack.ts";
import { judgeClock } from "./server.ts";

/** The exchange's clock decides which candle is closed. This machine's clock only dates logs and waits. */
const CLOCK_MS = { warn: 5_000, fail: 60_000 };
const REQUEST_MS = 3_000;
const LIFT =
  "update r3a.api_budget set minute = '-infinity', used = 0, used_late = 0, hold_until = '-infinity', firewall_until = '-infinity', banned_until = '-infinity' where egress_key = 'KEY'";
/** No attempt starts after this time, so that the check can report the fault within its own time limit. */
const LAST_TRY_MS = 1_500;

/** The answer to one request: the clock of the exchange, which exchange it is, and its count of the weight of this minute. */
export type Answer = ClockReading & { readonly used: number | null };

type ExchangeSettings = Pick<Settings, "exchangeUrl" | "egressKey">;

/**
 * The checks of the exchange: does it answer, does it or the shared budget stop this address, and did it fill the database?
 * `settings` null: the settings cannot be read.
 */
export function exchangeChecks(
  db: Database,
  onSchema: OnSchema,
  settings: ExchangeSettings | null,
): readonly Check[] {
  let stop: string | null = null;
  let answer: Answer | null = null;
  const known = (): Answer => {
    if (answer === null) throw new Error("the exchange was not asked");
    return answer;
  };
  return [
    onSchema("budget", async (signal) => {
      const rows = await listBudgets(db, signal);
      const own = rows.find(({ egressKey }) => egressKey === settings?.egressKey);
      stop = own === undefined ? null : stopOf(own, Date.now());
      return judgeBudgets(rows, Date.now());
    }),
    {
      name: "exchange",
      needs: [],
      // a request during a ban makes the ban longer. Without the database no ban is known, and one request is a small risk
      after: ["budget"],
      look: async (signal) => {
        if (settings === null) return skip("needs EXCHANGE_URL and EGRESS_KEY, see settings");
        if (stop !== null) return skip(`not asked, since this address is ${stop}: see budget`);
        try {
          answer = await askExchange(settings.exchangeUrl, signal);
        } catch (error) {
          signal.throwIfAborted();
          return judgeRefusal(settings.exchangeUrl, error);
        }
        const used =
          answer.used === null
            ? ""
            : `, ${renderNumber(answer.used)} of ${renderNumber(WEIGHT_PER_MINUTE)} weight used in this minute by its own count`;
        return pass(`${settings.exchangeUrl} answers as ${answer.origin}${used}`);
      },
    },
    {
      name: "clock-exchange",
      needs: ["exchange"],
      look: async () => judgeClock(known().aheadMs, "the exchange's", CLOCK_MS),
    },
    {
      ...onSchema("origin", async (signal) => {
        const origin = await readOrigin(db, signal);
        const stored = judgeOrigin(origin, known().origin);
        if (origin === null || stored.status !== "pass" || settings === null) return stored;
        // the simulated exchange names itself, and has another port at each start
        if (known().origin === "simulated") return stored;
        const address = addressOf(settings.exchangeUrl);
        return judgeSource(stored, address, await readSource(db, address, signal));
      }),
      needs: ["database", "exchange"],
    },
  ];
}

/** Asks for the time by one request of weight 1. The request does not wait for the budget: doctor must answer at once. */
async function askExchange(url: string, signal: AbortSignal): Promise<Answer> {
  const startedAt = performance.now();
  const isOver = new AbortController();
  let used: number | null = null;
  const limiter: Limiter = {
    acquire: async () => {},
    observe: (count) => {
      used = count;
    },
    punish: async () => {},
  };
  const exchange = createBinance({
    url,
    createLimiter: () => limiter,
    timeoutMs: REQUEST_MS,
    signal: AbortSignal.any([signal, isOver.signal]),
    onRetry: (failure) => {
      if (performance.now() - startedAt > LAST_TRY_MS) isOver.abort(failure);
    },
  });
  return { ...(await exchange.compareClock()), used };
}

function judgeRefusal(url: string, error: unknown): Finding {
  const cause = error instanceof Error && error.cause instanceof ExchangeFailure ? error.cause : error;
  const kind = cause instanceof ExchangeFailure ? cause.kind : null;
  if (kind === "certificate")
    return fail(
      messageOf(cause),
      "correct EXCHANGE_URL, set this machine's clock, or give the certificate of your own proxy by NODE_EXTRA_CA_CERTS",
    );
  if (error instanceof SettingsFault)
    return fail(
      error.faults.join("; "),
      "run from a region that it serves, or set EXCHANGE_URL to a mirror that you may use",
    );
  if (kind === "banned" || kind === "held" || kind === "rate-limit")
    return fail(
      `${url}: ${messageOf(cause)}`,
      "wait, and stop every job behind this address meanwhile (suspendAll): each request makes it longer",
    );
  return fail(
    `${url} does not answer as it should: ${messageOf(error)}`,
    "is EXCHANGE_URL right, and does the network allow the connection (setting exchangeCidr)? The exchange's own status page tells of outages",
  );
}

/** The hold or ban of an address, in words. Null without a hold or ban. */
function stopOf({ bannedMs, firewallMs, holdMs }: BudgetRow, now: number): string | null {
  const until = (ms: number) =>
    `for ${renderDuration(ms)}, until ${renderTime(Math.round((now + ms) / 1000) * 1000)}`;
  if (bannedMs > 0) return `banned (418) ${until(bannedMs)}`;
  if (firewallMs > 0) return `held by the web firewall (403) ${until(firewallMs)}`;
  return holdMs > 0 ? `held (429) ${until(holdMs)}` : null;
}

/** Times that no exchange can mean. The next job corrects them; a person can correct them earlier. */
function listImpossible(row: BudgetRow): readonly string[] {
  const times = [
    ["minute", row.minuteAheadMs, FARTHEST_MS.clock],
    ["banned_until", row.bannedMs, FARTHEST_MS.ban],
    ["firewall_until", row.firewallMs, FARTHEST_MS.hold],
    ["hold_until", row.holdMs, FARTHEST_MS.hold],
  ] as const;
  return times.flatMap(([column, ms, most]) =>
    ms > most
      ? [
          `${column} of ${row.egressKey} lies ${renderDuration(ms)} ahead, and ${renderDuration(most)} is the most that can be`,
        ]
      : [],
  );
}

export function judgeBudgets(rows: readonly BudgetRow[], now: number): Finding {
  const granted = rows.map(
    (row) => `${row.egressKey}: ${renderNumber(row.used)} weight granted in this minute`,
  );
  const stopped = rows.flatMap((row) => {
    const stop = stopOf(row, now);
    return stop === null ? [] : [`the address of ${row.egressKey} is ${stop}`];
  });
  const impossible = rows.flatMap(listImpossible);
  if (impossible.length > 0)
    return fail(
      listSome([...impossible, ...stopped]),
      `the next job corrects it. To lift it at once: ${LIFT}`,
    );
  if (stopped.length === 0) return pass(listSome(granted) || "no weight was taken yet");
  const remedy = `wait: no job sends until then. Lower WEIGHT_LIMIT, and look for others that ask behind the same address. Lift it only if you know that it is wrong: ${LIFT}`;
  const isShort = rows.every(({ bannedMs, firewallMs }) => bannedMs <= 0 && firewallMs <= 0);
  return isShort ? warn(listSome(stopped), remedy) : fail(listSome(stopped), remedy);
}

export function judgeOrigin(stored: string | null, answering: Origin): Finding {
  if (stored === null)
    return pass(`no candle is stored yet; the first sync makes this a database of ${answering}`);
  if (stored === answering) return pass(`the database was filled from ${stored}, which answers`);
  return fail(
    `the database was filled from ${stored}, and EXCHANGE_URL answers as ${answering}`,
    "set EXCHANGE_URL or DB_URL so that both are of one exchange: each needs a database of its own",
  );
}

/** Two exchanges with the same API both answer as binance: only their candles differ. */
function judgeSource(stored: Finding, address: string, source: StoredSource | null): Finding {
  if (source?.reason != null)
    return pass(
      `${stored.output}; ${source.compared - source.equal} of ${source.compared} stored candles differed at ${address}, and a person took them: ${source.reason}`,
    );
  if (source?.isCompared)
    return pass(
      `${stored.output}; ${source.equal} of ${source.compared} stored candles were equal there when ${address} was new`,
    );
  if (source?.isOnly) return pass(`${stored.output}; ${address} is the only address that candles came from`);
  return warn(
    `${stored.output}, but its candles have not been compared with the stored ones at ${address}`,
    "nothing: the next run that fetches candles compares them, and refuses another exchange with 78",
  );
}
