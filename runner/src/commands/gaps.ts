import { GAP_STATES } from "../candle/gap.ts";
import { EXIT } from "../contract/exits.ts";
import { INTERVALS } from "../contract/intervals.ts";
import { withDatabase } from "../db/with-database.ts";
import { parseIntervals, parseSymbols } from "../settings/parsers.ts";
import { repairGaps } from "../sync/repair.ts";
import { WORK_SETTINGS } from "../sync/work.ts";
import { printGaps } from "../verify/list-gaps.ts";
import { type Command, collectFaults, OPTION, parseList, parsePeriod, parseReason } from "./command.ts";

export const gaps: Command = {
  name: "gaps",
  examples: [
    "gaps",
    "gaps --symbols BTCUSDT --state open,confirmed_absent",
    "gaps --state not_requested",
    "gaps --repair",
    "gaps --repair --all --intervals 1h",
  ],
  define: (command) =>
    command
      .option("--repair", "ask the exchange again for what is due")
      .option("--all", "with --repair: also for what is not due yet, but not for not_requested")
      .option("--state <list>", `of ${GAP_STATES.join(", ")} (default: open)`)
      .option(...OPTION.storedSymbols)
      .option(...OPTION.intervals)
      .option(...OPTION.from)
      .option(...OPTION.to)
      .option(...OPTION.acceptExchange)
      .option(...OPTION.dryRun)
      .option(...OPTION.deadline)
      .option(...OPTION.json),
  async run(context, _args, options) {
    const faults = collectFaults();
    const symbols = faults.take("--symbols", options.symbols, parseSymbols) ?? null;
    const intervals = faults.take("--intervals", options.intervals, parseIntervals) ?? null;
    const states =
      faults.take("--state", options.state ?? "open", (text) => parseList(text, GAP_STATES)) ?? [];
    const { from, to } = parsePeriod(faults, options);
    const acceptExchange = faults.take("--accept-exchange", options.acceptExchange, parseReason) ?? null;
    const asJson = options.json === true;
    if (options.all === true && options.repair !== true) faults.note("--all belongs to --repair");
    const isNarrowed = [options.state, options.from, options.to].some((option) => option !== undefined);
    if (options.repair === true && isNarrowed) {
      faults.note(
        "--state, --from and --to narrow the list; --repair takes --symbols, --intervals and --all",
      );
    }
    if (acceptExchange !== null && options.repair !== true)
      faults.note("--accept-exchange belongs to --repair");
    if (options.repair !== true) {
      const { dbUrl } = faults.settings(context, ["dbUrl"]);
      return withDatabase(context, { command: "gaps", url: dbUrl, waitMs: 0 }, async (db) => {
        await printGaps(context, db, { states, symbols, intervals, from, to, asJson });
        return EXIT.done;
      });
    }
    const settings = faults.settings(context, [...WORK_SETTINGS, "fallbackStart"]);
    return repairGaps(context, settings, {
      intervals: intervals ?? INTERVALS,
      symbols,
      all: options.all === true,
      isPreview: options.dryRun === true,
      asJson,
      acceptExchange,
    });
  },
};
