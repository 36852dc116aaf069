import { INTERVALS } from "../contract/intervals.ts";
import { renderArguments } from "../db/runs.ts";
import { withDatabase } from "../db/with-database.ts";
import { withRun } from "../run.ts";
import { parseIntervals, parseSymbols } from "../settings/parsers.ts";
import { renderTime } from "../time.ts";
import { runVerify } from "../verify/verify-run.ts";
import { type Command, collectFaults, OPTION, parsePeriod } from "./command.ts";

/** No candle is later than this time, and a Date can hold it. */
const LATEST_MS = Date.UTC(9999, 0, 1);

export const verify: Command = {
  name: "verify",
  examples: ["verify", "verify --symbols BTCUSDT --intervals 1m,15m --from 2024-01-01"],
  define: (command) =>
    command
      .option(...OPTION.storedSymbols)
      .option(...OPTION.intervals)
      .option(...OPTION.from)
      .option(...OPTION.to)
      .option(...OPTION.deadline)
      .option(...OPTION.json),
  async run(context, _args, options) {
    const faults = collectFaults();
    const symbols = faults.take("--symbols", options.symbols, parseSymbols) ?? null;
    const intervals = faults.take("--intervals", options.intervals, parseIntervals) ?? INTERVALS;
    const { from, to } = parsePeriod(faults, options);
    const { dbUrl } = faults.settings(context, ["dbUrl"]);
    const request = {
      symbols,
      intervals,
      span: { from: from ?? 0, to: to ?? LATEST_MS },
      isNarrowed: [options.symbols, options.intervals, options.from, options.to].some(
        (each) => each !== undefined,
      ),
      asJson: options.json === true,
    };
    const args = renderArguments([], {
      "--symbols": symbols,
      "--intervals": options.intervals === undefined ? null : intervals,
      "--from": from === null ? null : renderTime(from),
      "--to": to === null ? null : renderTime(to),
    });
    return withDatabase(context, { command: "verify", url: dbUrl }, (db) =>
      withRun({ context, db, command: "verify", args }, () => runVerify(context, db, request)),
    );
  },
};
