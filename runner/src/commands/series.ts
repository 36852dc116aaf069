import { EXIT } from "../contract/exits.ts";
import { INTERVALS } from "../contract/intervals.ts";
import { withDatabase } from "../db/with-database.ts";
import { parseIntervals, parseSymbols } from "../settings/parsers.ts";
import { printSeries } from "../verify/series-overview.ts";
import { type Command, collectFaults, OPTION } from "./command.ts";

export const series: Command = {
  name: "series",
  examples: ["series", "series --symbols BTCUSDT,eth/usdt --intervals 1m,1h", "series --json"],
  define: (command) =>
    command
      .option(...OPTION.storedSymbols)
      .option(...OPTION.intervals)
      .option(...OPTION.json),
  async run(context, _args, options) {
    const faults = collectFaults();
    const symbols = faults.take("--symbols", options.symbols, parseSymbols) ?? null;
    const intervals = faults.take("--intervals", options.intervals, parseIntervals) ?? INTERVALS;
    const { dbUrl } = faults.settings(context, ["dbUrl"]);
    return withDatabase(context, { command: "series", url: dbUrl, waitMs: 0 }, async (db) => {
      await printSeries(context, db, { symbols, intervals, asJson: options.json === true });
      return EXIT.done;
    });
  },
};
