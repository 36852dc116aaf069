import { pageMs, parsePage } from "../candle/page.ts";
import {
  judgeLikeness,
  LEAST_SYMBOLS,
  type Likeness,
  type Sample,
  type Shown,
} from "../candle/same-exchange.ts";
import type { Context } from "../context.ts";
import { INTERVALS, type Interval, WIDTH_MS } from "../contract/intervals.ts";
import type { Database } from "../db/connect.ts";
import { listAddresses, listSamples, recordSource } from "../db/exchange-source.ts";
import { SettingsFault } from "../errors.ts";
import type { Exchange, Origin } from "../exchange/exchange.ts";
import { ExchangeFailure } from "../exchange/failure.ts";
import { DAY_MS, renderTime } from "../time.ts";

/** An exchange at an address that this database does not know. */
export type NewAddress = {
  readonly context: Pick<Context, "log" | "runId">;
  readonly db: Database;
  readonly exchange: Exchange;
  readonly url: string;
  readonly address: string;
  readonly origin: Origin;
  readonly isReadOnly: boolean;
  readonly acceptExchange: string | null;
};

/**
 * Compares what is stored with what a new address shows, and notes the address with the result, unless `isReadOnly`.
 * Throws SettingsFault where it is another exchange and no person gave a reason to take its candles all the same.
 */
export async function confirmExchange(asked: NewAddress): Promise<void> {
  const { context, db, exchange, url, address, origin, isReadOnly, acceptExchange } = asked;
  const likeness = await compareWithStored(db, exchange);
  const { compared, equal, isSame } = likeness;
  if (!isSame && acceptExchange === null) throw await describeOther(db, url, likeness);
  const result = `${equal} of ${compared} stored candles are equal at ${url}, which is new to this database`;
  if (isSame) context.log.info({ "event.name": "exchange_compared", compared, equal }, `[RUN] ${result}`);
  else
    context.log.warn(
      { "event.name": "exchange_accepted", compared, equal, reason: acceptExchange },
      `[RUN] ${result}; its candles are taken, since a person said: ${acceptExchange}`,
    );
  if (isReadOnly) return;
  const acceptedReason = isSame ? null : acceptExchange;
  await recordSource(db, {
    address,
    exchange: origin,
    compared,
    equal,
    acceptedReason,
    runId: context.runId,
  });
}

/** So many candles of so many symbols say which exchange it is; one request a symbol and interval brings them. */
const ENOUGH_CANDLES = 20;
const SAMPLE = { coins: 5, candles: 20 };
/** Older candles do not change any more; younger ones count where there are no others. */
const SETTLED_MS = 7 * DAY_MS;
const CLOSED_MS = 600_000;

/** Compares stored candles with what the exchange shows for their times. Nothing stored: 0 compared, the same. */
async function compareWithStored(db: Database, exchange: Exchange): Promise<Likeness> {
  const samples = await chooseSamples(db, exchange.now());
  const series = Map.groupBy(samples, ({ symbol, interval }) => `${symbol}:${interval}`);
  const shown = await Promise.all([...series.values()].map((own) => showAgain(exchange, own)));
  const answered = shown.flatMap((own) => own ?? []);
  const known = new Set(answered.map(({ sample }) => sample));
  return judgeLikeness(
    answered,
    samples.filter((sample) => !known.has(sample)),
  );
}

/** Coarse and old candles first: few of them span much time, and they are settled. */
async function chooseSamples(db: Database, now: number): Promise<readonly Sample[]> {
  const chosen = new Map<string, Sample>();
  for (const age of [SETTLED_MS, CLOSED_MS]) {
    for (const interval of INTERVALS.toReversed()) {
      if (chosen.size >= ENOUGH_CANDLES) break;
      const before = now - age - WIDTH_MS[interval];
      for (const sample of ofOnePage(interval, await listSamples(db, interval, { before, ...SAMPLE })))
        chosen.set(`${sample.symbol}:${interval}:${sample.openTime}`, sample);
    }
  }
  return [...chosen.values()];
}

/** The samples of each symbol that one request can show: behind a long gap the next stored candle is years away. */
function ofOnePage(interval: Interval, samples: readonly Sample[]): readonly Sample[] {
  const newest = new Map<string, number>();
  for (const { symbol, openTime } of samples)
    newest.set(symbol, Math.max(openTime, newest.get(symbol) ?? openTime));
  return samples.filter(({ symbol, openTime }) => openTime > (newest.get(symbol) ?? 0) - pageMs(interval));
}

/** The samples of one series beside what the exchange has at their times; null where it does not know the symbol. */
async function showAgain(exchange: Exchange, samples: readonly Sample[]): Promise<readonly Shown[] | null> {
  const [first] = samples;
  if (first === undefined) return [];
  const { symbol, interval } = first;
  const times = samples.map(({ openTime }) => openTime);
  const span = { from: Math.min(...times), to: Math.max(...times) + 1 };
  try {
    const rows = await exchange.fetchRows(symbol, interval, span);
    const { candles } = parsePage(interval, span, rows, exchange.now());
    const candleAt = new Map(candles.map((candle) => [candle.openTime, candle]));
    return samples.map((sample) => ({ sample, candle: candleAt.get(sample.openTime) ?? null }));
  } catch (error) {
    if (error instanceof ExchangeFailure && error.kind === "bad-symbol") return null;
    throw error;
  }
}

/** What a person must know of an exchange whose candles are not the stored ones. */
async function describeOther(db: Database, url: string, likeness: Likeness): Promise<SettingsFault> {
  const { compared, equal, different } = likeness;
  const before = await listAddresses(db);
  const known = before.length === 0 ? "" : ` (candles came from ${before.join(", ")} so far)`;
  return new SettingsFault([
    `EXCHANGE_URL ${url} is not the exchange that filled this database${known}: ${equal} of ${compared} stored candles are equal there, and 90 % must be, of at least ${LEAST_SYMBOLS} symbols where so many are stored; ${different.map(renderShown).join("; ")}. Set EXCHANGE_URL to the exchange of this database, or use a database of its own. Where a person knows why they differ: once --accept-exchange "REASON"`,
  ]);
}

function renderShown({ sample, candle }: Shown): string {
  const shown = candle === null ? "nothing" : renderValues(candle);
  return `${sample.symbol} ${sample.interval} ${renderTime(sample.openTime)} is stored as ${renderValues(sample)} and shown as ${shown}`;
}

function renderValues(of: Pick<Sample, "open" | "high" | "low" | "close" | "volume">): string {
  return `${[of.open, of.high, of.low, of.close].map(Number).join("/")} volume ${Number(of.volume)}`;
}
