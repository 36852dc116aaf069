import type { Readable } from "node:stream";
import pg from "pg";
import { COPY_COLUMNS } from "../copy-lines.ts";
import type { OwnClient } from "../session.ts";
import { type BackupLeaf, isChangedSince, type LeafPart, tableOf } from "./backup-leaf.ts";
import { array, isNot, keys, type RowKey } from "./row-keys.ts";
import type { ExportedTable } from "./tables.ts";

/** Version of the text: COPY's text format by these columns, ordered by the key, times in UTC, numbers as they are stored. */
export const COPY_FORM = 1;

const numberText = (value: bigint) => pg.escapeLiteral(String(value));

const pairs = (parts: readonly LeafPart[]) =>
  `select * from unnest(${array(
    parts.map(({ coinId }) => coinId),
    "int",
  )}, ${array(
    parts.map(({ interval }) => interval),
    "text",
  )})`;

const KEY = `coin_id, "interval", "timestamp"`;

function copyLeaf(client: OwnClient, leaf: BackupLeaf, where: readonly string[]): Readable {
  const filter = where.length === 0 ? "" : `where ${where.join(" and ")}`;
  return client.copyOut(
    `copy (select ${COPY_COLUMNS} from ${tableOf(leaf)} t ${filter} order by ${KEY}) to stdout`,
  );
}

const isOf = (parts: readonly LeafPart[] | null) =>
  parts === null ? [] : [`(t.coin_id, t."interval") in (${pairs(parts)})`];

/** All rows of parts of a leaf (null: of every part), less `without`. One line a row. */
export function copyParts(
  client: OwnClient,
  leaf: BackupLeaf,
  parts: readonly LeafPart[] | null,
  without: readonly RowKey[] = [],
): Readable {
  return copyLeaf(client, leaf, [...isOf(parts), ...isNot(without)]);
}

/** The rows of a leaf that changed since the horizon (as in `readChanges`; null: all rows), of `parts` (null: of all), less `without`. */
export function copyChanged(
  client: OwnClient,
  leaf: BackupLeaf,
  {
    horizon,
    parts = null,
    without,
  }: {
    readonly horizon: bigint | null;
    readonly parts?: readonly LeafPart[] | null;
    readonly without: readonly RowKey[];
  },
): Readable {
  const changed = horizon === null ? [] : [isChangedSince("t", numberText(horizon))];
  return copyLeaf(client, leaf, [...changed, ...isOf(parts), ...isNot(without)]);
}

/** The rows of these keys, as far as they are there. */
export function copyRows(client: OwnClient, leaf: BackupLeaf, rows: readonly RowKey[]): Readable {
  return copyLeaf(client, leaf, [`(${KEY}) in (${keys(rows)})`]);
}

/** A table: whole, or (horizon not null) the rows that changed since. */
export function copyTable(client: OwnClient, table: ExportedTable, horizon: bigint | null): Readable {
  const filter = horizon === null ? "" : `where ${isChangedSince("t", numberText(horizon))}`;
  return client.copyOut(
    `copy (select ${listOf(table.columns)} from ${table.name} t ${filter} order by ${listOf(table.key)}) to stdout`,
  );
}

/** All rows of a table that has (coin_id, "interval"), of these series alone. */
export function copySeries(client: OwnClient, table: ExportedTable, series: readonly LeafPart[]): Readable {
  return client.copyOut(
    `copy (select ${listOf(table.columns)} from ${table.name} t where (t.coin_id, t."interval") in (${pairs(series)})
           order by ${listOf(table.key)}) to stdout`,
  );
}

const listOf = (columns: readonly string[]) =>
  columns.map((column) => pg.escapeIdentifier(column)).join(", ");
