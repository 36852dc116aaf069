import { EXIT } from "../contract/exits.ts";
import { repeat } from "../cycle.ts";
import { renderSyncArguments } from "../db/runs.ts";
import { parseCount, parseInterval, parseSymbols } from "../settings/parsers.ts";
import { SETTINGS } from "../settings/table.ts";
import { planSync } from "../sync/fill-plan.ts";
import { type FillCommand, runFill } from "../sync/fill-run.ts";
import { runPreview } from "../sync/preview-run.ts";
import { parseShard, type Selection, shardOfPod } from "../sync/selection.ts";
import { WORK_SETTINGS } from "../sync/work.ts";
import { type Command, collectFaults, OPTION, parseReason } from "./command.ts";

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
    const interval = faults.take("INTERVAL", intervalText, parseInterval);
    const top = faults.take("--top", options.top, SETTINGS.universeSize.parse);
    const symbols = faults.take("--symbols", options.symbols, parseSymbols);
    const every = faults.take("--every", options.every, (text) => parseCount(text, LONGEST_PERIOD_S));
    const acceptExchange = faults.take("--accept-exchange", options.acceptExchange, parseReason) ?? null;
    const shard = faults.take("--shard", options.shard, parseShard);
    if (top !== undefined && symbols !== undefined) faults.note("--top and --symbols exclude each other");
    const settings = faults.settings(context, [
      ...WORK_SETTINGS,
      "autoPeriod",
      "syncIntervals",
      "fallbackStart",
      "symbols",
      "universeSize",
      "shards",
      "shardIndex",
    ]);
    if (interval === undefined) return EXIT.usage;
    if (!settings.syncIntervals.includes(interval)) {
      context.log.info(
        { interval, "event.name": "interval_off" },
        `[RUN] ${interval} is not in SYNC_INTERVALS; nothing to do`,
      );
      return EXIT.done;
    }
    const selection: Selection = {
      interval,
      symbols: symbols ?? (top === undefined ? settings.symbols : null),
      namedBy: symbols === undefined ? "SYMBOLS" : "--symbols",
      size: top ?? settings.universeSize,
      shard: shard ?? shardOfPod(settings),
    };
    const fill: FillCommand = {
      command: "sync",
      args: renderSyncArguments({
        interval,
        shard: selection.shard,
        top: top ?? null,
        symbols: symbols ?? null,
      }),
      isBackground: false,
      asJson: options.json === true,
      acceptExchange,
      firstPolicy: settings.autoPeriod ? "at-times" : "daily",
      plan: (state, now) => planSync(state, { ...settings, now }),
    };
    const request = { settings, fill, selection };
    if (options.dryRun === true) return runPreview(context, request);
    if (every === undefined) return runFill(context, request);
    return repeat(context, every * 1000, (cycle) => runFill(cycle, request));
  },
};
