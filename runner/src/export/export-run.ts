import type { Context } from "../context.ts";
import { INTERVALS, type Interval } from "../contract/intervals.ts";
import { findDatabaseTime } from "../db/clock.ts";
import type { Database } from "../db/connect.ts";
import { type Coverage, listCoverage } from "../db/coverage.ts";
import { CANDLE_COLUMNS, readCandles } from "../db/read.ts";
import { type OwnClient, own } from "../db/session.ts";
import { refuseNames } from "../db/unknown-symbols.ts";
import { COLUMN_NAMES, type ColumnName, NARROW, SERIES_COLUMNS } from "./columns.ts";
import type { Format, Layout } from "./layout.ts";
import { type Look, lookAt } from "./look.ts";
import { describeMissing, isIncomplete, isTold, type Tally, tallyOf } from "./missing.ts";
import { layCsv, layJson, layNdjson } from "./rows.ts";
import { LINE_WIDTH, layTable } from "./table.ts";
import { type Target, targetFile, targetStdout } from "./target.ts";
import { type Cuts, cutsOf, describeVanished, vanishedOf } from "./vanished.ts";

/** Which candles. Times in ms. */
export type ExportRequest = {
  /** Null: every stored one. */
  readonly symbols: readonly string[] | null;
  /** Null: every stored one of the symbols. */
  readonly intervals: readonly Interval[] | null;
  readonly from: number | null;
  readonly to: number | null;
  /** Only so many of the newest candles of each series; null for all. */
  readonly last: number | null;
};

/** How to print them, and where. */
export type Output = {
  readonly format: Format;
  /** Null: those of the format. */
  readonly columns: readonly ColumnName[] | null;
  /** Every column in the table too. */
  readonly isWide: boolean;
  /** Numbers of JSON instead of texts. */
  readonly areNumbers: boolean;
  /** Null: stdout. */
  readonly file: string | null;
};

/** Rows of one text; between two texts a signal gets its turn. */
const PART_ROWS = 500;

/**
 * Prints the series one after the other, by symbol, interval and time, and at the end one line on stderr for each series
 * with a missing candle, or without a closed one in the span, and one for each with vanished candles. The lines come also
 * where the run is stopped, for the series that it came to; only rows that were all read show vanished candles. Returns
 * whether no candle is missing.
 */
export async function exportCandles(
  context: Context,
  db: Database,
  { output, ...request }: ExportRequest & { readonly output: Output },
): Promise<boolean> {
  const now = await findDatabaseTime(db);
  return own(db, context.signal, async (client) => {
    const series = await findSeries(db, client, request);
    const target = output.file === null ? targetStdout(context) : await targetFile(output.file, context);
    const sheet = { ...layOut(context, output, isOfOne(request)), target, isSimulated: context.isSimulated };
    const printed: Printed[] = [];
    try {
      await target.write(sheet.layout.begin());
      for (const one of series) {
        const look = await lookAt(client, one, { ...request, now });
        const counts = { look, tally: tallyOf(one.covered), cuts: cutsOf(look) };
        // of a series without a covered span, only all its rows say what is missing
        if (one.covered !== null) printed.push(counts);
        await printSeries(client, { ...counts, to: request.to }, sheet);
        if (one.covered === null) printed.push(counts);
      }
      await target.write(sheet.layout.end());
      await target.finish(printed.reduce((sum, { tally }) => sum + tally.rows(), 0));
    } finally {
      await target.abandon();
      for (const one of printed) {
        tellMissing(context, one);
        tellVanished(context, one);
      }
    }
    if (series.length === 0)
      context.log.warn(
        { "event.name": "candles_missing" },
        "no series is stored; sync or backfill one first",
      );
    return series.length > 0 && printed.every(isWhole);
  });
}

/** A table of one series does not name the series in each row. */
function isOfOne({ symbols, intervals }: ExportRequest): boolean {
  return symbols?.length === 1 && intervals?.length === 1;
}

type Sheet = {
  readonly columns: readonly ColumnName[];
  readonly layout: Layout;
  readonly target: Target;
  readonly isSimulated: boolean;
};

function layOut(
  context: Context,
  { format, columns: asked, isWide, areNumbers }: Output,
  ofOne: boolean,
): Pick<Sheet, "columns" | "layout"> {
  const ofTable = [...(ofOne ? [] : SERIES_COLUMNS), ...(isWide ? CANDLE_COLUMNS : NARROW)];
  const columns = asked ?? (format === "table" ? ofTable : COLUMN_NAMES);
  if (format === "table") {
    const isFitted = asked === null && !isWide;
    return {
      columns,
      layout: layTable(columns, isFitted ? (names) => tellDropped(context, names) : undefined),
    };
  }
  if (format === "csv") return { columns, layout: layCsv(columns) };
  const layout = (format === "json" ? layJson : layNdjson)(columns, areNumbers);
  return { columns, layout };
}

function tellDropped({ terminal, log }: Context, names: readonly ColumnName[]): void {
  const text = `left out, since ${LINE_WIDTH} characters do not hold them: ${names.join(", ")}; --wide prints all columns`;
  // a terminal shows nothing of the log below warnings
  if (terminal === null) log.info({ "event.name": "columns_left_out" }, text);
  else terminal.write(`${text}\n`);
}

type Printed = { readonly look: Look; readonly tally: Tally; readonly cuts: Cuts };

function isWhole({ look, tally, cuts }: Printed): boolean {
  return !isIncomplete(look, tally) && vanishedOf(look, cuts) === null;
}

async function printSeries(
  client: OwnClient,
  { look, tally, cuts, to }: Printed & { readonly to: number | null },
  { columns, layout, target, isSimulated }: Sheet,
): Promise<void> {
  const asked = CANDLE_COLUMNS.filter((name) => columns.includes(name));
  // a file keeps no line of stderr, so each row of made-up candles says what it is
  const named = isSimulated ? { ...look, source: "simulated" } : look;
  for await (const page of readCandles(client, look, { columns: asked, from: look.from, to })) {
    tally.add(page);
    for (const { timestamp } of page) cuts.pass(Number(timestamp));
    for (let row = 0; row < page.length; row += PART_ROWS)
      await target.write(layout.rows(named, page.slice(row, row + PART_ROWS)));
  }
  cuts.end();
}

function tellMissing({ log }: Context, { look, tally }: Printed): void {
  if (!isTold(look, tally)) return;
  const { symbol, interval } = look;
  const { missing, of, text } = describeMissing(look, tally);
  log.warn({ symbol, interval, "event.name": "candles_missing", missing, slots: of }, text);
}

function tellVanished({ log }: Context, { look, cuts }: Printed): void {
  const found = vanishedOf(look, cuts);
  if (found === null) return;
  const { symbol, interval } = look;
  const { text, ...counts } = describeVanished(look, found);
  log.warn({ symbol, interval, "event.name": "candles_vanished", ...counts }, text);
}

/** The series that are asked for; throws where a symbol has none, with the names that were meant. */
async function findSeries(
  db: Database,
  client: OwnClient,
  { symbols, intervals }: Pick<ExportRequest, "symbols" | "intervals">,
): Promise<readonly Coverage[]> {
  const found = await listCoverage(client, {
    symbols,
    intervals: INTERVALS.filter((interval) => intervals?.includes(interval) ?? true),
    isStoredOnly: symbols === null || intervals === null,
  });
  const unknown = (symbols ?? []).filter((name) => !found.some(({ symbol }) => symbol === name));
  await refuseNames(db, unknown);
  return found;
}
