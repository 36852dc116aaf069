import type { StoredCandle } from "../db/read.ts";
import { layList } from "../result.ts";
import { type ColumnName, isNumber, type SeriesName, textOf, toCamelCase } from "./columns.ts";
import type { Layout } from "./layout.ts";

type Cell = (candle: StoredCandle) => string;

/** Rows of a series as one text each, with what separates the cells and what stands around them. */
function lineOf(cells: readonly Cell[], [open, close]: readonly [string, string]): Cell {
  return (candle) => {
    let line = open;
    let separator = "";
    for (const cell of cells) {
      line += separator + cell(candle);
      separator = ",";
    }
    return line + close;
  };
}

function quote(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** RFC 4180; a cell without a value is empty. */
export function layCsv(columns: readonly ColumnName[]): Layout {
  const cellOf = (name: ColumnName, series: SeriesName): Cell => {
    if (name === "symbol") {
      const quoted = quote(series.symbol);
      return () => quoted;
    }
    const text = textOf(name, series);
    if (name === "source") return (candle) => quote(text(candle) ?? "");
    return (candle) => text(candle) ?? "";
  };
  return {
    begin: () => `${columns.join(",")}\n`,
    rows(series, candles) {
      const cells = columns.map((name) => cellOf(name, series));
      return candles.map(lineOf(cells, ["", "\n"])).join("");
    },
    end: () => "",
  };
}

const JSON_NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?$/;

/**
 * The columns of a candle as a JSON object, each under the name that `keyOf` gives. `isBare`: a number of JSON, with all
 * its digits, and no text.
 */
function recordOf(
  columns: readonly ColumnName[],
  {
    isBare,
    keyOf,
  }: {
    readonly isBare: (name: ColumnName) => boolean;
    readonly keyOf: (name: ColumnName) => string;
  },
): (series: SeriesName) => (candle: StoredCandle) => string {
  const cellOf = (name: ColumnName, series: SeriesName): Cell => {
    const text = textOf(name, series);
    const key = `"${keyOf(name)}":`;
    const isNumberOfJson = isBare(name);
    if (name === "symbol" || name === "interval") {
      const named = key + JSON.stringify(series[name]);
      return () => named;
    }
    return (candle) => {
      const value = text(candle);
      if (value === null) return `${key}null`;
      if (name === "source") return key + JSON.stringify(value);
      // NaN and infinity are no numbers of JSON
      return isNumberOfJson && JSON_NUMBER.test(value) ? key + value : `${key}"${value}"`;
    };
  };
  return (series) =>
    lineOf(
      columns.map((name) => cellOf(name, series)),
      ["{", "}"],
    );
}

export function layNdjson(columns: readonly ColumnName[], areNumbers: boolean): Layout {
  const record = recordOf(columns, {
    isBare: (name) => areNumbers && isNumber(name),
    keyOf: (name) => name,
  });
  return {
    begin: () => "",
    rows(series, candles) {
      const line = record(series);
      return candles.map((candle) => `${line(candle)}\n`).join("");
    },
    end: () => "",
  };
}

/**
 * The result of `--json`, in which the columns have names in camelCase and `trades` is a number, as in all results; prices
 * and volumes are texts. `areNumbers`: these too are numbers.
 */
export function layJson(columns: readonly ColumnName[], areNumbers: boolean): Layout {
  const record = recordOf(columns, {
    isBare: (name) => (areNumbers && isNumber(name)) || name === "trades",
    keyOf: toCamelCase,
  });
  const { begin, items, end } = layList("candles", "candles");
  return {
    begin,
    rows: (series, candles) => items(candles.map(record(series))),
    end: () => end(),
  };
}
