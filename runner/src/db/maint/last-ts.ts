import { TryAgain } from "../../errors.ts";
import type { KnownSeries, LastTs, SeriesKey } from "../../maint/refresh-plan.ts";
import type { Leaf } from "../../partition/layout.ts";
import { codeOf } from "../fault.ts";
import { lockKey } from "../lock.ts";
import { onlyRow } from "../only-row.ts";
import type { OwnClient } from "../session.ts";
import { msOf } from "../sql-time.ts";
import { LOCK_NOT_AVAILABLE, UNDEFINED_TABLE } from "../sqlstate.ts";
import { NEWEST, type OpenLeaf, SET_TIMEOUTS } from "./last-ts-look.ts";

/** `newest`: of the leaves that were read (ms); null where they hold no candle at or after what the table says. */
export type ComparedSeries = KnownSeries & { readonly newest: number | null };

/** A leaf as SQL names it, with its list partition. */
export type StoredLeaf = Omit<Leaf, "name"> & { readonly table: string };

const KEYS = `unnest($1::int[], $2::text[]) as k (coin_id, "interval")`;
const TABLE = "r3a_util.last_ts_by_coin_interval";

/** Both with both timeouts in effect. The second needs no lock, and the server refuses to write in it. */
const BEGIN = {
  refresh: `begin; ${SET_TIMEOUTS};
    select pg_try_advisory_xact_lock('${lockKey("refresh-lastts", "global")}'::bigint) as "isHeld"`,
  look: `begin read only; ${SET_TIMEOUTS}; select true as "isHeld"`,
} as const;

const LIST_LEAVES = `
  select leaf::text as table, parent::text as parent, ${msOf("from_ts")} as "from", ${msOf("to_ts")} as "to"
  from r3a_util.leaf_partitions() order by from_ts desc`;

const LIST_SYMBOLS = `select id as "coinId", symbol from r3a.coin where id = any($1::int[])`;

/** Which of these names are leaves of the candle table now; one that is being detached is none. */
const LIST_ATTACHED = `
  select c.relname as name from pg_class c
  where c.relname = any($1::name[]) and c.relnamespace = 'r3a'::regnamespace
    and pg_partition_root(c.oid) = 'r3a.ohlcv_partitioned'::regclass`;

const COMPARE = (leaves: readonly OpenLeaf[]) => `
  select coin_id as "coinId", "interval", ${msOf("last_ts")} as "lastTs", ${msOf(NEWEST(leaves))} as newest
  from (select coin_id, "interval", l.last_ts from r3a.series full join ${TABLE} l using (coin_id, "interval")) k`;

const FIND_IN_LEAF = (table: string) => `
  select k.coin_id as "coinId", k."interval", ${msOf('newest."timestamp"')} as "lastTs"
  from ${KEYS} cross join lateral (
    select t."timestamp" from ${table} t where t.coin_id = k.coin_id and t."interval" = k."interval"
    order by t."timestamp" desc limit 1) newest`;

/** Rows that a sync has locked are left to it: a session that waits for no lock while it holds rows is in no deadlock. */
const LOCK_ROWS = `
  select coin_id as "coinId", "interval", ${msOf("last_ts")} as "lastTs" from ${TABLE}
  where (coin_id, "interval") in (select * from ${KEYS}) for update skip locked`;

const SET_ROWS = `
  update ${TABLE} l set last_ts = to_timestamp(k.ms / 1000.0)
  from unnest($1::int[], $2::text[], $3::float8[]) as k (coin_id, "interval", ms)
  where l.coin_id = k.coin_id and l."interval" = k."interval"`;

const DELETE_ROWS = `delete from ${TABLE} where (coin_id, "interval") in (select * from ${KEYS})`;

/** Shorter than a server's deadlock_timeout (1 s): of two that wait for each other's new rows this session gives up. */
const SET_SHORT_WAIT = `savepoint added; set local lock_timeout = '200ms'`;

const ADD_ROWS = `
  insert into ${TABLE} (coin_id, "interval", last_ts)
  select coin_id, "interval", to_timestamp(ms / 1000.0)
  from unnest($1::int[], $2::text[], $3::float8[]) as k (coin_id, "interval", ms)
  on conflict do nothing returning coin_id as "coinId", "interval"`;

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
export async function keepAttached(
  client: OwnClient,
  leaves: readonly OpenLeaf[],
): Promise<readonly OpenLeaf[]> {
  const rows = await client.query<{ name: string }>(LIST_ATTACHED, [leaves.map(({ name }) => name)]);
  return leaves.filter(({ name }) => rows.some((row) => row.name === name));
}

/** Opens the transaction. False where another holder refreshes. */
export async function beginRefresh(client: OwnClient, kind: keyof typeof BEGIN): Promise<boolean> {
  return onlyRow(await client.query<{ isHeld: boolean }>(BEGIN[kind])).isHeld;
}

/**
 * Every series that the table or r3a.series knows. One that has candles and neither (rows that somebody copied in) is
 * found once a sync or backfill has written its row of r3a.series: to ask for every coin and interval would search all
 * leaves for each that has no candles, and takes five to eight times as long where half of them have none.
 */
export async function compareSeries(
  client: OwnClient,
  leaves: readonly OpenLeaf[],
): Promise<readonly ComparedSeries[]> {
  return client.query<ComparedSeries>(COMPARE(leaves)).catch(tellGone);
}

/** Somebody dropped a leaf after it was listed: without this it would be said that the schema is another program's. */
function tellGone(cause: unknown): never {
  if (codeOf(cause) !== UNDEFINED_TABLE) throw cause;
  throw new TryAgain("a leaf went while it was read: run refresh-lastts again", { cause });
}

/** The newest candle in one leaf of those of `series` that have one there: one probe of the primary key each. */
export async function findInLeaf(
  client: OwnClient,
  leaf: StoredLeaf,
  series: readonly SeriesKey[],
): Promise<readonly LastTs[]> {
  return client.query<LastTs>(FIND_IN_LEAF(leaf.table), columnsOf(series)).catch(tellGone);
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
export async function listSymbolsOf(
  client: OwnClient,
  coinIds: readonly number[],
): Promise<ReadonlyMap<number, string>> {
  const rows = await client.query<{ coinId: number; symbol: string }>(LIST_SYMBOLS, [coinIds]);
  return new Map(rows.map(({ coinId, symbol }) => [coinId, symbol]));
}

function columnsOf(series: readonly SeriesKey[]): [number[], string[]] {
  return [series.map(({ coinId }) => coinId), series.map(({ interval }) => interval)];
}
