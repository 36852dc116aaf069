import { EXIT } from "../contract/exits.ts";
import { oneOf } from "../settings/parsers.ts";
import { BACKFILL_SETTINGS, requestBackfill } from "../sync/fill-requests.ts";
import { runFill } from "../sync/fill-run.ts";
import { runPreview } from "../sync/preview-run.ts";
import {
  type Command,
  collectFaults,
  OPTION,
  parseBackfillPeriod,
  parseReason,
  parseSeries,
} from "./command.ts";

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
    const series = parseSeries(faults, intervalText, options);
    const { from, to } = parseBackfillPeriod(faults, options);
    const acceptExchange = faults.take("--accept-exchange", options.acceptExchange, parseReason) ?? null;
    const source = faults.take("--source", options.source, oneOf(["auto", "rest"])) ?? null;
    const settings = faults.settings(context, BACKFILL_SETTINGS);
    if (series === null || from === null || to === null) return EXIT.usage;
    const asked = { ...series, from, to, again: options.again === true, source };
    const request = requestBackfill({ ...asked, asJson: options.json === true, acceptExchange }, settings);
    return (options.dryRun === true ? runPreview : runFill)(context, request);
  },
};
