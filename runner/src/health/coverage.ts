import { slotOf } from "../candle/interval.ts";
import { type Interval, WIDTH_MS } from "../contract/intervals.ts";
import type { ExpectedSymbol } from "../db/scan.ts";
import { renderTime } from "../time.ts";
import { type AgeBounds, FUTURE_MS, isActive, nothingExpected, type ScanFacts } from "./freshness.ts";
import { type CheckResult, resultOf } from "./report.ts";

/**
 * How many of the expected symbols are up to date, each by its own newest close. The check of freshness takes the newest
 * close of all symbols, so it sees nothing of 59 stale symbols beside one fresh symbol. A symbol that is no longer traded
 * is excluded, with a warning. A symbol that was ranked or listed a short time ago is not expected before its first run.
 */
export function judgeCoverage(interval: Interval, facts: ScanFacts, { limits, now }: AgeBounds): CheckResult {
  const newestOf = new Map(
    facts.series.flatMap((one) => (one.interval === interval ? [[one.symbol, one.newestClose]] : [])),
  );
  const isFresh = ({ symbol }: ExpectedSymbol) => {
    const newest = newestOf.get(symbol) ?? Number.NEGATIVE_INFINITY;
    return newest > now - limits.error && newest <= now + FUTURE_MS;
  };
  const isNew = ({ enteredAt, firstCandle }: ExpectedSymbol) => {
    const firstClose = firstCandle === null ? null : slotOf(interval, firstCandle) + WIDTH_MS[interval];
    return Math.max(enteredAt ?? 0, firstClose ?? 0) > now - limits.error;
  };
  const active = facts.expected.filter(isActive);
  const excluded = facts.expected.filter((one) => !isActive(one));
  const fresh = active.filter(isFresh);
  const young = active.filter((one) => !isFresh(one) && isNew(one));
  const missing = active.filter((one) => !isFresh(one) && !isNew(one));
  const expected = fresh.length + missing.length;
  const result = (finding: Parameters<typeof resultOf>[2]) =>
    resultOf("coverage", interval, {
      observed: fresh.length,
      unit: "symbols",
      criteria: { expected, seconds: limits.error / 1000 },
      ...finding,
    });
  if (active.length === 0) return result({ status: "fail", output: nothingExpected(facts) });
  const aside = [
    ...(young.length === 0 ? [] : [`${young.length} new`]),
    ...(excluded.length === 0 ? [] : [`${excluded.length} not traded`]),
  ];
  const count = `${fresh.length} of ${expected} symbols are up to date${aside.map((text) => `, ${text}`).join("")}`;
  // if all symbols are new, nothing proves that syncs work
  if (missing.length > 0 || fresh.length === 0) {
    const names = (missing.length > 0 ? missing : young).map(({ symbol }) => {
      const newest = newestOf.get(symbol) ?? null;
      return newest === null ? `${symbol} (nothing stored)` : `${symbol} (${renderTime(newest)})`;
    });
    return result({ status: "fail", output: count, names });
  }
  return result({
    status: excluded.length > 0 ? "warn" : "pass",
    output: count,
    names: excluded.map(({ symbol, status, closedAt }) =>
      closedAt === null ? `${symbol} (${status})` : `${symbol} (${status} since ${renderTime(closedAt)})`,
    ),
  });
}
