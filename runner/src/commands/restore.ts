import { QUARANTINE_DAYS } from "../contract/names.ts";
import { type Command, OPTION } from "./command.ts";
import { runBeside } from "./restore/beside.ts";
import { runDamaged } from "./restore/damaged.ts";
import { runHold, runResume } from "./restore/hold.ts";
import { runWhole } from "./restore/whole.ts";

export const restore: Command = {
  name: "restore",
  examples: [
    "restore --to-schema r3a_restored --leaf ohlcv_1m_2026_01 --dry-run",
    "restore --to-schema r3a_restored --leaf ohlcv_1m_2026_01 --compare",
    "restore --to-schema r3a_restored --symbols BTCUSDT --from 2026-01-01",
    "restore --damaged --dry-run",
    "restore --damaged --leaf ohlcv_1m_2026_01",
    'restore --hold "the disk is being replaced"',
    "restore --all --dry-run",
    "restore --all --to postgresql://USER:PASSWORD@HOST:5432/NEW",
  ],
  define: (command) =>
    command
      .option(
        "--to-schema <name>",
        "restore into tables of this new schema, beside the live table, which stays as it is",
      )
      .option(
        "--all",
        "restore the whole database, into the empty one of RESTORE_DB_URL or --to, or go on with that",
      )
      .option(
        "--damaged",
        `mend the live table: each damaged leaf, or the one of --leaf, is restored beside, checked, and swapped in; the old table is kept for ${QUARANTINE_DAYS} days`,
      )
      .option("--leaf <name>", "only this leaf, e.g. ohlcv_1m_2026_01 (default: every leaf)")
      .option("--symbols <list>", "only these symbols of each leaf, e.g. BTCUSDT,eth/usdt")
      .option(
        "--from <time>",
        "only leaves with candles from then on, whole; forms as sync takes them: 2026-01-31, -7d",
      )
      .option(
        "--to <time|url>",
        "only leaves with candles before then; with --all the empty database, instead of RESTORE_DB_URL",
      )
      .option("--at <time>", "the newest backup that was made at that time or before (default: the newest)")
      .option("--tier <name>", "only from this tier: hot, warm or cold")
      .option(
        "--accept-loss <reason>",
        "with --all or --damaged: what no backup can be restored from becomes open gaps, and the restore ends; the sentence is kept in the run",
      )
      .option(
        "--beyond-brakes <reason>",
        "with --damaged: swap more than 3 leaves or 5 % of the candles, or a leaf twice in 24 h; the sentence is kept in the run",
      )
      .option(
        "--hold <reason>",
        "the kill switch: no leaf is sealed or swapped any more, by no run; a sentence of at least 10 letters",
      )
      .option("--resume", "end the hold")
      .option("--compare", "print how the live rows differ from the restored ones; exit 1 where they do")
      .option(...OPTION.dryRun)
      .option(...OPTION.deadline)
      .option(...OPTION.json),
  async run(context, _args, options) {
    if (options.hold !== undefined) return runHold(context, options);
    if (options.resume === true) return runResume(context, options);
    if (options.all === true) return runWhole(context, options);
    return options.damaged === true ? runDamaged(context, options) : runBeside(context, options);
  },
};
