import { EXIT } from "../contract/exits.ts";
import { BACKFILL_SETTINGS, requestBackfill, requestSync, SYNC_SETTINGS } from "../sync/fill-requests.ts";
import { runPreview } from "../sync/preview-run.ts";
import { isSwitchedOff } from "../sync/selection.ts";
import { type Command, collectFaults, OPTION, parseBackfillPeriod, parseSeries } from "./command.ts";

/** Shows what `sync` would ask for, or `backfill` where a span or `--again` is given. */
export const plan: Command = {
  name: "plan",
  examples: ["plan 1m --top 20", "plan 1m --symbols BTCUSDT --from 2020-01-01"],
  define: (command) =>
    command
      .argument("<interval>", "1m, 15m, 1h, 4h or 1d")
      .option(...OPTION.top)
      .option(...OPTION.symbols)
      .option(...OPTION.from)
      .option(...OPTION.to)
      .option(...OPTION.again)
      .option(...OPTION.shard)
      .option(...OPTION.deadline)
      .option(...OPTION.json),
  async run(context, [intervalText], options) {
    const faults = collectFaults();
    const series = parseSeries(faults, intervalText, options);
    const manner = { command: "plan", asJson: options.json === true, acceptExchange: null } as const;
    if (options.from === undefined && options.to === undefined && options.again === undefined) {
      const settings = faults.settings(context, SYNC_SETTINGS);
      if (series === null) return EXIT.usage;
      const asked = { ...series, ...manner };
      if (isSwitchedOff(context, asked, settings)) return EXIT.done;
      return runPreview(context, requestSync(asked, settings), "plan");
    }
    const { from, to } = parseBackfillPeriod(faults, options);
    const settings = faults.settings(context, BACKFILL_SETTINGS);
    if (series === null || from === null || to === null) return EXIT.usage;
    const asked = { ...series, ...manner, from, to, again: options.again === true };
    return runPreview(context, requestBackfill(asked, settings), "plan");
  },
};
