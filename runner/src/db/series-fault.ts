import type { FirstEvidence } from "../candle/first-candle.ts";
import type { Interval } from "../contract/intervals.ts";

/** A timestamptz as the driver gives it; a number stands for plus or minus infinity. */
export type StoredTime = Date | number | null;

/** Epoch ms; NaN for infinity and for years that a Date cannot hold. Only a person can have written these. */
export function storedMs(time: StoredTime): number | null {
  if (time === null) return null;
  return time instanceof Date ? time.getTime() : Number.NaN;
}

type FaultySeries = {
  readonly coinId: number;
  readonly symbol: string;
  readonly interval: Interval;
  readonly coveredFrom: StoredTime;
};
type FaultyGap = {
  readonly id: string;
  readonly fromTs: StoredTime;
  readonly toTs: StoredTime;
  readonly nextCheckAt: StoredTime;
};

/** Why a series cannot be worked on, with the statement that mends it; null where its rows can be read. */
export function faultOfSeries(series: FaultySeries, gaps: readonly FaultyGap[]): string | null {
  const { coinId, symbol, interval } = series;
  // the next sync cuts back a covered span that ends after now, however far it goes
  if (isUnreadable(series.coveredFrom))
    return `the covered span of ${symbol} ${interval} in r3a.series is no time that a candle can have (a person wrote it): update r3a.series set covered_from = null, covered_to = null where coin_id = ${coinId} and "interval" = '${interval}'; the next sync then asks for everything again and keeps what is stored`;
  return faultOfGaps(series, gaps);
}

/** The same for the gaps of a series. */
export function faultOfGaps(
  { symbol, interval }: { readonly symbol: string; readonly interval: Interval },
  gaps: readonly FaultyGap[],
): string | null {
  const gap = gaps.find((each) => [each.fromTs, each.toTs, each.nextCheckAt].some(isUnreadable));
  return gap === undefined
    ? null
    : `a gap of ${symbol} ${interval} in r3a.ohlcv_gap_log has a time that no candle can have (a person wrote it): look at the row with id = '${gap.id}', and delete it or set its times; verify then says what is missing`;
}

function isUnreadable(time: StoredTime): boolean {
  return Number.isNaN(storedMs(time));
}

/** The evidence, where this program wrote it; null for anything else, so that the exchange is asked again. */
export function parseFirstEvidence(stored: unknown): FirstEvidence | null {
  if (typeof stored !== "object" || stored === null) return null;
  const { askedAt, since, exchange, refuted }: Partial<Record<keyof FirstEvidence, unknown>> = stored;
  if (!isTime(askedAt) || !isTime(since) || typeof exchange !== "string" || !Array.isArray(refuted))
    return null;
  return { askedAt, since, exchange, refuted: refuted.filter(isTime) };
}

function isTime(value: unknown): value is number {
  return Number.isSafeInteger(value);
}
