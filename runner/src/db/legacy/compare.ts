import type pg from "pg";
import { onlyRow } from "../only-row.ts";
import type { LegacyLeaf } from "./catalog.ts";
import type { OldColumn } from "./columns.ts";
import { differs, fingerprintOf, fromJson, inPlace, listOf, placeOf, rowsOf } from "./rows.ts";

/** Count and hash of a leaf's rows: a leaf is dropped only if its rows are the ones that were copied. */
export type Fingerprint = string;

type Compared = { readonly fingerprint: Fingerprint; readonly rows: number; readonly lost: number };

/**
 * Counts the leaf's rows, and those that are kept nowhere: a row must be in the new table, or be a revision with every
 * value. Compares row by row: of rows that share a timestamp only one is in the table.
 */
const compare = (leaf: LegacyLeaf, columns: readonly OldColumn[]) => `
  with old as materialized (${rowsOf(leaf, columns)}),
  revised as (
    select r."timestamp", ${fromJson(columns, "r.old_values")} from r3a.candle_revision r
    where ${inPlace("r")} and r.old_source = 'legacy'
  ),
  lost as (
    select o."timestamp", ${listOf(columns, "o")} from old o
    left join r3a.ohlcv_partitioned t on t."timestamp" = o."timestamp" and ${inPlace("t")}
    where t."timestamp" is null or ${differs(columns, "t", "o")}
    except select * from revised
  )
  select ${fingerprintOf(columns, "o")} as fingerprint, count(*)::int as rows, (select count(*)::int from lost) as lost
  from old o`;

const readFingerprint = (leaf: LegacyLeaf, columns: readonly OldColumn[]) => `
  select ${fingerprintOf(columns, "o")} as fingerprint from (${rowsOf(leaf, columns)}) o`;

/** Throws if a row of the leaf is kept nowhere. */
export async function expectKept(
  client: pg.PoolClient,
  leaf: LegacyLeaf,
  columns: readonly OldColumn[],
): Promise<Fingerprint> {
  const result = onlyRow((await client.query<Compared>(compare(leaf, columns), placeOf(leaf))).rows);
  if (result.lost === 0) return result.fingerprint;
  throw new Error(
    `the copy of ${leaf.name} is not what the leaf holds (${result.lost} of ${result.rows} rows are kept nowhere or with other values); the leaf stays as it was`,
  );
}

/** The fingerprint of the leaf as it is now, in the caller's transaction. */
export async function fingerprint(
  client: pg.PoolClient,
  leaf: LegacyLeaf,
  columns: readonly OldColumn[],
): Promise<Fingerprint> {
  const text = readFingerprint(leaf, columns);
  return onlyRow((await client.query<Pick<Compared, "fingerprint">>(text)).rows).fingerprint;
}
