import type { Interval } from "../../contract/intervals.ts";
import type { OwnClient } from "../session.ts";
import { msOf } from "../sql-time.ts";
import { type BackupLeaf, isAligned, type LeafPart, tableOf } from "./backup-leaf.ts";
import { columnsOf, hasNull, rowHash, sumOf, valueHash } from "./row-hash.ts";
import { isNot, type RowKey } from "./row-keys.ts";

/**
 * What is stored of a part. `hash`: sum of the hashes of its rows, modulo 2^64. `nullRows`, `nullHash`: the rows that lack
 * a value which the old layout did not have, and the sum of the hashes of what they do have: a value for a null takes the
 * hash of its row away, and nothing else. `first`, `last`: open times (ms). `isAligned`: every open time is the start of a
 * slot; if `rows` is then the number of slots from `first` to `last`, these are its slots.
 */
export type PartState = LeafPart & {
  readonly rows: number;
  readonly hash: bigint;
  readonly nullRows: number;
  readonly nullHash: bigint;
  readonly first: number;
  readonly last: number;
  readonly isAligned: boolean;
};

type PartRow = Omit<PartState, "hash" | "nullHash"> & { readonly hash: string; readonly nullHash: string };

const ROW = columnsOf("t");
const HAS_NULL = hasNull(ROW);

/** $1: coins, $2: their intervals, one pair for each part that is asked for; null: every part. */
const READ_STATES = (leaf: BackupLeaf, without: readonly RowKey[]) => `
  select t.coin_id as "coinId", t."interval", count(*)::float8 as rows, ${sumOf(rowHash(ROW))} as hash,
         (count(*) filter (where ${HAS_NULL}))::float8 as "nullRows", ${sumOf(valueHash(ROW), HAS_NULL)} as "nullHash",
         ${msOf('min(t."timestamp")')} as first, ${msOf('max(t."timestamp")')} as last,
         bool_and(${isAligned(leaf, "t")}) as "isAligned"
  from ${tableOf(leaf)} t
  where ${['($1::int[] is null or (t.coin_id, t."interval") in (select * from unnest($1::int[], $2::text[])))', ...isNot(without)].join(" and ")}
  group by t.coin_id, t."interval" order by t.coin_id, t."interval"`;

/**
 * The parts of a leaf that have rows, but for the rows `without`: all, or those of `parts`. Reads each row once. Some hundred
 * bytes for each part come back, whatever the number of rows.
 */
export async function readPartStates(
  client: OwnClient,
  leaf: BackupLeaf,
  parts: readonly LeafPart[] | null = null,
  without: readonly RowKey[] = [],
): Promise<readonly PartState[]> {
  const rows = await client.query<PartRow>(READ_STATES(leaf, without), pairsOf(parts));
  return rows.map((row) => ({ ...row, hash: BigInt(row.hash), nullHash: BigInt(row.nullHash) }));
}

const COUNT_ROWS = (leaf: BackupLeaf) => `
  select t.coin_id as "coinId", t."interval", count(*)::float8 as rows
  from ${tableOf(leaf)} t group by t.coin_id, t."interval" order by t.coin_id, t."interval"`;

export type PartCount = LeafPart & { readonly rows: number };

/** The number of rows of each part: a tenth of the time of `readPartStates`. */
export async function countParts(client: OwnClient, leaf: BackupLeaf): Promise<readonly PartCount[]> {
  return client.query<PartCount & { readonly interval: Interval }>(COUNT_ROWS(leaf));
}

/** Two parameters: the coins and the intervals of the parts. */
export function pairsOf(parts: readonly LeafPart[] | null): readonly [number[] | null, string[] | null] {
  if (parts === null) return [null, null];
  return [parts.map(({ coinId }) => coinId), parts.map(({ interval }) => interval)];
}
