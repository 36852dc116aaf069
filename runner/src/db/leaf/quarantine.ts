import pg from "pg";
import { QUARANTINE_SCHEMA } from "../../contract/names.ts";
import type { OwnClient } from "../session.ts";

/** What a swap takes out of the live table: names without schema; `suffix` makes them those of one swap alone. */
export type OldLeaf = {
  readonly name: string;
  readonly parent: string;
  readonly suffix: string;
  /** False where the table stands alone: it was detached. */
  readonly isAttached: boolean;
};

/** Indexes and statistics have names beside those of tables; each swap of one leaf brings the same ones. */
const LIST_NAMED = `
  select case c.relkind when 'S' then 'sequence' else 'index' end as kind, quote_ident(c.relname) as name,
         quote_ident(left(c.relname, 63 - length($2::text)) || $2) as "to"
  from pg_index x join pg_class c on c.oid = x.indexrelid where x.indrelid = $1::oid
  union all
  select 'statistics', quote_ident(stxname), quote_ident(left(stxname, 63 - length($2::text)) || $2)
  from pg_statistic_ext where stxrelid = $1::oid order by 1, 2`;
type Named = { readonly kind: "index" | "statistics"; readonly name: string; readonly to: string };

/** pg_total_relation_size counts a file that is missing as empty. */
const NOTE = `
  insert into r3a.quarantine (table_name, leaf, why, run_id, rows, bytes)
  select $2, $3, left($4, 500), $5::uuid, nullif(reltuples, -1)::bigint, pg_total_relation_size(oid) from pg_class where oid = $1::oid`;

/** The name that the table of a leaf gets in the schema quarantine. */
export function quarantineName({ name, suffix }: Pick<OldLeaf, "name" | "suffix">): string {
  return `${name.slice(0, 63 - suffix.length)}${suffix}`;
}

/**
 * The statements that move the table away from the live table with all that has a name, so that a new table can take its
 * place. They need ACCESS EXCLUSIVE on the table and on its parent, which the caller holds.
 */
export async function moveStatements(client: OwnClient, oid: number, old: OldLeaf): Promise<string> {
  const named = await client.query<Named>(LIST_NAMED, [oid, old.suffix]);
  const table = `r3a.${pg.escapeIdentifier(old.name)}`;
  const next = pg.escapeIdentifier(quarantineName(old));
  return [
    ...(old.isAttached
      ? [`alter table r3a.${pg.escapeIdentifier(old.parent)} detach partition ${table}`]
      : []),
    ...named.map(({ kind, name, to }) => `alter ${kind} r3a.${name} rename to ${to}`),
    `alter table ${table} rename to ${next}`,
    `alter table r3a.${next} set schema ${QUARANTINE_SCHEMA}`,
    // statistics do not follow their table
    ...named.flatMap(({ kind, to }) =>
      kind === "statistics" ? [`alter statistics r3a.${to} set schema ${QUARANTINE_SCHEMA}`] : [],
    ),
  ].join(";\n");
}

/** Notes which table lies in the schema quarantine from now on, in the transaction that moves it. */
export async function noteQuarantined(
  client: OwnClient,
  oid: number,
  note: {
    readonly tableName: string;
    readonly leaf: string;
    readonly why: string;
    readonly runId: string | null;
  },
): Promise<void> {
  await client.query(NOTE, [oid, note.tableName, note.leaf, note.why, note.runId]);
}

/** A table that a swap moved away. `rows`: about how many; null where the server did not know. */
export type QuarantinedTable = {
  readonly tableName: string;
  readonly leaf: string;
  readonly why: string;
  readonly runId: string | null;
  readonly movedAt: Date;
  readonly rows: number | null;
  readonly bytes: number | null;
};

const LIST = `
  select table_name as "tableName", leaf, why, run_id as "runId", moved_at as "movedAt", rows::float8 as rows, bytes::float8 as bytes
  from r3a.quarantine order by moved_at desc, table_name`;

/** What lies in the schema quarantine by the notes of the swaps, the newest first. */
export async function listQuarantined(
  client: Pick<OwnClient, "query">,
): Promise<readonly QuarantinedTable[]> {
  return client.query<QuarantinedTable>(LIST);
}
