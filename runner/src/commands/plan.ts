import { backfill } from "./backfill.ts";
import { type Command, OPTION } from "./command.ts";
import { sync } from "./sync.ts";

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
  run(context, args, options) {
    const isSync = [options.from, options.to, options.again].every((option) => option === undefined);
    return (isSync ? sync : backfill).run(context, args, { ...options, dryRun: true });
  },
};
