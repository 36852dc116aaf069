import { WIDTH_MS } from "../candle/interval.ts";
import { EXIT, INTERVALS } from "../contract.ts";
import { findCoins, listCoins } from "../db/coins.ts";
import { closeDatabase, openDatabase } from "../db/connect.ts";
import { waitForSchema } from "../db/schema.ts";
import { loadSeries } from "../db/series.ts";
import { UsageFault } from "../errors.ts";
import { createProgress } from "../progress.ts";
import { renderNumber, renderTable } from "../render.ts";
import { withRun } from "../run.ts";
import { parseIntervals, parseSymbols } from "../settings.ts";
import { type Finding, isFault, verifySeries } from "../sync/verify.ts";
import { patienceMs } from "../sync/work.ts";
import { parseTime, renderTime } from "../time.ts";
import { type Command, collectFaults, OPTION } from "./command.ts";

/** Findings that a person reads; the JSON has them all. */
const SHOWN = 50;

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
    const to = faults.take("--to", options.to, parseTime) ?? Date.now() + WIDTH_MS["1d"];
    if (from >= to) faults.note(`--from ${renderTime(from)} is not before --to ${renderTime(to)}`);
    const { dbUrl } = faults.settings(context, ["dbUrl"]);
    const progress = createProgress("verify", context.isTerminal, "series");
    const db = openDatabase(dbUrl, "verify");
    try {
      await waitForSchema(db, patienceMs(context.deadlineS), context.signal);
      return await withRun(context, db, "verify", intervals.join(","), async () => {
        const coins = symbols === null ? await listCoins(db) : await findCoins(db, symbols, null);
        const unknown = symbols?.filter((symbol) => !coins.some((coin) => coin.symbol === symbol)) ?? [];
        if (unknown.length > 0) throw new UsageFault([`nothing is stored of ${unknown.join(", ")}`]);
        const findings: Finding[] = [];
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
            findings.push(...(await verifySeries(db, state, { from, to })));
            progress.advance(1);
          }
        }
        progress.stop();
        const wrong = findings.filter(isFault).length;
        if (options.json === true) context.print(`${JSON.stringify({ series, faults: wrong, findings })}\n`);
        else context.print(`${renderFindings(findings, series)}\n`);
        return wrong > 0 ? EXIT.failed : EXIT.done;
      });
    } finally {
      progress.stop();
      await closeDatabase(db);
    }
  },
};

function renderFindings(findings: readonly Finding[], series: number): string {
  if (findings.length === 0) return `${renderNumber(series)} series verified: complete and consistent`;
  const table = renderTable(
    ["symbol", "interval", "finding", "from", "to", "candles"],
    findings
      .slice(0, SHOWN)
      .map(({ symbol, interval, kind, from, to }) => [
        symbol,
        interval,
        kind,
        renderTime(from),
        renderTime(to),
        (to - from) / WIDTH_MS[interval],
      ]),
  );
  const more =
    findings.length > SHOWN
      ? `\n... and ${renderNumber(findings.length - SHOWN)} more; --json prints all`
      : "";
  return `${table}${more}\n${renderNumber(series)} series verified: ${renderNumber(findings.length)} findings`;
}
