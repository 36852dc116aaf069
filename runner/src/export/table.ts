import type { StoredCandle } from "../db/read.ts";
import { type ColumnName, isNumber, type SeriesName, textOf } from "./columns.ts";
import type { Layout } from "./layout.ts";

/** So many rows are read before the first one is printed: the widths of the columns come from these rows. */
const FIRST_ROWS = 1_000;
export const LINE_WIDTH = 80;

/** One series in the table: its cells as they will stand there, without the blanks around them. */
type SeriesCells = (candle: StoredCandle) => string[];

/**
 * A table without borders that is printed while it is read. Each column is as wide as the first rows need, with some
 * room for longer numbers; a longer value later widens its column from there on, and none is ever cut. `tellDropped`: the
 * last columns may be left out where the first rows need more than LINE_WIDTH, and it gets their names.
 */
export function layTable(
  columns: readonly ColumnName[],
  tellDropped?: (names: readonly ColumnName[]) => void,
): Layout {
  const isRight = columns.map(isNumber);
  const widths = columns.map((name) => name.length);
  let shown = columns.length;
  const seriesCells = new Map<string, SeriesCells>();
  let waiting: string[][] | null = [];
  let gap = "  ";

  const lineOf = (cells: readonly string[]) => {
    let line = "";
    for (const [index, cell] of cells.slice(0, shown).entries()) {
      const width = Math.max(widths[index] ?? 0, cell.length);
      widths[index] = width;
      line += index === 0 ? "" : gap;
      line += isRight[index] ? cell.padStart(width) : cell.padEnd(width);
    }
    return `${line.trimEnd()}\n`;
  };
  const linesOf = (rows: readonly (readonly string[])[]) => rows.map(lineOf).join("");

  /** The widths of the first rows; `isAll`: no more rows will come, so numbers need no room. */
  const layOut = (isAll: boolean) => {
    const rows = waiting ?? [];
    waiting = null;
    for (const row of rows)
      for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, cell.length);
    const lengthOf = (between: number, room: number) =>
      widths.slice(0, shown).reduce((sum, width, index) => sum + width + (isRight[index] ? room : 0), 0) +
      between * (shown - 1);
    if (tellDropped !== undefined) {
      while (shown > 1 && lengthOf(1, 0) > LINE_WIDTH) shown -= 1;
      if (shown < columns.length) tellDropped(columns.slice(shown));
    }
    const rooms = isAll ? [0] : [2, 1, 0];
    const fitting = [2, 1].flatMap((between) =>
      rooms.flatMap((room) => (lengthOf(between, room) <= LINE_WIDTH ? [{ between, room }] : [])),
    );
    const { between, room } = fitting[0] ?? { between: 2, room: isAll ? 0 : 1 };
    gap = " ".repeat(between);
    for (const [index, width] of widths.entries()) widths[index] = width + (isRight[index] ? room : 0);
    return rows.length === 0 ? "" : linesOf([columns, ...rows]);
  };

  return {
    begin: () => "",
    rows(series, candles) {
      const key = `${series.symbol} ${series.interval}`;
      const cellsOf = seriesCells.get(key) ?? cellsOfSeries(columns, series, candles);
      seriesCells.clear(); // a series comes as a whole, so no other one is needed again
      seriesCells.set(key, cellsOf);
      const rows = candles.map(cellsOf);
      if (waiting === null) return linesOf(rows);
      for (const row of rows) waiting.push(row);
      return waiting.length < FIRST_ROWS ? "" : layOut(false);
    },
    end: () => (waiting === null ? "" : layOut(true)),
  };
}

/** Numbers of one series have the decimals that its first rows need, so that the points stand below each other. */
function cellsOfSeries(
  columns: readonly ColumnName[],
  series: SeriesName,
  first: readonly StoredCandle[],
): SeriesCells {
  const cells = columns.map((name) => {
    const text = textOf(name, series);
    if (name === "timestamp") return (candle: StoredCandle) => shortenTime(text(candle) ?? "", series);
    if (!isNumber(name)) return (candle: StoredCandle) => text(candle) ?? "-";
    const decimals = Math.max(0, ...first.map((candle) => decimalsOf(text(candle) ?? "")));
    return (candle: StoredCandle) => {
      const value = text(candle);
      return value === null ? "-" : toDecimals(value, decimals);
    };
  });
  return (candle) => cells.map((cell) => cell(candle));
}

/** To the precision of the interval, where the candle lies on it: `2026-11-26`, `2026-11-26T00:00Z`. */
function shortenTime(time: string, { interval }: SeriesName): string {
  if (interval === "1d" && time.endsWith("T00:00:00Z")) return time.slice(0, 10);
  return time.endsWith(":00Z") ? `${time.slice(0, -4)}Z` : time;
}

/** The decimals without the zeros behind them. */
function decimalsOf(text: string): number {
  const point = text.indexOf(".");
  return point === -1 ? 0 : text.replace(/0+$/, "").length - point - 1;
}

/** The number with so many decimals, or with more where they are no zeros: no digit is lost. */
function toDecimals(text: string, decimals: number): string {
  if (!/^-?\d/.test(text)) return text; // NaN and infinity, which only another program can have stored
  const point = text.indexOf(".");
  const [whole, fraction] = point === -1 ? [text, ""] : [text.slice(0, point), text.slice(point + 1)];
  let length = fraction.length;
  while (length > decimals && fraction[length - 1] === "0") length -= 1;
  const kept = fraction.slice(0, length).padEnd(decimals, "0");
  return kept === "" ? whole : `${whole}.${kept}`;
}
