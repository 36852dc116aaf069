import { EXIT } from "../contract/exits.ts";
import { repeat } from "../cycle.ts";
import { parseCount } from "../settings/parsers.ts";
import { requestSync, SYNC_SETTINGS } from "../sync/fill-requests.ts";
import { runFill } from "../sync/fill-run.ts";
import { runPreview } from "../sync/preview-run.ts";
import { isSwitchedOff } from "../sync/selection.ts";
import { type Command, collectFaults, OPTION, parseReason, parseSeries } from "./command.ts";

const LONGEST_PERIOD_S = 86_400;

export const sync: Command = {
  name: "sync",
  examples: [
    "sync 1m",
    "sync 1m --top 20 --deadline 35",
    "sync 1h --symbols BTCUSDT,eth/usdt --dry-run",
    "sync 1m --every 60",
  ],
  define: (command) =>
    command
      .argument("<interval>", "1m, 15m, 1h, 4h or 1d")
      .option(...OPTION.top)
      .option(...OPTION.symbols)
      .option(
        "--every <seconds>",
        "again at each full period until SIGTERM; --deadline is then of each cycle (default: the period, at least 300)",
      )
      .option(...OPTION.shard)
      .option(...OPTION.acceptExchange)
      .option(...OPTION.dryRun)
      .option(...OPTION.deadline)
      .option(...OPTION.json),
  async run(context, [intervalText], options) {
    const faults = collectFaults();
    const series = parseSeries(faults, intervalText, options);
    const every = faults.take("--every", options.every, (text) => parseCount(text, LONGEST_PERIOD_S));
    const acceptExchange = faults.take("--accept-exchange", options.acceptExchange, parseReason) ?? null;
    const settings = faults.settings(context, SYNC_SETTINGS);
    if (series === null) return EXIT.usage;
    const asked = { ...series, command: "sync", asJson: options.json === true } as const;
    if (isSwitchedOff(context, asked, settings)) return EXIT.done;
    const request = requestSync({ ...asked, acceptExchange }, settings);
    if (options.dryRun === true) return runPreview(context, request);
    if (every === undefined) return runFill(context, request);
    return repeat(context, every * 1000, (cycle) => runFill(cycle, request));
  },
};
