import { againCommand } from "../again-command.ts";
import { GAP_OVERDUE_MS } from "../candle/gap-due.ts";
import type { ChecksumFailures, RecentCandles } from "../db/health/integrity.ts";
import type { SeriesScan } from "../db/scan.ts";
import { describeLoading, type Loading } from "../db/schema/restore-gate.ts";
import { renderCount, renderNumber, renderUnasked } from "../render.ts";
import { renderDuration } from "../time.ts";
import { type CheckResult, judgeNames, RUNBOOK_JOBS, resultOf } from "./report.ts";

/** The parts of the light integrity check. The audit does the deep check of every page and every candle. */
export const WINDOW_PARTS = ["candles", "alignment", "slots", "last-timestamps"] as const;

/** The check reads this number of the newest candles of each series: 4 h of 1m, 40 d of 4h. */
export const WINDOW_CANDLES = 240;

function judgeFaults(
  part: string,
  faults: readonly string[],
  sentences: { readonly good: string; readonly bad: string },
): CheckResult {
  return judgeNames("integrity", part, { names: faults, unit: "faults", ...sentences });
}

/** `loading`: how far a restore of the whole database is; null where none is under way. */
export function judgePending(pending: readonly string[], loading: Loading | null): CheckResult {
  const result = judgeFaults("schema", pending, {
    good: "every migration is applied",
    bad: "the database lacks migrations: run migrate",
  });
  if (loading === null || (pending.length > 0 && !loading.isGated))
    return { ...result, runbook: RUNBOOK_JOBS };
  const status = loading.isGated ? "fail" : "warn";
  return { ...result, status, output: describeLoading(loading), names: [], runbook: RUNBOOK_JOBS };
}

export function judgeIndexes(faults: readonly string[]): CheckResult {
  return judgeFaults("indexes", faults, {
    good: "every leaf has its primary key and indexes, all valid",
    bad: "indexes are invalid or missing: maint builds the indexes of the suite, and each other index has its statement beside it",
  });
}

export function judgeConstraints(faults: readonly string[]): CheckResult {
  return judgeFaults("constraints", faults, {
    good: "every table has its keys, and every constraint is validated",
    bad: "keys are missing, or constraints hold for new rows only: run the statement beside each as the owner",
  });
}

/** The results of WINDOW_PARTS, all from one read of the newest candles of each series. */
export function judgeWindow(series: readonly RecentCandles[]): readonly CheckResult[] {
  const candles = renderNumber(series.reduce((sum, one) => sum + one.candles, 0));
  const where = `in the newest ${candles} candles of ${series.length} series`;
  const list = (describe: (one: RecentCandles) => string | null) =>
    series.flatMap((one) => {
      const fault = describe(one);
      return fault === null ? [] : [`${one.symbol} ${one.interval}: ${fault}`];
    });
  const broken = list((one) => {
    const faults = [
      ...(one.broken > 0 ? [`${one.broken} with impossible values`] : []),
      ...(one.future > 0 ? [`${one.future} that close in the future`] : []),
    ];
    return faults.length > 0 ? faults.join(", ") : null;
  });
  const misaligned = list(({ misaligned }) => (misaligned > 0 ? `${misaligned} off their slot` : null));
  const slots = list((one) => {
    if (one.unaccounted === 0) return null;
    const what =
      one.unaccounted > 0
        ? `${one.unaccounted} missing and not in the gap log`
        : `${-one.unaccounted} in the gap log and stored`;
    // the span is the whole window, which one request reaches; verify names the slots
    return one.from < one.to ? `${what} (${againCommand(one)})` : what;
  });
  const lastTs = list(({ lastTsDiffers }) =>
    lastTsDiffers ? "last timestamp is not the newest candle" : null,
  );
  return [
    judgeFaults("candles", broken, {
      good: `values that a candle can have ${where}`,
      bad: "candles are broken: run verify, which says what to do",
    }),
    judgeFaults("alignment", misaligned, {
      good: `each lies on its slot ${where}`,
      bad: "candles lie off their slots",
    }),
    judgeFaults("slots", slots, {
      good: `every slot is stored or in the gap log ${where}`,
      bad: "slots are unaccounted for: run the backfill beside each, and verify for those before",
    }),
    judgeFaults("last-timestamps", lastTs, {
      good: `the last timestamps are right ${where}`,
      bad: "last timestamps are wrong: run refresh-lastts",
    }),
  ];
}

/**
 * Open gaps are a warning, because the repair job works on them. A gap that is overdue is a failure. A gap that nobody
 * asked for is neither: a person decides whether to ask.
 */
export function judgeGaps(series: readonly SeriesScan[], now: number): CheckResult {
  const withGaps = series.filter(({ gaps }) => gaps > 0);
  const overdue = withGaps.filter(({ dueSince }) => dueSince !== null && dueSince < now - GAP_OVERDUE_MS);
  const count = withGaps.reduce((sum, { gaps }) => sum + gaps, 0);
  const sum = (count: (one: SeriesScan) => number) => series.reduce((total, one) => total + count(one), 0);
  const unasked = {
    notRequested: sum(({ notRequested }) => notRequested),
    inBackup: sum(({ inBackup }) => inBackup),
  };
  const gaps = renderCount(count, "open gap");
  const oldest = Math.max(0, ...overdue.map(({ dueSince }) => now - (dueSince ?? now)));
  return resultOf("integrity", "gaps", {
    status: overdue.length > 0 ? "fail" : count > 0 ? "warn" : "pass",
    observed: count,
    unit: "gaps",
    // a gap that is not overdue is no damage
    ...(overdue.length === 0 && count > 0 ? { runbook: RUNBOOK_JOBS } : {}),
    criteria: { warn: 1, overdueSeconds: GAP_OVERDUE_MS / 1000, ...unasked },
    output: `${
      overdue.length > 0
        ? `${gaps}, the oldest due for ${renderDuration(oldest)}: run gaps --repair, and see why its job does not`
        : count > 0
          ? `${gaps}, which gaps --repair asks for again at ${count === 1 ? "its" : "their"} time`
          : "no gap is open"
    }${renderUnasked(unasked)
      .map((line) => `; ${line}`)
      .join("")}`,
    names: (overdue.length > 0 ? overdue : withGaps).map(
      ({ symbol, interval, gaps }) => `${symbol} ${interval}: ${gaps}`,
    ),
  });
}

/** Null: the server computes no checksums. The result must not say "0 failures" then. */
export function judgeChecksums(found: ChecksumFailures | null): CheckResult {
  const base = { observed: found?.failures ?? null, unit: "pages", criteria: { fail: 1 } } as const;
  if (found === null)
    return resultOf("integrity", "checksums", {
      ...base,
      status: "warn",
      output: "data checksums are off: a page that the disk damaged is not noticed (pg_checksums --enable)",
    });
  const { failures, isMended } = found;
  const isDamaged = failures > 0 && !isMended;
  return resultOf("integrity", "checksums", {
    ...base,
    status: isDamaged ? "fail" : "pass",
    output: isDamaged
      ? "pages do not match their checksums: stop writing, and run scrub, which says where"
      : isMended
        ? "every page that was read since a damaged leaf was restored matches its checksum; have the disk checked"
        : "every page that was read matches its checksum",
  });
}
