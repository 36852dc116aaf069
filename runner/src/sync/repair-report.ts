import type { Context } from "../context.ts";
import { WIDTH_MS } from "../contract/intervals.ts";
import type { ListedGap, LogState } from "../db/gap-list.ts";
import {
  renderCount,
  renderNothing,
  renderNumber,
  renderOpenGaps,
  renderUnasked,
  wrapLine,
} from "../render.ts";
import { streamResult } from "../result.ts";
import { renderSecond, renderShortTime, renderTime } from "../time.ts";
import { type AskedGap, GAP_RESULTS, type GapResult } from "./asked-gaps.ts";

/** Gaps that a person reads; the JSON has them all. */
const SHOWN = 50;
/** The error of a gap as far as a person reads on. */
const SHOWN_LETTERS = 160;
/** So many gaps are printed together, since each write is a call of the system. */
const PRINTED_TOGETHER = 100;

/** `isPreview`: nothing is asked for, the gaps are those that a run would ask for. */
export type ReportRequest = { readonly asJson: boolean; readonly isPreview: boolean };

/** What the log has after the run. `isStored`: the selection has a series; `isNarrowed`: an option chose the series. */
export type StateAfter = LogState & { readonly isStored: boolean; readonly isNarrowed: boolean };

/** What else the end of a report has. `state` null: the database is away. */
export type ReportEnd = {
  readonly state: StateAfter | null;
  /** Sentences for a person, and the same facts as fields of the JSON. */
  readonly notes: readonly string[];
  readonly facts: Readonly<Record<string, unknown>>;
};

/** Prints a gap at a time as JSON, or keeps the first ones for a person, and counts what became of them all. */
export function createRepairReport(context: Context, { asJson, isPreview }: ReportRequest) {
  const counts = Object.fromEntries(GAP_RESULTS.map((result) => [result, 0])) as Record<GapResult, number>;
  const result = streamResult(context, "gaps", "gaps");
  const shown: string[] = [];
  let gaps = 0;
  const part: object[] = [];
  const take = async (line: () => string, record: () => object) => {
    if (asJson) part.push(record());
    else if (shown.length < SHOWN) shown.push(line());
    gaps += 1;
    if (part.length === PRINTED_TOGETHER) await result.add(part.splice(0));
  };
  return {
    /** What became of a gap. */
    async add(gap: AskedGap): Promise<void> {
      counts[gap.result] += 1;
      await take(
        () => wrapLine(`${nameOf(gap)}: ${describe(gap)}`),
        () => ({ ...recordOf(gap), ...resultOf(gap) }),
      );
    },
    /** A gap that a run would ask for. */
    async plan(gap: ListedGap): Promise<void> {
      const candles = (gap.to - gap.from) / WIDTH_MS[gap.interval];
      await take(
        () => `${nameOf({ ...gap, candles })}: would be asked for`,
        () => recordOf({ ...gap, candles }),
      );
    },
    async end({ state, notes, facts }: ReportEnd): Promise<void> {
      if (asJson) {
        const nextCheckAt =
          state === null || state.nextCheckAt === null ? null : renderTime(state.nextCheckAt);
        const log =
          state === null
            ? {}
            : { open: state.open, notRequested: state.notRequested, inBackup: state.inBackup, nextCheckAt };
        const run = isPreview ? { dryRun: true } : { runId: context.runId, results: counts };
        await result.add(part);
        result.end({ asked: gaps, ...run, ...facts, ...log });
        return;
      }
      const more = gaps - shown.length;
      const lines = [
        ...shown,
        ...(more > 0 ? [`... and ${renderNumber(more)} more; --json prints all`] : []),
        ...(gaps > 0 ? [sumUp(gaps, counts, isPreview)] : []),
        ...notes.map(wrapLine),
        ...(state === null ? [] : describeLog(state, gaps > 0)),
      ];
      context.print(`${lines.join("\n")}\n`);
    },
  };
}

type Named = Pick<AskedGap, "symbol" | "interval" | "from" | "to" | "candles">;

function nameOf({ symbol, interval, from, to, candles }: Named): string {
  return `${symbol} ${interval} ${renderShortTime(from)} .. ${renderShortTime(to)}, ${renderCount(candles, "candle")}`;
}

function recordOf({ symbol, interval, from, to, candles }: Named): Record<string, unknown> {
  return { symbol, interval, from: renderTime(from), to: renderTime(to), candles };
}

function resultOf({ missing, result, state, error, nextCheckAt }: AskedGap): Record<string, unknown> {
  const next = nextCheckAt === null ? null : renderTime(nextCheckAt);
  return { result, missing, state, error, nextCheckAt: next };
}

const STILL: Readonly<Record<string, string>> = {
  open: "still absent",
  not_requested: "still missing",
  confirmed_absent: "absent again, confirmed",
  before_listing: "before the listing",
  after_delisting: "after the delisting",
};

function describe({ candles, missing, result, state, error, nextCheckAt }: AskedGap): string {
  const next = nextCheckAt === null ? "" : `, next check at ${renderSecond(nextCheckAt)}`;
  const why = error === null ? "" : `: ${error.slice(0, SHOWN_LETTERS)}`;
  switch (result) {
    case "filled":
      return "filled";
    case "partly":
      return `partly filled (${renderNumber(candles - missing)} of ${renderNumber(candles)})${next}`;
    case "failed":
      return `failed${why}; the next run asks again`;
    case "busy":
      return "skipped: another holder is at work on this series";
    case "notAsked":
      return "not asked for: the run ended before";
    case "missing":
      return `${STILL[state ?? "open"] ?? "still missing"}${why}${next}`;
  }
}

function sumUp(gaps: number, counts: Readonly<Record<GapResult, number>>, isPreview: boolean): string {
  if (isPreview) return `${renderCount(gaps, "gap")} would be asked for`;
  const parts = GAP_RESULTS.filter((result) => counts[result] > 0).map(
    (result) => `${renderNumber(counts[result])} ${WORDS[result]}`,
  );
  return `${renderCount(gaps, "gap")} to ask for: ${parts.join(", ")}`;
}

const WORDS: Readonly<Record<GapResult, string>> = {
  filled: "filled",
  partly: "partly filled",
  missing: "still missing",
  failed: "failed",
  busy: "skipped",
  notAsked: "not asked for",
};

/** Lines about the log after the run; where no gap was due, until when. */
function describeLog(state: StateAfter, hasAsked: boolean): readonly string[] {
  const { open, notRequested, nextCheckAt, isStored, isNarrowed } = state;
  if (!isStored && !hasAsked && open + notRequested === 0) return [renderNothing(isNarrowed)];
  const never = renderUnasked(state);
  const count = renderOpenGaps(open);
  if (nextCheckAt === null) return [count, ...never];
  const when = renderSecond(nextCheckAt);
  if (hasAsked) return [`${count}, the next check is due at ${when}`, ...never];
  if (open > 0) return [`${count}, none is due before ${when}; --all asks now`, ...never];
  return [count, `explained gaps are asked for again from ${when} on; --all asks now`, ...never];
}
