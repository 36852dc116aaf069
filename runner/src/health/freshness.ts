import type { Interval } from "../contract/intervals.ts";
import type { ExpectedSymbol, SeriesScan } from "../db/scan.ts";
import type { AgeLimits } from "../settings/parsers.ts";
import { renderDuration, renderTime } from "../time.ts";
import { type CheckResult, resultOf } from "./report.ts";

/** A close this far ahead of now is a skewed clock or a bad row, and its age would hide that nothing is fresh. */
export const FUTURE_MS = 120_000;

/** What sync keeps (`expected`), and where each series stands (`series`, of one interval or of all). */
export type ScanFacts = {
  readonly expected: readonly ExpectedSymbol[];
  readonly series: readonly SeriesScan[];
};

/**
 * Age of the newest closed candle over all active symbols of the interval, by its close: by its open a healthy 1d is 24
 * to 48 h old.
 */
export function judgeFreshness(
  interval: Interval,
  facts: ScanFacts,
  limits: AgeLimits,
  now: number,
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

/** The exchange lets it be traded; a symbol that the database does not know yet is expected to come. */
export function isActive({ status }: ExpectedSymbol): boolean {
  return status === "TRADING" || status === null;
}

/** Why there is nothing that could be fresh. */
export function nothingExpected({ expected }: ScanFacts): string {
  return expected.length === 0
    ? "no symbol is expected: nothing was ranked yet (run sync, or set SYMBOLS)"
    : `none of ${expected.length} symbols is traded any more`;
}
