import type { StoredCandle } from "../db/read.ts";
import { renderResult } from "../result.ts";
import { type ColumnName, isNumber, type SeriesName, textOf } from "./columns.ts";
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

/** RFC 4180; a cell without a value is empty. */
export function layCsv(columns: readonly ColumnName[]): Layout {
  const cellOf = (name: ColumnName, series: SeriesName): Cell => {
    if (name === "symbol") {
      const { symbol } = series;
      const quoted = /[",\r\n]/.test(symbol) ? `"${symbol.replaceAll('"', '""')}"` : symbol;
      return () => quoted;
    }
    const text = textOf(name, series);
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

/** The columns of a candle as a JSON object. `areNumbers`: decimals as numbers of JSON, with all their digits. */
function recordOf(
  columns: readonly ColumnName[],
  areNumbers: boolean,
): (series: SeriesName) => (candle: StoredCandle) => string {
  const cellOf = (name: ColumnName, series: SeriesName): Cell => {
    const text = textOf(name, series);
    const key = `"${name}":`;
    if (name === "symbol" || name === "interval") {
      const named = key + JSON.stringify(series[name]);
      return () => named;
    }
    const isBare = areNumbers && isNumber(name);
    return (candle) => {
      const value = text(candle);
      if (value === null) return `${key}null`;
      // NaN and infinity are no numbers of JSON
      return isBare && JSON_NUMBER.test(value) ? key + value : `${key}"${value}"`;
    };
  };
  return (series) =>
    lineOf(
      columns.map((name) => cellOf(name, series)),
      ["{", "}"],
    );
}

export function layNdjson(columns: readonly ColumnName[], areNumbers: boolean): Layout {
  const record = recordOf(columns, areNumbers);
  return {
    begin: () => "",
    rows(series, candles) {
      const line = record(series);
      return candles.map((candle) => `${line(candle)}\n`).join("");
    },
    end: () => "",
  };
}

/** One object, which is written while it is read: `candles` has a row a line. */
export function layJson(columns: readonly ColumnName[], areNumbers: boolean): Layout {
  const record = recordOf(columns, areNumbers);
  let isFirst = true;
  return {
    begin: () => renderResult("candles", { candles: [] }).slice(0, -"]}\n".length),
    rows(series, candles) {
      const line = record(series);
      return candles
        .map((candle) => {
          const separator = isFirst ? "\n" : ",\n";
          isFirst = false;
          return separator + line(candle);
        })
        .join("");
    },
    end: () => (isFirst ? "]}\n" : "\n]}\n"),
  };
}
