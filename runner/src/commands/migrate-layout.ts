import { parseCoinMap } from "../legacy/coin-map.ts";
import { runMove } from "../legacy/run-move.ts";
import { parseCount } from "../settings/parsers.ts";
import { type Command, collectFaults, OPTION } from "./command.ts";

/**
 * Two busy cores moved 30,000 candles a second without a limit; at this rate a third of the time stays for syncs and
 * readers.
 */
const ROWS_PER_SECOND = 20_000;
const FASTEST = 10_000_000;

export const migrateLayout: Command = {
  name: "migrate-layout",
  examples: [
    "migrate-layout --dry-run",
    "migrate-layout --rows-per-second 50000 --deadline 3600",
    "migrate-layout --coins 1=BTCUSDT,2=ETHUSDT",
  ],
  define: (command) =>
    command
      .option("--coin-table <name>", "old table with id and symbol (default: r3a.coin or r3a.coins)")
      .option("--coins <map>", "symbols of old coin ids, before what the table says: 1=BTCUSDT,2=ETHUSDT")
      .option("--drop-columns <names>", "old columns that have no place in the new table and may go: a,b")
      .option("--rows-per-second <n>", `candles a second at most, on average (default: ${ROWS_PER_SECOND})`)
      .option(...OPTION.dryRun)
      .option(...OPTION.deadline)
      .option(...OPTION.json),
  async run(context, _args, options) {
    const faults = collectFaults();
    const table = faults.take("--coin-table", options.coinTable, parseTableName) ?? null;
    const named = faults.take("--coins", options.coins, parseCoinMap) ?? new Map<number, string>();
    const dropColumns = faults.take("--drop-columns", options.dropColumns, parseNames) ?? new Set<string>();
    const rowsPerSecond =
      faults.take("--rows-per-second", options.rowsPerSecond, (text) => parseCount(text, FASTEST)) ??
      ROWS_PER_SECOND;
    const { dbUrl } = faults.settings(context, ["dbUrl"]);
    return runMove(context, {
      dbUrl,
      old: { coinTable: table, named, dropColumns },
      rowsPerSecond,
      isPreview: options.dryRun === true,
      asJson: options.json === true,
    });
  },
};

/** Only a plain name is taken, since the name becomes a part of a statement. */
function parseTableName(text: string): string {
  if (/^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?$/.test(text)) return text;
  throw new Error(`must be a table such as r3a.coins, in lower case, not ${JSON.stringify(text)}`);
}

function parseNames(text: string): ReadonlySet<string> {
  const names = text.split(",").map((name) => name.trim());
  if (names.includes(""))
    throw new Error(`must be names of columns such as a,b, not ${JSON.stringify(text)}`);
  return new Set(names);
}
