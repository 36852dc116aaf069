import type { Context } from "../context.ts";
import { EXIT } from "../contract/exits.ts";
import { INTERVALS, WIDTH_MS } from "../contract/intervals.ts";
import { FARTHEST_MS } from "../contract/limits.ts";
import { findDatabaseTime } from "../db/clock.ts";
import { findCoins, listCoins } from "../db/coins.ts";
import { closeDatabase, openDatabase } from "../db/connect.ts";
import { renderArguments } from "../db/runs.ts";
import { waitForSchema } from "../db/schema/schema.ts";
import { loadSeries } from "../db/series.ts";
import { UsageFault } from "../errors.ts";
import { createProgress } from "../progress.ts";
import { renderNumber, renderTable } from "../render.ts";
import { withRun } from "../run.ts";
import { parseIntervals, parseSymbols } from "../settings/parsers.ts";
import { patienceMs } from "../sync/work.ts";
import { parseTime, renderTime } from "../time.ts";
import { type Finding, type FindingKind, isFault, verifySeries } from "../verify/verify.ts";
import { type Command, collectFaults, OPTION } from "./command.ts";

/** Findings that a person reads; the JSON has them all. */
const SHOWN = 50;
/** Each write is a call of the system. */
const PRINTED_TOGETHER = 500;
/** No candle is later, and a Date holds it. */
const LATEST_MS = Date.UTC(9999, 0, 1);

/** What to do about findings that no other command of its own accord mends. */
const REMEDIES: Partial<Record<FindingKind, string>> = {
  "covered beyond now":
    "covered beyond now: a clock was ahead once; the next sync of the interval takes this back and asks for what it hid",
  "candle beyond now":
    "candle beyond now: stored under a clock that was ahead; it stays until its time has come, and the sync that asks for it then keeps a difference as a revision",
  impossible:
    "impossible: another program, or an older version, wrote values that no candle can have; `backfill INTERVAL --again --from T --to T` puts the exchange's candle in its place and keeps the old values as a revision",
  contradiction:
    "contradiction: one of the two intervals is wrong; `backfill INTERVAL --again --from T --to T` of both asks for them again",
};

export const verify: Command = {
  name: "verify",
  examples: ["verify", "verify --symbols BTCUSDT --intervals 1m,15m --from 2024-01-01"],
  define: (command) =>
    command
      .option(...OPTION.symbols)
      .option(...OPTION.intervals)
      .option(...OPTION.from)
      .option(...OPTION.to)
      .option(...OPTION.deadline)
      .option(...OPTION.json),
  async run(context, _args, options) {
    const faults = collectFaults();
    const symbols = faults.take("--symbols", options.symbols, parseSymbols) ?? null;
    const intervals = faults.take("--intervals", options.intervals, parseIntervals) ?? INTERVALS;
    const from = faults.take("--from", options.from, parseTime) ?? 0;
    const to = faults.take("--to", options.to, parseTime) ?? LATEST_MS;
    if (from >= to) faults.note(`--from ${renderTime(from)} is not before --to ${renderTime(to)}`);
    const { dbUrl } = faults.settings(context, ["dbUrl"]);
    const progress = createProgress("verify", context.isTerminal, "series");
    const db = openDatabase(dbUrl, "verify");
    try {
      await waitForSchema(db, patienceMs(context.deadlineS), context.signal);
      const args = renderArguments([], {
        "--symbols": symbols,
        "--intervals": options.intervals === undefined ? null : intervals,
        "--from": options.from === undefined ? null : renderTime(from),
        "--to": options.to === undefined ? null : renderTime(to),
      });
      return await withRun(context, db, "verify", args, async () => {
        const coins = symbols === null ? await listCoins(db) : await findCoins(db, symbols);
        const unknown = symbols?.filter((symbol) => !coins.some((coin) => coin.symbol === symbol)) ?? [];
        if (unknown.length > 0) throw new UsageFault([`nothing is stored of ${unknown.join(", ")}`]);
        const report = createReport(context, options.json === true);
        const latest = (await findDatabaseTime(db)) + FARTHEST_MS.clock;
        let series = 0;
        progress.start(intervals.length * coins.length);
        for (const interval of intervals) {
          for (const state of await loadSeries(
            db,
            interval,
            coins.map(({ coinId }) => coinId),
          )) {
            context.signal.throwIfAborted();
            if (state.covered !== null) series += 1;
            if (state.fault !== undefined) report.note(state.fault);
            else
              for await (const finding of verifySeries(db, state, { from, to }, latest))
                await report.add(finding);
            progress.advance(1);
          }
        }
        progress.stop();
        await report.end(series);
        return report.faults() > 0 ? EXIT.failed : EXIT.done;
      });
    } finally {
      progress.stop();
      await closeDatabase(db);
    }
  },
};

/** Prints findings as they come (JSON), or keeps those that a person reads: a broken series can have a million. */
function createReport(context: Context, asJson: boolean) {
  const shown: Finding[] = [];
  const notes = new Set<string>();
  let [count, faults] = [0, 0];
  let part: string[] = [];
  if (asJson) context.print('{"findings":[');
  const printPart = () => {
    context.print(part.join(""));
    part = [];
    return context.printed();
  };
  return {
    faults: () => faults,
    /** A fault of a whole series, as a sentence. */
    note(sentence: string) {
      faults += 1;
      notes.add(sentence);
    },
    async add(finding: Finding) {
      if (asJson) part.push(`${count === 0 ? "" : ","}${JSON.stringify(finding)}`);
      if (part.length === PRINTED_TOGETHER) await printPart();
      count += 1;
      if (isFault(finding)) faults += 1;
      if (shown.length < SHOWN) shown.push(finding);
      const remedy = REMEDIES[finding.kind];
      if (remedy !== undefined) notes.add(remedy);
    },
    async end(series: number) {
      if (asJson) {
        await printPart();
        const rest = JSON.stringify({ series, faults, notes: [...notes] });
        context.print(`],${rest.slice(1)}\n`);
        return;
      }
      const sum = `${renderNumber(series)} series verified`;
      const lines = [
        ...(count === 0 ? [] : [renderFindings(shown)]),
        ...(count > SHOWN ? [`... and ${renderNumber(count - SHOWN)} more; --json prints all`] : []),
        ...notes,
        count === 0 && faults === 0
          ? `${sum}: complete and consistent`
          : `${sum}: ${renderNumber(count)} findings`,
      ];
      context.print(`${lines.join("\n")}\n`);
    },
  };
}

function renderFindings(findings: readonly Finding[]): string {
  return renderTable(
    ["symbol", "interval", "finding", "from", "to", "candles"],
    findings.map(({ symbol, interval, kind, from, to }) => [
      symbol,
      interval,
      kind,
      renderTime(from),
      renderTime(to),
      (to - from) / WIDTH_MS[interval],
    ]),
  );
}
