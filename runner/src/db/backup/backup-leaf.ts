import pg from "pg";
import type { Span } from "../../candle/span.ts";
import { INTERVALS, type Interval, WIDTH_MS } from "../../contract/intervals.ts";
import { leafAt } from "../../partition/layout.ts";

/**
 * A leaf of the candle table as a backup reads it: its name without schema, and the open times that it holds (ms). `schema`:
 * of a copy that was restored beside the live table; absent for the live one.
 */
export type BackupLeaf = {
  readonly schema?: string;
  readonly name: string;
  readonly parent: string;
  readonly span: Span;
};

/** The candles of one coin and one interval in a leaf. */
export type LeafPart = { readonly coinId: number; readonly interval: Interval };

/**
 * The table of a leaf for SQL. Each leaf is read by its own name: by the name of the root, the lock of a long transaction
 * on the root would hold back every attach of an index.
 */
export const tableOf = ({ schema = "r3a", name }: Pick<BackupLeaf, "schema" | "name">) =>
  `${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(name)}`;

/** The intervals that a leaf holds: 4h and 1d share one. */
export function intervalsOf({ parent }: Pick<BackupLeaf, "parent">): readonly Interval[] {
  return INTERVALS.filter((interval) => leafAt(interval, 0).parent === parent);
}

const perInterval = (leaf: Pick<BackupLeaf, "parent">, column: string, value: (width: number) => string) => {
  const [first, ...others] = intervalsOf(leaf);
  // the leaves with most rows have one interval
  if (first !== undefined && others.length === 0) return value(WIDTH_MS[first]);
  const cases = intervalsOf(leaf).map(
    (interval) => `when ${pg.escapeLiteral(interval)} then ${value(WIDTH_MS[interval])}`,
  );
  return `case ${column} ${cases.join(" ")} end`;
};

/** The width of the interval of a row of `alias`, of the type `interval`. */
export function widthOf(leaf: Pick<BackupLeaf, "parent">, alias: string): string {
  return perInterval(leaf, `${alias}."interval"`, (ms) => `interval '${ms / 1000} s'`);
}

/** Whether a row of `alias` opens at the start of a slot. */
export function isAligned(leaf: Pick<BackupLeaf, "parent">, alias: string): string {
  return `${alias}."timestamp" = date_bin(${widthOf(leaf, alias)}, ${alias}."timestamp", to_timestamp(0))`;
}

/** The number of the slot of a row in the leaf, from 0. A row that damage put outside of the leaf has one too. */
export function slotOf(leaf: BackupLeaf, alias: string): string {
  const seconds = perInterval(leaf, `${alias}."interval"`, (ms) => String(ms / 1000));
  return `floor((date_part('epoch', ${alias}."timestamp") - ${leaf.span.from / 1000}) / ${seconds})::bigint`;
}

/** How many slots an interval has in the leaf. */
export function countSlotsOf({ span }: BackupLeaf, interval: Interval): number {
  return Math.ceil((span.to - span.from) / WIDTH_MS[interval]);
}

/**
 * Whether a row was written by a transaction that is not below the horizon; `horizon` is the parameter with a number that
 * counts on over wraparounds. Numbers of transactions have no order, only ages. Rows of a savepoint have a number of their
 * own, above that of their transaction, so they count as changed too.
 */
export function isChangedSince(alias: string, horizon: string): string {
  return `age(${alias}.xmin) <= (select age((${horizon}::text::xid8)::xid))`;
}
