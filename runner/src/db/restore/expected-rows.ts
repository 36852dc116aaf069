import { onlyRow } from "../only-row.ts";
import type { OwnClient } from "../session.ts";
import type { TargetTable } from "./load-table.ts";

/**
 * What a restore itself changes in a small table. `skip`: why the table is not compared. `where`: only these rows of the
 * backup are; `hasMore`: the restore adds rows of its own.
 */
type Change = { readonly skip: string } | { readonly where: string; readonly hasMore: true };

const CHANGES: Readonly<Record<string, Change>> = {
  "r3a.job_counter": { skip: "a restore counts the runs that it closes" },
  "r3a.api_budget": { skip: "a restore keeps holds and bans alone" },
  "r3a.backup_copy": { skip: "a restore notes again which objects it has read" },
  "r3a.run": { where: "outcome <> 'running'", hasMore: true },
  "r3a.backup": { where: "outcome in ('complete', 'failed')", hasMore: true },
  "r3a.backup_suspect": { where: "state <> 'open'", hasMore: true },
  "r3a.backup_object": { where: "true", hasMore: true },
  "r3a.backup_use": { where: "true", hasMore: true },
};

/** Whether a small table can be compared after a restore. */
export function isCompared(name: string): boolean {
  const change = CHANGES[name];
  return change === undefined || !("skip" in change);
}

/** Begins to collect the rows that a table must have; those of another table are forgotten. */
export async function beginExpected(client: OwnClient, { table, columns }: TargetTable): Promise<void> {
  await client.query(`
    drop table if exists pg_temp.drill_part, pg_temp.drill_expected;
    create temp table drill_part as select ${columns} from ${table} where false;
    create temp table drill_expected as select ${columns}, 0 as drill_place, 0::bigint as drill_backup from ${table} where false`);
}

export async function stageExpected(
  client: OwnClient,
  { columns }: TargetTable,
  rows: readonly Uint8Array[],
): Promise<void> {
  await client.copyIn(`copy pg_temp.drill_part (${columns}) from stdin`, rows);
}

const FORGET_SERIES = `
  delete from pg_temp.drill_expected e using (select distinct coin_id, "interval" from pg_temp.drill_part) s
  where e.coin_id = s.coin_id and e."interval" = s."interval"`;

/** Takes the staged rows of one object. `place`: of the object in the order in which they are applied. */
export async function takeExpected(
  client: OwnClient,
  { columns }: TargetTable,
  object: {
    readonly mode: "whole" | "rows" | "series";
    readonly place: number;
    readonly backup: number;
  },
): Promise<void> {
  if (object.mode === "whole") await client.query("truncate pg_temp.drill_expected");
  if (object.mode === "series") await client.query(FORGET_SERIES);
  await client.query(`insert into pg_temp.drill_expected select ${columns}, $1, $2 from pg_temp.drill_part`, [
    object.place,
    object.backup,
  ]);
  await client.query("truncate pg_temp.drill_part");
}

/** The gaps of a series are those of the backup that the ledger names: with the last one gone, no later object has a row. */
const FORGET_GONE = `
  delete from pg_temp.drill_expected e using r3a.backup_gap_series s
  where e.coin_id = s.coin_id and e."interval" = s."interval" and e.drill_backup < s.backup_id`;

/** `missing`: rows of the backup that the table lacks or has otherwise; `more`: rows that only the table has. */
export type RowsDifference = {
  readonly missing: number;
  readonly more: number;
  readonly example: string | null;
};

/** Rows as texts, so that 1.50 differs from 1.5. Of several rows of one key the last object's counts. */
const compare = ({ name, table, columns, key }: TargetTable) => {
  const change = CHANGES[name];
  const where = change !== undefined && "where" in change ? change.where : "true";
  const more = change !== undefined && "hasMore" in change ? "false" : "true";
  return `
  with last as (select distinct on (${key}) * from pg_temp.drill_expected order by ${key}, drill_place desc),
  expected as materialized (select row(${columns})::text as line from last where ${where}),
  actual as materialized (select row(${columns})::text as line from ${table}),
  missing as materialized (select line from expected except all select line from actual),
  more as materialized (select line from actual where ${more} except all select line from expected)
  select (select count(*) from missing)::float8 as missing, (select count(*) from more)::float8 as more,
         left(coalesce((select min(line) from missing), (select min(line) from more)), 120) as example`;
};

/** How the table differs from the collected rows. */
export async function compareExpected(client: OwnClient, target: TargetTable): Promise<RowsDifference> {
  if (target.name === "r3a.ohlcv_gap_log") await client.query(FORGET_GONE);
  return onlyRow(await client.query<RowsDifference>(compare(target)));
}
