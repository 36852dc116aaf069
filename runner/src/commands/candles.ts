import { EXIT } from "../contract/exits.ts";
import { findCoins } from "../db/coins.ts";
import { closeDatabase, openDatabase } from "../db/connect.ts";
import { readCandles, type StoredCandle } from "../db/read.ts";
import { waitForSchema } from "../db/schema/schema.ts";
import { UsageFault } from "../errors.ts";
import { renderTable } from "../render.ts";
import { parseCount, parseInterval, parseOneSymbol } from "../settings/parsers.ts";
import { parseTime, renderTime } from "../time.ts";
import { type Command, collectFaults, OPTION } from "./command.ts";

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
/** Rows of a table that a person reads: a day of minutes. The table is laid out as a whole, a year of them for minutes. */
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
    const from = faults.take("--from", options.from, parseTime) ?? null;
    const to = faults.take("--to", options.to, parseTime) ?? null;
    const last = faults.take("--last", options.last, (text) => parseCount(text, 1_000_000));
    const format = faults.take("--format", options.format ?? "table", parseFormat) ?? "table";
    if (from !== null && to !== null && from >= to)
      faults.note(`--from ${renderTime(from)} is not before --to ${renderTime(to)}`);
    const { dbUrl } = faults.settings(context, ["dbUrl"]);
    if (symbol === undefined || interval === undefined) return EXIT.usage;
    const db = openDatabase(dbUrl, "candles");
    try {
      await waitForSchema(db, 0, context.signal);
      const [coin] = await findCoins(db, [symbol]);
      if (coin === undefined)
        throw new UsageFault([`nothing is stored of ${symbol}; sync or backfill it first`]);
      const newest = last ?? (from === null ? 20 : null);
      if (format === "csv") context.print(`${COLUMNS.join(",")}\n`);
      const rows: string[][] = [];
      for await (const page of readCandles(db, { coinId: coin.coinId, interval, from, to, last: newest })) {
        if (format === "table") rows.push(...page.map(cellsOf));
        else
          context.print(
            page
              .map(
                (candle) =>
                  `${format === "csv" ? cellsOf(candle).join(",") : JSON.stringify(recordOf(candle))}\n`,
              )
              .join(""),
          );
        await context.printed();
        if (rows.length > SHOWN) break;
      }
      if (format === "table") context.print(`${renderTable(COLUMNS, rows.slice(0, SHOWN))}\n`);
      if (rows.length > SHOWN) context.print("... and more; --format csv and ndjson print all\n");
    } finally {
      await closeDatabase(db);
    }
    return EXIT.done;
  },
};

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
