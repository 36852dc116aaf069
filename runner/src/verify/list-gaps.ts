import type { Context } from "../context.ts";
import type { Interval } from "../contract/intervals.ts";
import { WIDTH_MS } from "../contract/intervals.ts";
import type { Database } from "../db/connect.ts";
import { countGaps, type GapFilter, type ListedGap, listGaps } from "../db/gap-list.ts";
import { renderNumber, renderTable } from "../render.ts";
import { renderTime } from "../time.ts";

/** Rows that a person reads. Laying out a table of 250,000 took 54 s, and no person reads that many. */
const SHOWN = 100;

/** Prints the gaps of the log: all of them as JSON, the first ones for a person. */
export async function printGaps(
  context: Context,
  db: Database,
  { asJson, ...filter }: GapFilter & { readonly asJson: boolean },
): Promise<void> {
  const printPart = async (part: readonly ListedGap[]) => {
    context.signal.throwIfAborted();
    if (asJson) context.print(part.map((gap) => `${JSON.stringify(recordOf(gap))}\n`).join(""));
    else context.print(`${renderGaps(part)}\n`);
    await context.printed();
  };
  const listed = await listGaps(db, { ...filter, most: asJson ? null : SHOWN }, printPart);
  const more = asJson || listed < SHOWN ? 0 : (await countGaps(db, filter)) - listed;
  if (more > 0)
    context.print(
      `... and ${renderNumber(more)} more; --json prints all, and --symbols, --intervals, --state, --from and --to narrow the list\n`,
    );
  if (listed === 0 && !asJson) context.print("no gaps found\n");
}

function renderGaps(found: readonly ListedGap[]): string {
  return renderTable(
    ["symbol", "interval", "from", "to", "candles", "state", "why", "next check"],
    found.map((gap) => [
      gap.symbol,
      gap.interval,
      renderTime(gap.from),
      renderTime(gap.to),
      candlesOf(gap),
      gap.state,
      describe(gap),
      gap.nextCheckAt === null ? "-" : renderTime(gap.nextCheckAt),
    ]),
  );
}

function describe({ reason, attempts, evidence }: ListedGap): string {
  if (reason === "absent") return `absent in ${attempts} answer${attempts === 1 ? "" : "s"}`;
  if (reason === "not_requested") return "never asked for";
  return `${reason}: ${(evidence.error ?? "").slice(0, 60)}`;
}

function candlesOf({ from, to, interval }: { from: number; to: number; interval: Interval }): number {
  return (to - from) / WIDTH_MS[interval];
}

function recordOf(gap: ListedGap): Record<string, unknown> {
  const { coinId: _, ...rest } = gap;
  return {
    ...rest,
    from: renderTime(gap.from),
    to: renderTime(gap.to),
    candles: candlesOf(gap),
    nextCheckAt: gap.nextCheckAt === null ? null : renderTime(gap.nextCheckAt),
  };
}
