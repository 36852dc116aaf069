import type { Context } from "../context.ts";
import { type Interval, WIDTH_MS } from "../contract/intervals.ts";
import type { Database } from "../db/connect.ts";
import { type ListedSeries, listLeafSizes, listSeries } from "../db/series-list.ts";
import { refuseNames } from "../db/unknown-symbols.ts";
import { estimateBytes } from "../partition/sizes.ts";
import { commandLine } from "../program-name.ts";
import { renderNothing, renderNumber, renderTable } from "../render.ts";
import { renderResult } from "../result.ts";
import { renderTime } from "../time.ts";

/** Which series; `symbols` null: all. */
export type OverviewRequest = {
  readonly symbols: readonly string[] | null;
  readonly intervals: readonly Interval[];
  readonly asJson: boolean;
};

/** A series with the number of its candles, and an estimate of its bytes. */
type Overview = ListedSeries & { readonly candles: number; readonly bytes: number };

/** Prints what is stored, a row for each series. */
export async function printSeries(
  context: Context,
  db: Database,
  { symbols, intervals, asJson }: OverviewRequest,
): Promise<void> {
  // all of them, since a leaf is shared out among all its series
  const all = weigh(await listSeries(db), await listLeafSizes(db));
  const known = new Set(all.map(({ symbol }) => symbol));
  await refuseNames(db, symbols?.filter((symbol) => !known.has(symbol)) ?? []);
  // a stable sort: the intervals of a symbol keep their order
  const found = all
    .filter(({ symbol, interval }) => intervals.includes(interval) && (symbols?.includes(symbol) ?? true))
    .toSorted((a, b) => (a.symbol === b.symbol ? 0 : a.symbol < b.symbol ? -1 : 1));
  if (asJson) context.print(renderResult("series", { series: found.map(recordOf) }));
  else context.print(found.length === 0 ? `${renderNothing(all.length > 0)}\n` : renderSeries(found));
  await context.printed();
}

/** The covered slots without those in a gap of the log are stored: the invariant of the series. */
function weigh(
  listed: readonly ListedSeries[],
  leaves: Parameters<typeof estimateBytes>[1],
): readonly Overview[] {
  const counted = listed.map((series) => {
    const { interval, coveredFrom, coveredTo, first, last, open, notRequested, absent, beside } = series;
    const missing = open.slots + notRequested.slots + absent.slots + beside.slots;
    const candles = Math.max(0, Math.round((coveredTo - coveredFrom) / WIDTH_MS[interval]) - missing);
    const stored = first === null || last === null ? null : { from: first, to: last + WIDTH_MS[interval] };
    return { ...series, candles, stored };
  });
  const bytes = estimateBytes(counted, leaves);
  return counted.map(({ stored: _, ...series }, index) => ({ ...series, bytes: bytes[index] ?? 0 }));
}

/** Columns of gaps of which no series has any are left out, so that the table fits 80 columns as a rule. */
function renderSeries(found: readonly Overview[]): string {
  const kinds = [
    ["open", "open"],
    ["notRequested", "unasked"],
    ["absent", "absent"],
  ] as const;
  const shown = kinds.filter(([kind]) => found.some((series) => series[kind].gaps > 0));
  const table = renderTable(
    ["symbol", "interval", "first", "last", "candles", ...shown.map(([, head]) => head), "MB"],
    found.map((series) => [
      series.symbol,
      series.interval,
      series.first === null ? "-" : renderTime(series.first).slice(0, 10),
      series.last === null ? "-" : renderTime(series.last).slice(0, 16).replace("T", " "),
      series.candles,
      ...shown.map(([kind]) => series[kind].gaps),
      (series.bytes / 1e6).toFixed(1),
    ]),
  );
  const notes = shown.map(
    ([kind, head]) => `${head}: ${meaningOf(kind)}${kind === "open" ? describeReasons(found) : ""}`,
  );
  return `${[table, "", ...notes, "last: when the newest candle opens", "MB: an estimate, the share of the leaves by candles; times are UTC"].join("\n")}\n`;
}

/** Why the gaps of all these series are open, e.g. `: 3 absent, 1 failed`. */
function describeReasons(found: readonly Overview[]): string {
  const counts = (["absent", "failed", "invalid"] as const).map((reason) => ({
    reason,
    gaps: found.reduce((sum, { openBy }) => sum + openBy[reason], 0),
  }));
  const some = counts.filter(({ gaps }) => gaps > 0);
  return `: ${some.map(({ reason, gaps }) => `${renderNumber(gaps)} ${reason}`).join(", ")}`;
}

function meaningOf(kind: "open" | "notRequested" | "absent"): string {
  if (kind === "open") return `gaps that nothing explains yet (${commandLine("gaps")})`;
  if (kind === "absent") return "gaps that the exchange has no candles for";
  return `gaps that nobody asked for yet (${commandLine("gaps --state not_requested")})`;
}

function recordOf(series: Overview): Record<string, unknown> {
  const time = (ms: number | null) => (ms === null ? null : renderTime(ms));
  const gapsOf = ({ gaps, slots }: ListedSeries["open"]) => ({ gaps, candles: slots });
  return {
    symbol: series.symbol,
    interval: series.interval,
    first: time(series.first),
    last: time(series.last),
    coveredFrom: time(series.coveredFrom),
    coveredTo: time(series.coveredTo),
    candles: series.candles,
    open: { ...gapsOf(series.open), byReason: series.openBy },
    notRequested: gapsOf(series.notRequested),
    absent: gapsOf(series.absent),
    outsideListing: gapsOf(series.beside),
    estimatedBytes: series.bytes,
  };
}
