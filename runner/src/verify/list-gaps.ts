import { IN_BACKUP } from "../candle/waiting-gap.ts";
import type { Context } from "../context.ts";
import { WIDTH_MS } from "../contract/intervals.ts";
import type { Database } from "../db/connect.ts";
import { countGaps, countUnasked, type GapFilter, type ListedGap, listGaps } from "../db/gap-list.ts";
import { hasSeries } from "../db/series-list.ts";
import { refuseUnknown } from "../db/unknown-symbols.ts";
import { commandLine } from "../program-name.ts";
import { renderCount, renderNothing, renderNumber, renderUnasked, wrapLine } from "../render.ts";
import { streamResult } from "../result.ts";
import { renderSecond, renderShortTime, renderTime } from "../time.ts";

/** Gaps that a person reads: nobody reads the 250,000 of a log. */
const SHOWN = 100;

/** Prints the gaps of the log: all of them as JSON, the first ones for a person. */
export async function printGaps(
  context: Context,
  db: Database,
  { asJson, ...filter }: GapFilter & { readonly asJson: boolean },
): Promise<void> {
  await refuseUnknown(db, filter.symbols);
  if (asJson) {
    const result = streamResult(context, "gaps", "gaps");
    const listed = await listGaps(db, { ...filter, most: null }, (part) => {
      context.signal.throwIfAborted();
      return result.add(part.map(recordOf));
    });
    result.end({ listed });
    return;
  }
  const listed = await listGaps(db, { ...filter, most: SHOWN }, async (part) => {
    context.signal.throwIfAborted();
    context.print(part.map((gap) => `${describe(gap)}\n`).join(""));
    await context.printed();
  });
  const more = listed < SHOWN ? 0 : (await countGaps(db, filter)).gaps - listed;
  if (more > 0)
    context.print(
      `... and ${renderNumber(more)} more; --json prints all;\n--symbols, --intervals, --state, --from and --to narrow the list\n`,
    );
  if (listed === 0)
    context.print(
      `${(await hasSeries(db, filter)) ? describeNone(filter) : renderNothing(isNarrowed(filter))}\n`,
    );
  if (filter.states.includes("not_requested")) return;
  context.print(
    renderUnasked(await countUnasked(db, filter))
      .map((line) => `${line}\n`)
      .join(""),
  );
}

function isNarrowed({ symbols, intervals, from, to }: GapFilter): boolean {
  return [symbols, intervals, from, to].some((each) => each !== null);
}

function describeNone(filter: GapFilter): string {
  const where = isNarrowed(filter) ? " in this selection" : "";
  const states = filter.states.join(" or ");
  if (states === "not_requested") return `every gap${where} was asked for`;
  return states === "open" ? `no gap is open${where}` : `no gap${where} is in the state ${states}`;
}

/** A sentence, and below it the command that fills the gap, where no run does so by itself. */
function describe(gap: ListedGap): string {
  const { symbol, interval, from, to, nextCheckAt } = gap;
  const next = nextCheckAt === null ? "" : `, next check at ${renderSecond(nextCheckAt)}`;
  const remedy = remedyOf(gap);
  return [
    wrapLine(
      `${symbol} ${interval} ${renderShortTime(from)} .. ${renderShortTime(to)}, ${renderCount(candlesOf(gap), "candle")}: ${explain(gap)}${next}`,
    ),
    ...(remedy === null ? [] : [`  to fill it: ${remedy}`]),
  ].join("\n");
}

function explain({ state, reason, attempts, evidence }: ListedGap): string {
  if (state === "not_requested" && evidence.error === IN_BACKUP)
    return "in the backup, and not loaded yet by the restore";
  if (state === "not_requested")
    return `never asked for${evidence.error === undefined ? "" : `, ${evidence.error}`}`;
  const why =
    reason === "absent"
      ? `absent in ${renderCount(attempts, "answer")}`
      : `${reason}: ${(evidence.error ?? "").slice(0, 60)}`;
  return state === "open" ? why : `${state}${reason === null ? "" : `, ${why}`}`;
}

/** The command that fills a gap which no run asks for by itself; null where one does, and for what a restore or migrate-layout brings. */
function remedyOf({ state, symbol, interval, from, to, evidence, nextCheckAt }: ListedGap): string | null {
  if (state !== "not_requested" || nextCheckAt !== null || evidence.error !== undefined) return null;
  return commandLine(
    `backfill ${interval} --symbols ${symbol} --from ${renderShortTime(from)} --to ${renderShortTime(to)}`,
  );
}

function candlesOf({ from, to, interval }: ListedGap): number {
  return (to - from) / WIDTH_MS[interval];
}

function recordOf(gap: ListedGap): Record<string, unknown> {
  const { coinId: _, evidence, ...rest } = gap;
  const time = (ms: number | null) => (ms === null ? null : renderTime(ms));
  // the log keeps what a person or an older version wrote, too
  const timeIn = (ms: number | null | undefined) => (isTime(ms) ? renderTime(ms) : null);
  return {
    ...rest,
    from: renderTime(gap.from),
    to: renderTime(gap.to),
    candles: candlesOf(gap),
    nextCheckAt: time(gap.nextCheckAt),
    evidence: {
      error: evidence.error ?? null,
      raw: evidence.raw ?? null,
      absentSince: timeIn(evidence.absentSince),
      before: timeIn(evidence.before),
      after: timeIn(evidence.after),
    },
    remedy: remedyOf(gap),
  };
}

function isTime(value: unknown): value is number {
  return typeof value === "number" && !Number.isNaN(new Date(value).getTime());
}
