import type { StoredCandle } from "../db/read.ts";
import type { SeriesName } from "./columns.ts";

export type Format = "table" | "csv" | "ndjson" | "json";
export const FORMATS: readonly Format[] = ["table", "csv", "ndjson", "json"];

/** Makes the text of a result part by part. */
export type Layout = {
  readonly begin: () => string;
  /** The next rows, of one series. */
  readonly rows: (series: SeriesName, candles: readonly StoredCandle[]) => string;
  readonly end: () => string;
};
