import pg from "pg";
import type { LeafPart } from "./backup-leaf.ts";

/** A candle by its key; `at`: open time (ms). */
export type RowKey = LeafPart & { readonly at: number };

/** An array as text: COPY takes no parameters. */
export const array = (values: readonly (number | string)[], type: string) =>
  `${pg.escapeLiteral(`{${values.join(",")}}`)}::${type}[]`;
/** The keys as a table of `coin_id`, `"interval"` and `"timestamp"`. */
export const keys = (rows: readonly RowKey[]) => `
  select coin_id, "interval", to_timestamp(at / 1000) as "timestamp"
  from unnest(${array(
    rows.map(({ coinId }) => coinId),
    "int",
  )}, ${array(
    rows.map(({ interval }) => interval),
    "text",
  )}, ${array(
    rows.map(({ at }) => at),
    "float8",
  )}) as k (coin_id, "interval", at)`;

const IS_KEY = `w.coin_id = t.coin_id and w."interval" = t."interval" and w."timestamp" = t."timestamp"`;
/** The condition that the row `t` is none of these; no condition where there are none. */
export const isNot = (rows: readonly RowKey[]) =>
  rows.length === 0 ? [] : [`not exists (select from (${keys(rows)}) w where ${IS_KEY})`];
