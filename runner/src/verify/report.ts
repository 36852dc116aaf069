import type { Context } from "../context.ts";
import { WIDTH_MS } from "../contract/intervals.ts";
import {
  renderCount,
  renderNothing,
  renderNumber,
  renderTable,
  renderUnasked,
  type Unasked,
  wrapLine,
} from "../render.ts";
import { streamResult } from "../result.ts";
import { renderShortTime, renderTime } from "../time.ts";
import { collectAgain } from "./again.ts";
import { type Disagreement, type DisagreementKind, isFault } from "./verify.ts";

/** Disagreements that a person reads, to whom they are findings; the JSON has them all. */
const SHOWN = 50;
/** So many disagreements are printed together, since each write is a call of the system. */
const PRINTED_TOGETHER = 500;

/** What to do about disagreements; those that end by asking again have their commands below. */
const REMEDIES: Partial<Record<DisagreementKind, string>> = {
  "open gap": "no fault: `gaps --repair`, which a job runs, asks for it again at the time that `gaps` shows",
  "overdue gap":
    "it was due 2 h ago or earlier, or has no time to be asked at; `gaps --repair --all` asks now; see why the job of `gaps --repair` does not",
  "covered beyond now":
    "a clock was ahead once; the next sync of the interval takes this back and asks for what it hid",
  "candle beyond now":
    "stored under a clock that was ahead; it stays until its time has come, and the sync that asks for it then keeps a difference as a revision",
  vanished:
    "covered, and neither stored nor in the gap log: another program deleted the candles, or the server lost them; the backfill below, with --again, fetches them (without it a backfill adds none)",
  "logged but stored":
    "another program wrote the candle or the gap; the backfill below asks again and closes the gap",
  impossible:
    "another program, or an older version, wrote values that no candle can have; the backfill below puts the exchange's candle in its place and keeps the old values as a revision",
  contradiction: "one of the two intervals is wrong; the backfills below ask for both again",
};

/** Prints disagreements at once as JSON, or keeps the first ones for a person: a broken series can have a million. */
export function createReport(
  context: Context,
  { asJson, isNarrowed }: { readonly asJson: boolean; readonly isNarrowed: boolean },
) {
  const shown: Disagreement[] = [];
  const notes = new Set<string>();
  const again = collectAgain();
  let [count, faults] = [0, 0];
  const part: object[] = [];
  const result = streamResult(context, "verify", "findings");
  return {
    faults: () => faults,
    /** A fault of a whole series, as a sentence. */
    note(sentence: string) {
      faults += 1;
      notes.add(sentence);
    },
    async add(disagreement: Disagreement) {
      if (asJson) part.push(recordOf(disagreement));
      if (part.length === PRINTED_TOGETHER) await result.add(part.splice(0));
      count += 1;
      if (isFault(disagreement)) faults += 1;
      if (shown.length < SHOWN) shown.push(disagreement);
      again.add(disagreement);
      const remedy = REMEDIES[disagreement.kind];
      if (remedy !== undefined) notes.add(`${disagreement.kind}: ${remedy}`);
    },
    /** `unasked`: gaps in what was compared that no run asks for; none of them is a fault. */
    async end(series: number, unasked: Unasked) {
      if (asJson) {
        await result.add(part);
        result.end({ series, faults, ...unasked, notes: [...notes], commands: again.commands() });
        return;
      }
      const isClean = count === 0 && faults === 0;
      const found = `${renderCount(count, "finding")}${faults === 0 ? `, ${count === 1 ? "no fault" : "none of them a fault"}` : ""}`;
      const sum = `${renderNumber(series)} series verified: ${isClean ? "complete and consistent" : found}`;
      const lines = [
        ...(count === 0 ? [] : [renderDisagreements(shown)]),
        ...(count > SHOWN ? [`... and ${renderNumber(count - SHOWN)} more; --json prints all`] : []),
        ...[...notes].map(wrapLine),
        // whole in their lines, so that they can be copied
        ...again.commands().map((command) => `  ${command}`),
        series === 0 && isClean ? renderNothing(isNarrowed) : sum,
        ...renderUnasked(unasked),
      ];
      context.print(`${lines.join("\n")}\n`);
    },
  };
}

function recordOf({ symbol, interval, kind, from, to }: Disagreement): object {
  const candles = (to - from) / WIDTH_MS[interval];
  return { symbol, interval, kind, from: renderTime(from), to: renderTime(to), candles };
}

function renderDisagreements(disagreements: readonly Disagreement[]): string {
  return renderTable(
    ["symbol", "interval", "finding", "from", "to", "candles"],
    disagreements.map(({ symbol, interval, kind, from, to }) => [
      symbol,
      interval,
      kind,
      renderShortTime(from),
      renderShortTime(to),
      (to - from) / WIDTH_MS[interval],
    ]),
  );
}
