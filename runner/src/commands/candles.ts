import type { Context } from "../context.ts";
import { EXIT } from "../contract/exits.ts";
import { findCoins } from "../db/coins.ts";
import type { Database } from "../db/connect.ts";
import { type ReadRequest, readCandles, type StoredCandle } from "../db/read.ts";
import { withDatabase } from "../db/with-database.ts";
import { UsageFault } from "../errors.ts";
import { renderTable } from "../render.ts";
import { parseCount, parseInterval, parseOneSymbol } from "../settings/parsers.ts";
import { renderTime } from "../time.ts";
import { type Command, collectFaults, OPTION, parsePeriod } from "./command.ts";

const COLUMNS = [
  "timestamp",
  "open",
  "high",
  "low",
  "close",
  "volume",
  "close_time",
  "quote_volume",
  "trades",
  "taker_base",
  "taker_quote",
] as const;
/**
 * Rows of a table that a person reads: a day of minutes. The table is laid out as a whole, and a year of minutes would
 * take minutes.
 */
const SHOWN = 1_440;
type Format = "table" | "csv" | "ndjson";

export const candles: Command = {
  name: "candles",
  examples: [
    "candles BTCUSDT 1h --last 24",
    "candles btc/usdt 1m --from 2024-01-01 --to 2024-01-02 --format csv",
  ],
  define: (command) =>
    command
      .argument("<symbol>", "in any spelling: BTCUSDT, btc/usdt")
      .argument("<interval>", "1m, 15m, 1h, 4h or 1d")
      .option(...OPTION.from)
      .option(...OPTION.to)
      .option("--last <n>", "the newest n candles of the span (default without --from: 20)")
      .option("--format <name>", "table, csv or ndjson (default: table)"),
  async run(context, [symbolText, intervalText], options) {
    const faults = collectFaults();
    const symbol = faults.take("SYMBOL", symbolText, parseOneSymbol);
    const interval = faults.take("INTERVAL", intervalText, parseInterval);
    const { from, to } = parsePeriod(faults, options);
    const last = faults.take("--last", options.last, (text) => parseCount(text, 1_000_000));
    const format = faults.take("--format", options.format ?? "table", parseFormat) ?? "table";
    const { dbUrl } = faults.settings(context, ["dbUrl"]);
    if (symbol === undefined || interval === undefined) return EXIT.usage;
    return withDatabase(context, { command: "candles", url: dbUrl, waitMs: 0 }, async (db) => {
      const [coin] = await findCoins(db, [symbol]);
      if (coin === undefined)
        throw new UsageFault([`nothing is stored of ${symbol}; sync or backfill it first`]);
      const newest = last ?? (from === null ? 20 : null);
      await printCandles(context, db, { format, coinId: coin.coinId, interval, from, to, last: newest });
      return EXIT.done;
    });
  },
};

async function printCandles(
  context: Context,
  db: Database,
  { format, ...range }: ReadRequest & { readonly format: Format },
): Promise<void> {
  if (format === "csv") context.print(`${COLUMNS.join(",")}\n`);
  const render = (candle: StoredCandle) =>
    `${format === "csv" ? cellsOf(candle).join(",") : JSON.stringify(recordOf(candle))}\n`;
  const rows: string[][] = [];
  for await (const page of readCandles(db, range)) {
    if (format === "table") rows.push(...page.map(cellsOf));
    else context.print(page.map(render).join(""));
    await context.printed();
    if (rows.length > SHOWN) break;
  }
  if (format === "table") context.print(`${renderTable(COLUMNS, rows.slice(0, SHOWN))}\n`);
  if (rows.length > SHOWN) context.print("... and more; --format csv and ndjson print all\n");
}

function parseFormat(text: string): Format {
  if (text === "table" || text === "csv" || text === "ndjson") return text;
  throw new Error(`must be table, csv or ndjson, not ${JSON.stringify(text)}`);
}

function recordOf(candle: StoredCandle): Record<string, string | null> {
  return Object.fromEntries(COLUMNS.map((name) => [name, textOf(candle, name)]));
}

function cellsOf(candle: StoredCandle): string[] {
  return COLUMNS.map((name) => textOf(candle, name) ?? "");
}

function textOf(candle: StoredCandle, name: (typeof COLUMNS)[number]): string | null {
  const value = candle[name];
  if (name !== "timestamp" && name !== "close_time") return value;
  return value === null ? null : renderTime(Number(value));
}
