import type { Interval } from "../contract/intervals.ts";
import type { DatabaseSize, RecordCount } from "../db/health/size.ts";
import { renderNumber } from "../render.ts";
import { DAY_MS } from "../time.ts";
import { type CheckResult, resultOf } from "./report.ts";

const MB = 1_000_000;
const GB = 1_000_000_000;
const [WARN_SHARE, FAIL_SHARE] = [0.7, 0.85];

/** The team's lower bounds for its sixty symbols. An empty database has 8 MB. Four candles are one day of syncs. */
const EXPECTED = { symbols: 60, bytes: 10 * MB, candlesPerSeries: 4 } as const;

/** Compares the size with the budget: the size of now, and the size in 30 days at the past growth. Without a budget only the lower bound counts. */
export function judgeSize(
  { bytes, symbols, past }: DatabaseSize,
  budgetGb: number | null,
  now: number,
): CheckResult {
  const isLarge = symbols >= EXPECTED.symbols;
  const budget = budgetGb === null ? null : budgetGb * GB;
  const criteria = {
    ...(isLarge ? { min: EXPECTED.bytes } : {}),
    ...(budget === null ? {} : { warn: WARN_SHARE * budget, fail: FAIL_SHARE * budget, budget }),
  };
  const result = (finding: Parameters<typeof resultOf>[2]) =>
    resultOf("size", "database", { observed: bytes, unit: "bytes", criteria, ...finding });
  if (isLarge && bytes < EXPECTED.bytes) {
    const output = `${renderBytes(bytes)} for ${symbols} symbols: less than the ${renderBytes(EXPECTED.bytes)} that they take; candles are gone`;
    return result({ status: "fail", output });
  }
  if (budget === null)
    return result({ status: "pass", output: `${renderBytes(bytes)}; no budget is set (DB_SIZE_BUDGET_GB)` });
  const share = `${renderBytes(bytes)} of ${renderBytes(budget)} (${Math.round((100 * bytes) / budget)} %)`;
  if (bytes > FAIL_SHARE * budget)
    return result({ status: "fail", output: `${share}: make room or raise the budget` });
  const inMonth =
    past === null ? bytes : bytes + ((bytes - past.bytes) / Math.max(DAY_MS, now - past.at)) * 30 * DAY_MS;
  if (inMonth > budget)
    return result({ status: "warn", output: `${share}; at this pace over it in 30 days` });
  return result({ status: bytes >= WARN_SHARE * budget ? "warn" : "pass", output: share });
}

/** The number of candles of each interval by the server's statistics. If the number is much too low, candles were deleted. */
export function judgeRecords(
  counts: readonly RecordCount[],
  intervals: readonly Interval[],
): readonly CheckResult[] {
  return intervals.flatMap((interval) => {
    const own = counts.find((count) => count.interval === interval);
    if (own === undefined) return [];
    const sharing = counts.filter(({ parent }) => parent === own.parent);
    const slots = sharing.reduce((sum, count) => sum + count.slots, 0);
    // 4h and 1d share their leaves: each gets its share by the slots that it covers
    const observed = slots === 0 ? 0 : Math.round((own.parentCandles * own.slots) / slots);
    const min = own.series * EXPECTED.candlesPerSeries;
    const isFew = observed < Math.min(min, own.slots);
    const found = `about ${renderNumber(observed)} candles in ${own.series} series`;
    return resultOf("size", interval, {
      status: isFew ? "warn" : "pass",
      observed,
      unit: "candles",
      criteria: { min },
      output: isFew ? `${found}: too few; run vacuum for new statistics, then verify` : found,
    });
  });
}

function renderBytes(bytes: number): string {
  return bytes < GB ? `${(bytes / MB).toFixed(1)} MB` : `${(bytes / GB).toFixed(1)} GB`;
}
