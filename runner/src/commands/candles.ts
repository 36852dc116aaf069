import { extname } from "node:path";
import { EXIT } from "../contract/exits.ts";
import { withDatabase } from "../db/with-database.ts";
import { parseColumns } from "../export/columns.ts";
import { exportCandles } from "../export/export-run.ts";
import { FORMATS, type Format } from "../export/layout.ts";
import { oneOf, parseCount, parseIntervals, parseSymbols } from "../settings/parsers.ts";
import { type Command, collectFaults, type Faults, OPTION, parsePeriod, type RawOptions } from "./command.ts";

/** Candles of a series where neither a span nor a number is given. */
const NEWEST = 20;
const MOST = 1_000_000;
const FORMAT_OF: Readonly<Record<string, Format>> = {
  ".csv": "csv",
  ".ndjson": "ndjson",
  ".jsonl": "ndjson",
  ".json": "json",
};

export const candles: Command = {
  name: "candles",
  examples: [
    "candles BTCUSDT 1h --last 24",
    "candles btc/usdt,ETHUSDT 1h,4h --from -7d",
    "candles BTCUSDT 1m --from 2024-01-01 --to 2024-01-02 --format csv",
    "candles all 1d --from 2024-01-01..2024-02-01 --columns symbol,timestamp,close",
  ],
  define: (command) =>
    command
      .argument("<symbol>", "in any spelling: BTCUSDT, btc/usdt; several between commas, or all")
      .argument("<interval>", "1m, 15m, 1h, 4h or 1d; several, or all: by symbol, interval, time")
      .option(...OPTION.from)
      .option(...OPTION.to)
      .option("--last <n>", `the newest n candles of each series (default without --from: ${NEWEST})`)
      .option("--format <name>", "table, csv, ndjson or json (default: table, or as FILE ends)")
      .option("--json", "one JSON object, the same as --format json")
      .option("--columns <list>", "these columns in this order (default: all, in the table what fits)")
      .option("--wide", "all columns in the table too")
      .option("--numbers", "ndjson and json: numbers without quotes, with all their digits")
      .option("-o, --output <file>", "write into a file, which is replaced at the end; - is stdout")
      .option(
        "--strict",
        "exit 1 where candles of the span are missing; without --to the span ends at the last closed candle, so 1m is whole only right after its sync",
      ),
  async run(context, [symbolText, intervalText], options) {
    const faults = collectFaults();
    const symbols = faults.take("SYMBOL", symbolText, (text) => orAll(text, parseSymbols));
    const intervals = faults.take("INTERVAL", intervalText, (text) => orAll(text, parseIntervals));
    const { from, to } = parsePeriod(faults, options);
    const last = faults.take("--last", options.last, (text) => parseCount(text, MOST));
    const file = typeof options.output === "string" && options.output !== "-" ? options.output : null;
    const format = parseFormat(faults, options, file);
    const columns = faults.take("--columns", options.columns, parseColumns) ?? null;
    noteMisplaced(faults, options, format);
    const { dbUrl } = faults.settings(context, ["dbUrl"]);
    if (symbols === undefined || intervals === undefined) return EXIT.usage;
    const output = {
      format,
      columns,
      isWide: options.wide === true,
      areNumbers: options.numbers === true,
      file,
    };
    const isWhole = await withDatabase(context, { command: "candles", url: dbUrl, waitMs: 0 }, (db) =>
      exportCandles(context, db, {
        symbols,
        intervals,
        from,
        to,
        last: last ?? (from === null ? NEWEST : null),
        output,
      }),
    );
    return options.strict === true && !isWhole ? EXIT.failed : EXIT.done;
  },
};

/** Null for the word `all`. */
function orAll<T>(text: string, parse: (text: string) => T): T | null {
  return text === "all" ? null : parse(text);
}

function parseFormat(faults: Faults, { format, json }: RawOptions, file: string | null): Format {
  if (json === true && format !== undefined && format !== "json")
    faults.note(`--json and --format ${format} exclude each other`);
  const named = faults.take("--format", format, oneOf(FORMATS));
  if (json === true) return "json";
  if (format !== undefined || file === null) return named ?? "table";
  const byName = FORMAT_OF[extname(file).toLowerCase()];
  if (byName === undefined)
    faults.note(
      `--output ${file} does not say the format by its end (${Object.keys(FORMAT_OF).join(", ")}): add --format`,
    );
  return byName ?? "table";
}

function noteMisplaced(faults: Faults, { wide, numbers, columns }: RawOptions, format: Format): void {
  if (wide === true && columns !== undefined) faults.note("--wide and --columns exclude each other");
  else if (wide === true && format !== "table")
    faults.note(`--wide belongs to the table; ${format} has all columns`);
  if (numbers === true && format !== "ndjson" && format !== "json")
    faults.note("--numbers belongs to --format ndjson and json");
}
