import { EXIT } from "../contract/exits.ts";
import { renderArguments, renderShard } from "../db/runs.ts";
import { parseInterval, parseSymbols } from "../settings/parsers.ts";
import { SETTINGS } from "../settings/table.ts";
import { planBackfill } from "../sync/fill-plan.ts";
import { type FillCommand, runFill } from "../sync/fill-run.ts";
import { runPreview } from "../sync/preview-run.ts";
import { parseShard, type Selection, shardOfPod } from "../sync/selection.ts";
import { WORK_SETTINGS } from "../sync/work.ts";
import { renderTime } from "../time.ts";
import { type Command, collectFaults, OPTION, parsePeriod, parseReason } from "./command.ts";

export const backfill: Command = {
  name: "backfill",
  examples: [
    "backfill 1m --symbols BTCUSDT --from 2024-01-01",
    "backfill 1h --symbols BTCUSDT,ETHUSDT --from 2020-01-01 --to 2021-01-01 --dry-run",
    "backfill 1h --again --symbols BTCUSDT --from 2024-01-01",
  ],
  define: (command) =>
    command
      .argument("<interval>", "1m, 15m, 1h, 4h or 1d")
      .option(...OPTION.top)
      .option(...OPTION.symbols)
      .option(...OPTION.from)
      .option(...OPTION.to)
      .option(...OPTION.again)
      .option("--source <name>", "auto or rest (default: auto)")
      .option(...OPTION.shard)
      .option(...OPTION.acceptExchange)
      .option(...OPTION.dryRun)
      .option(...OPTION.deadline)
      .option(...OPTION.json),
  async run(context, [intervalText], options) {
    const faults = collectFaults();
    const interval = faults.take("INTERVAL", intervalText, parseInterval);
    const symbols = faults.take("--symbols", options.symbols, parseSymbols);
    const top = faults.take("--top", options.top, SETTINGS.universeSize.parse);
    const { from, to } = parsePeriod(faults, {
      from: options.from,
      to: options.to ?? renderTime(Date.now()),
    });
    const acceptExchange = faults.take("--accept-exchange", options.acceptExchange, parseReason) ?? null;
    const shard = faults.take("--shard", options.shard, parseShard);
    faults.take("--source", options.source, parseSource);
    if (top !== undefined && symbols !== undefined) faults.note("--top and --symbols exclude each other");
    if (options.from === undefined)
      faults.note("--from is missing: say where the backfill starts, e.g. --from 2024-01-01");
    const again = options.again === true;
    const settings = faults.settings(context, [
      ...WORK_SETTINGS,
      "symbols",
      "universeSize",
      "shards",
      "shardIndex",
    ]);
    if (interval === undefined || from === null || to === null) return EXIT.usage;
    const selection: Selection = {
      interval,
      symbols: symbols ?? (top === undefined ? settings.symbols : null),
      namedBy: symbols === undefined ? "SYMBOLS" : "--symbols",
      size: top ?? settings.universeSize,
      shard: shard ?? shardOfPod(settings),
    };
    const fill: FillCommand = {
      command: "backfill",
      // all that another shell may have set otherwise stands in it, the end of the span too
      args: renderArguments([interval], {
        "--again": again,
        "--from": renderTime(from),
        "--to": renderTime(to),
        "--shard": renderShard(selection.shard),
        ...(selection.symbols === null ? { "--top": selection.size } : { "--symbols": selection.symbols }),
      }),
      isBackground: true,
      asJson: options.json === true,
      acceptExchange,
      firstPolicy: "always",
      plan: (state, now) => planBackfill(state, { from, to }, now, again),
    };
    return (options.dryRun === true ? runPreview : runFill)(context, { settings, fill, selection });
  },
};

function parseSource(text: string): string {
  if (text === "auto" || text === "rest") return text;
  throw new Error(`must be auto or rest, not ${JSON.stringify(text)}`);
}
