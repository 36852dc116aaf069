import type { Interval } from "../contract/intervals.ts";
import type { ExpectedSymbol, SeriesScan } from "../db/scan.ts";
import { describeLoading, type Loading } from "../db/schema/restore-gate.ts";
import type { AgeLimits } from "../settings/parsers.ts";
import { renderDuration, renderTime } from "../time.ts";
import { type CheckResult, resultOf } from "./report.ts";

/** A close farther ahead than this comes from a wrong clock or a bad row, and would hide that all other candles are old. */
export const FUTURE_MS = 120_000;

/**
 * `expected`: the symbols that sync keeps. `series`: the state of each series, of one interval or of all. `loading`: a
 * restore, by which a database may expect no symbol yet.
 */
export type ScanFacts = {
  readonly loading?: Loading | null;
  readonly expected: readonly ExpectedSymbol[];
  readonly series: readonly SeriesScan[];
};

/** The limits of an interval, for ages that count up to `now` (ms). */
export type AgeBounds = { readonly limits: AgeLimits; readonly now: number };

/**
 * The age of the newest closed candle of all active symbols of the interval. The age counts from the close: counted from
 * the open, a healthy 1d candle is 24 to 48 h old.
 */
export function judgeFreshness(
  interval: Interval,
  facts: ScanFacts,
  { limits, now }: AgeBounds,
): CheckResult {
  const criteria = { warn: limits.warn / 1000, fail: limits.error / 1000 };
  const result = (finding: Parameters<typeof resultOf>[2]) =>
    resultOf("freshness", interval, { unit: "s", criteria, ...finding });
  const active = new Set(facts.expected.filter(isActive).map(({ symbol }) => symbol));
  if (active.size === 0) return result({ status: "fail", output: nothingExpected(facts) });
  const series = facts.series.filter((one) => one.interval === interval && active.has(one.symbol));
  const newest = Math.max(...series.map(({ newestClose }) => newestClose ?? Number.NEGATIVE_INFINITY));
  if (newest === Number.NEGATIVE_INFINITY) {
    const output = `no candle of any of ${active.size} active symbols is stored`;
    return result({ status: "fail", output });
  }
  const observed = Math.round((now - newest) / 1000);
  if (newest > now + FUTURE_MS) {
    const names = series.flatMap(({ symbol, newestClose }) =>
      newestClose !== null && newestClose > now + FUTURE_MS ? [symbol] : [],
    );
    const output = `the newest candle closes ${renderDuration(newest - now)} from now (${renderTime(newest)}): a wrong clock or a bad row`;
    return result({ status: "fail", observed, at: newest, output, names });
  }
  const age = Math.max(0, now - newest);
  const status = age >= limits.error ? "fail" : age >= limits.warn ? "warn" : "pass";
  const output = `the newest candle closed ${renderDuration(age)} ago (${renderTime(newest)})`;
  return result({ status, observed: Math.max(0, observed), at: newest, output });
}

/** The symbol is traded. A symbol that the database does not know yet counts as traded. */
export function isActive({ status }: ExpectedSymbol): boolean {
  return status === "TRADING" || status === null;
}

/** The reason why no candle can be fresh. */
export function nothingExpected({ expected, loading }: ScanFacts): string {
  if (expected.length === 0 && loading) return `no symbol is expected yet: ${describeLoading(loading)}`;
  return expected.length === 0
    ? "no symbol is expected: nothing was ranked yet (run a sync without --top and --symbols, such as sync 1h, or set SYMBOLS)"
    : `none of ${expected.length} symbols is traded any more`;
}
