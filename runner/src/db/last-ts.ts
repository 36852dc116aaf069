import pg from "pg";
import type { Interval } from "../contract.ts";
import type { Leaf } from "../partition/layout.ts";
import { codeOf } from "./connect.ts";
import { lockKey } from "./lock.ts";
import type { OwnClient } from "./own-client.ts";

/** A series by its key. The interval is any text: the table may hold one that the system does not know (any more). */
export type SeriesKey = { readonly coinId: number; readonly interval: string };

/** Open time (ms) of a series' newest candle. */
export type LastTs = SeriesKey & { readonly lastTs: number };

/** What the table says of a series, null where it says nothing. */
export type KnownSeries = SeriesKey & { readonly lastTs: number | null };

/** `newest`: of the leaves that were read (ms); null where they hold no candle at or after what the table says. */
export type ComparedSeries = KnownSeries & { readonly newest: number | null };

/** A leaf as SQL names it, with its list partition. */
export type StoredLeaf = Omit<Leaf, "name"> & { readonly table: string };

/** A leaf by its name, with the intervals that it holds. */
export type OpenLeaf = { readonly name: string; readonly intervals: readonly Interval[] };

const LOCK_NOT_AVAILABLE = "55P03";
const UNDEFINED_TABLE = "42P01";

const MS = (column: string) => `(extract(epoch from ${column}) * 1000)::float8`;
const KEYS = `unnest($1::int[], $2::text[]) as k (coin_id, "interval")`;
const TABLE = "r3a_util.last_ts_by_coin_interval";

const SET_TIMEOUTS = `set local lock_timeout = '3s'; set local statement_timeout = '60s'`;
/**
 * Both open a transaction with both timeouts in effect. `refresh` tries the lock and keeps the answer for the statement
 * after it; `look` needs none, and the server refuses to write in it.
 */
const BEGIN = {
  refresh: `begin; ${SET_TIMEOUTS};
    select set_config('r3a.held', pg_try_advisory_xact_lock('${lockKey("refresh-lastts", "global")}'::bigint)::text, true)`,
  look: `begin read only; ${SET_TIMEOUTS}; select set_config('r3a.held', 'true', true)`,
} as const;
const IS_LEGACY_THERE = `select to_regclass('r3a.ohlcv_legacy') is not null as there`;

const LIST_LEAVES = `
  select leaf::text as table, parent::text as parent, ${MS("from_ts")} as "from", ${MS("to_ts")} as "to"
  from r3a_util.leaf_partitions() order by from_ts desc`;

const LIST_SYMBOLS = `select id as "coinId", symbol from r3a.coin where id = any($1::int[])`;

/** Names of ours that are leaves now. Only asked where one is not: on a new connection it is a fifth of the whole time. */
const LIST_ATTACHED = `
  select c.relname as name from pg_class c join pg_inherits i on i.inhrelid = c.oid and not i.inhdetachpending
  where c.relname = any($1::name[]) and c.relnamespace = 'r3a'::regnamespace`;

/**
 * The series' newest candle in the leaf, if it is not older than what the table says: one probe of the primary key, which
 * ends at the first candle. The leaf by its own name: through the parents the planner would also open what was made
 * ahead (a third of the time of a new connection).
 */
const NEWEST_IN_LEAF = ({ name }: OpenLeaf) => `(
  select t."timestamp" from r3a.${pg.escapeIdentifier(name)} t
  where t.coin_id = k.coin_id and t."interval" = k."interval" and t."timestamp" >= k.last_ts
  order by t."timestamp" desc limit 1)`;

/**
 * Of a series' own leaves alone, newest first, and no further than the first that answers: a union over all leaves took
 * twice the time. Null where no leaf of its interval is there.
 */
const NEWEST = (leaves: readonly OpenLeaf[]) => {
  const byIntervals = [...Map.groupBy(leaves, ({ intervals }) => intervals.map(pg.escapeLiteral).join(", "))];
  const cases = byIntervals.map(
    ([intervals, of]) =>
      `when k."interval" in (${intervals}) then coalesce(${of.toReversed().map(NEWEST_IN_LEAF).join(", ")})`,
  );
  return cases.length === 0 ? "null::timestamptz" : `case ${cases.join(" ")} end`;
};

/** 1 or 0; not attached is also what is about to be detached. By a function: a look into pg_inherits must be planned. */
const IS_ATTACHED = ({ name }: OpenLeaf) =>
  `coalesce((pg_partition_root(${pg.escapeLiteral(`r3a.${pg.escapeIdentifier(name)}`)}::regclass) = 'r3a.ohlcv_partitioned'::regclass)::int, 0)`;

/** One statement: a job has a new connection, on which parsing and planning a second one cost as much as the probes. */
const COMPARE = (leaves: readonly OpenLeaf[]) => `
  with known as materialized (
    select coin_id, "interval", l.last_ts from r3a.series s full join ${TABLE} l using (coin_id, "interval")
  ), compared as materialized (
    select k.*, ${NEWEST(leaves)} as newest
    from known k
  )
  select current_setting('r3a.held')::boolean as "isHeld", count(*)::int as series,
         coalesce(jsonb_agg(jsonb_build_object('coinId', coin_id, 'interval', "interval", 'lastTs', ${MS("last_ts")}, 'newest', ${MS("newest")}))
           filter (where newest is null or newest <> last_ts), '[]') as differing,
         ${["0", ...leaves.map(IS_ATTACHED)].join(" + ")} as attached
  from compared`;

const FIND_IN_LEAF = (table: string) => `
  select k.coin_id as "coinId", k."interval", ${MS('newest."timestamp"')} as "lastTs"
  from ${KEYS} cross join lateral (
    select t."timestamp" from ${table} t where t.coin_id = k.coin_id and t."interval" = k."interval"
    order by t."timestamp" desc limit 1) newest`;

/** Rows that a sync is at are left to it: we wait for nobody while we hold rows, so nobody deadlocks with us. */
const LOCK_ROWS = `
  select coin_id as "coinId", "interval", ${MS("last_ts")} as "lastTs" from ${TABLE}
  where (coin_id, "interval") in (select * from ${KEYS}) for update skip locked`;

const SET_ROWS = `
  update ${TABLE} l set last_ts = to_timestamp(k.ms / 1000.0)
  from unnest($1::int[], $2::text[], $3::float8[]) as k (coin_id, "interval", ms)
  where l.coin_id = k.coin_id and l."interval" = k."interval"`;

const DELETE_ROWS = `delete from ${TABLE} where (coin_id, "interval") in (select * from ${KEYS})`;

/** Shorter than a server's deadlock_timeout (1 s): of two that wait for each other's new rows it is us who give up. */
const SET_SHORT_WAIT = `savepoint added; set local lock_timeout = '200ms'`;

const ADD_ROWS = `
  insert into ${TABLE} (coin_id, "interval", last_ts)
  select coin_id, "interval", to_timestamp(ms / 1000.0)
  from unnest($1::int[], $2::text[], $3::float8[]) as k (coin_id, "interval", ms)
  on conflict do nothing returning coin_id as "coinId", "interval"`;

/** Whether candles lie outside the leaves, because the old layout has not been moved to its end. */
export async function isLegacyThere(client: OwnClient): Promise<boolean> {
  const [row] = await client.query<{ there: boolean }>(IS_LEGACY_THERE);
  return row?.there === true;
}

/** All leaves, newest first. Those of a list partition never overlap. */
export async function listStoredLeaves(client: OwnClient): Promise<readonly StoredLeaf[]> {
  const rows = await client.query<{ table: string; parent: string; from: number; to: number }>(LIST_LEAVES);
  return rows.map(({ table, parent, from, to }) => ({
    table,
    parent: parent.replace(/^r3a\./, ""),
    span: { from, to },
  }));
}

/** Those of `leaves` that are attached. */
export async function listAttached(
  client: OwnClient,
  leaves: readonly OpenLeaf[],
): Promise<readonly OpenLeaf[]> {
  const rows = await client.query<{ name: string }>(LIST_ATTACHED, [leaves.map(({ name }) => name)]);
  return leaves.filter(({ name }) => rows.some((row) => row.name === name));
}

/** `series`: how many were compared. */
export type Comparison = { readonly series: number; readonly differing: readonly ComparedSeries[] };

/**
 * Opens the transaction and holds the table against the newest candles in `leaves`, for every series that it or r3a.series
 * knows. One that has candles and neither (rows that somebody copied in) is found once a sync or backfill has written its
 * row of r3a.series: to ask for every coin and interval would search all leaves for each that has no candles, and takes
 * five to eight times as long where half of them have none. `held`: another holder refreshes, and nothing may be written. `moved`: one of the leaves is not there, or not
 * attached, and the transaction can only be rolled back. One message to the server: each costs a tenth of the whole.
 */
export async function beginCompared(
  client: OwnClient,
  kind: keyof typeof BEGIN,
  leaves: readonly OpenLeaf[],
): Promise<Comparison | "held" | "moved"> {
  type Row = Comparison & { readonly attached: number; readonly isHeld: boolean };
  try {
    const [row] = await client.query<Row>(`${BEGIN[kind]}; ${COMPARE(leaves)}`);
    if (row?.isHeld !== true) return "held";
    if (row.attached !== leaves.length) return "moved";
    return { series: row.series, differing: row.differing.map(withNumber) };
  } catch (error) {
    if (codeOf(error) === UNDEFINED_TABLE) return "moved";
    throw error;
  }
}

/** JSON has no infinity, which somebody may have written: it comes as text. */
function withNumber({ lastTs, ...rest }: ComparedSeries): ComparedSeries {
  return { ...rest, lastTs: lastTs === null ? null : Number(lastTs) };
}

/** The newest candle in one leaf of those of `series` that have one there: one probe of the primary key each. */
export async function findInLeaf(
  client: OwnClient,
  leaf: StoredLeaf,
  series: readonly SeriesKey[],
): Promise<readonly LastTs[]> {
  return client.query(FIND_IN_LEAF(leaf.table), columnsOf(series));
}

/**
 * Locks the rows of `series` and returns what they say now. Rows in use and rows that are gone are left out. What is
 * read after it can no longer be overtaken: a sync that stores a candle waits for its row before it commits.
 */
export async function lockRows(client: OwnClient, series: readonly SeriesKey[]): Promise<readonly LastTs[]> {
  return client.query(LOCK_ROWS, columnsOf(series));
}

/** Writes rows that `lockRows` holds. */
export async function setRows(client: OwnClient, rows: readonly LastTs[]): Promise<void> {
  await client.query(SET_ROWS, [...columnsOf(rows), rows.map(({ lastTs }) => lastTs)]);
}

/** Deletes rows that `lockRows` holds. */
export async function deleteRows(client: OwnClient, series: readonly SeriesKey[]): Promise<void> {
  await client.query(DELETE_ROWS, columnsOf(series));
}

/** Adds rows that were missing; returns those that were added. None where a sync is adding one of them itself. */
export async function addRows(client: OwnClient, rows: readonly LastTs[]): Promise<readonly SeriesKey[]> {
  await client.query(SET_SHORT_WAIT);
  try {
    return await client.query(ADD_ROWS, [...columnsOf(rows), rows.map(({ lastTs }) => lastTs)]);
  } catch (error) {
    if (codeOf(error) !== LOCK_NOT_AVAILABLE) throw error;
    await client.query("rollback to savepoint added");
    return [];
  }
}

/** Symbols by coin id; a coin that is gone has none. */
export async function listSymbols(
  client: OwnClient,
  coinIds: readonly number[],
): Promise<ReadonlyMap<number, string>> {
  const rows = await client.query<{ coinId: number; symbol: string }>(LIST_SYMBOLS, [coinIds]);
  return new Map(rows.map(({ coinId, symbol }) => [coinId, symbol]));
}

function columnsOf(series: readonly SeriesKey[]): [number[], string[]] {
  return [series.map(({ coinId }) => coinId), series.map(({ interval }) => interval)];
}
