import pg from "pg";
import type { Span } from "../../candle/span.ts";
import type { Interval } from "../../contract/intervals.ts";
import { BESIDE_KEY } from "../candles.ts";
import { COPY_COLUMNS } from "../copy-lines.ts";
import { codeOf } from "../fault.ts";
import type { OwnClient } from "../session.ts";

/** A table beside the live one, named as its leaf. `span` and `intervals`: what its rows must lie in. */
export type ScratchLeaf = {
  readonly schema: string;
  readonly name: string;
  readonly span: Span;
  readonly intervals: readonly Interval[];
};

/** The canonical columns with their types; a column that a later version added to the live table is not among them. */
const COLUMNS = `
  coin_id      integer not null,
  "interval"   text not null,
  "timestamp"  timestamptz not null,
  open         numeric not null,
  high         numeric not null,
  low          numeric not null,
  close        numeric not null,
  volume       numeric not null,
  quote_volume numeric,
  trades       bigint,
  taker_base   numeric,
  taker_quote  numeric,
  close_time   timestamptz,
  source       text,
  flags        smallint`;
const REPLACED = BESIDE_KEY.map((name) => `${name} = excluded.${name}`).join(", ");

export function scratchName({ schema, name }: Pick<ScratchLeaf, "schema" | "name">): string {
  return `${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(name)}`;
}

/**
 * Makes the table of a leaf, and its schema where there is none, and lets `fill` do the rest: all in one transaction, so that
 * nothing of the leaf stays where anything of it is refused. The rows come from a store, which may pause for longer than a
 * session may idle.
 */
export async function makeScratchLeaf(
  client: OwnClient,
  leaf: ScratchLeaf,
  fill: () => Promise<void>,
): Promise<void> {
  try {
    await client.query(`begin; set local idle_in_transaction_session_timeout = 0;
      create schema if not exists ${pg.escapeIdentifier(leaf.schema)};
      create table ${scratchName(leaf)} (${COLUMNS})`);
    await fill();
    await client.query("commit");
  } catch (error) {
    // where the connection is lost the transaction ends by itself, and the first error says why
    await client.query("rollback").catch(() => {});
    throw error;
  }
}

/** Adds rows as COPY text; none of them may be there yet. */
export async function addRows(
  client: OwnClient,
  leaf: ScratchLeaf,
  rows: readonly Uint8Array[],
): Promise<void> {
  await client.copyIn(`copy ${scratchName(leaf)} (${COPY_COLUMNS}) from stdin`, rows);
}

/** After the rows of the bases: an index that is built at once takes half the time of one that grows by the row. */
export async function addKey(client: OwnClient, leaf: ScratchLeaf): Promise<void> {
  await client.query(`alter table ${scratchName(leaf)} add primary key (coin_id, "interval", "timestamp")`);
}

/** Adds rows of a delta as COPY text to what `mergeDelta` merges; `addKey` comes first. */
export async function stageRows(
  client: OwnClient,
  leaf: ScratchLeaf,
  rows: readonly Uint8Array[],
): Promise<void> {
  await client.query(
    `create temp table if not exists restored_delta (like ${scratchName(leaf)}) on commit drop`,
  );
  await client.copyIn(`copy pg_temp.restored_delta (${COPY_COLUMNS}) from stdin`, rows);
}

/** Lets the staged rows replace the rows of the same key. A delta without rows for this leaf staged none. */
export async function mergeDelta(client: OwnClient, leaf: ScratchLeaf): Promise<void> {
  await client.query(`
    insert into ${scratchName(leaf)} (${COPY_COLUMNS}) select ${COPY_COLUMNS} from pg_temp.restored_delta
    on conflict (coin_id, "interval", "timestamp") do update set ${REPLACED};
    truncate pg_temp.restored_delta`);
}

/** The bounds of the leaf, as the live leaf has them; fails with 23514 where a row lies outside. */
export async function addBounds(client: OwnClient, leaf: ScratchLeaf): Promise<void> {
  const { span, intervals } = leaf;
  const timeOf = (ms: number) => `timestamptz ${pg.escapeLiteral(new Date(ms).toISOString())}`;
  await client.query(`alter table ${scratchName(leaf)}
    add constraint bounds check ("interval" in (${intervals.map(pg.escapeLiteral).join(", ")})
      and "timestamp" >= ${timeOf(span.from)} and "timestamp" < ${timeOf(span.to)})`);
}

/**
 * Whether the rows themselves are at fault: a text that is no value, a key that is there twice, a time outside of the leaf.
 */
export function isFaultOfRows(error: unknown): boolean {
  return error instanceof pg.DatabaseError && /^(21|22|23)/.test(codeOf(error) ?? "");
}
