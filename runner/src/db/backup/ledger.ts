import { MIXED } from "../../archive/hash-version.ts";
import type { Interval } from "../../contract/intervals.ts";
import type { OwnClient } from "../session.ts";
import { boundedMs, msOf } from "../sql-time.ts";
import type { BackupLeaf, LeafPart } from "./backup-leaf.ts";
import type { BackupKind } from "./backup-rows.ts";
import type { LeafCounter } from "./leaf-counters.ts";
import { HASH_FORM } from "./row-hash.ts";

/** A backup whose objects and parts are in the ledger. `xmin`, `nextXid`: as in SnapshotFacts. */
export type StoredBackup = {
  readonly id: number;
  readonly kind: BackupKind;
  readonly outcome: "stored" | "complete";
  readonly takenAt: number;
  readonly xmin: bigint;
  readonly nextXid: bigint;
  readonly systemIdentifier: string;
  readonly timeline: number;
  readonly serverVersion: number;
};

type StoredRow = Omit<StoredBackup, "xmin" | "nextXid"> & { readonly xmin: string; readonly nextXid: string };

const STORED = `
  b.id::float8 as id, b.kind, b.outcome, ${msOf("b.snapshot_at")} as "takenAt", b.snapshot_xmin::text as xmin, b.next_xid::text as "nextXid",
  b.system_identifier as "systemIdentifier", b.timeline, b.server_version as "serverVersion"`;

const LAST_STORED = `
  select ${STORED} from r3a.backup b where b.kind = $1 and b.outcome in ('stored', 'complete') order by b.id desc limit 1`;

/** The newest backup of the kind that is in the ledger; null: there is none. */
export async function findLastStored(client: OwnClient, kind: BackupKind): Promise<StoredBackup | null> {
  const [row] = await client.query<StoredRow>(LAST_STORED, [kind]);
  return row === undefined ? null : toStored(row);
}

function toStored({ xmin, nextXid, ...backup }: StoredRow): StoredBackup {
  return { ...backup, xmin: BigInt(xmin), nextXid: BigInt(nextXid) };
}

/** When a backup last looked at a leaf: `backup.xmin` is the horizon of the next one. */
export type LeafLook = {
  readonly leaf: string;
  readonly backup: StoredBackup;
  readonly counter: LeafCounter;
};

const LIST_LOOKS = `
  select l.leaf, l.changes::text as changes, l.counted_as as "countedAs", ${STORED}
  from r3a.backup_leaf l join r3a.backup b on b.id = l.backup_id
  where b.outcome in ('stored', 'complete') order by l.leaf`;

/** By leaf. A leaf that no backup looked at is missing. */
export async function listLooks(client: OwnClient): Promise<ReadonlyMap<string, LeafLook>> {
  const rows = await client.query<StoredRow & { leaf: string; changes: string; countedAs: string }>(
    LIST_LOOKS,
  );
  return new Map(
    rows.map(({ leaf, changes, countedAs, ...backup }) => [
      leaf,
      { leaf, counter: { changes: BigInt(changes), countedAs }, backup: toStored(backup) },
    ]),
  );
}

/** Where a part lies whole: the object, the hash of the part in it, and the backup whose snapshot it shows. */
export type PartBase = { readonly key: string; readonly hash: bigint; readonly backup: number };

/**
 * What a restore gives back for a part. `first`, `last` in ms, null without rows. Where base.hash is not `hash`, the deltas of
 * the leaf of later backups than base.backup come on top, and those of earlier ones must not: they hold older rows.
 * `serverVersion`: of the server that made the hashes; MIXED where they cannot be compared with any.
 */
export type StoredPart = LeafPart & {
  readonly rows: number;
  readonly hash: bigint;
  readonly nullRows: number;
  readonly nullHash: bigint;
  readonly slots: Uint8Array;
  readonly first: number | null;
  readonly last: number | null;
  readonly asOf: number;
  readonly base: PartBase | null;
  readonly hashForm: number;
  readonly serverVersion: number;
};

const LIST_PARTS = `
  select p.coin_id as "coinId", p."interval", p.rows::float8 as rows, p.hash::text as hash, p.null_rows::float8 as "nullRows",
         p.null_hash::text as "nullHash", p.slots, ${msOf("p.first_ts")} as first, ${msOf("p.last_ts")} as last,
         p.as_of::float8 as "asOf", p.base_key as "baseKey", p.base_hash::text as "baseHash", p.base_backup::float8 as "baseBackup",
         p.hash_form as "hashForm", p.server_version as "serverVersion"
  from r3a.backup_part p where p.leaf = $1 order by p.coin_id, p."interval"`;

type PartRow = Omit<StoredPart, "hash" | "nullHash" | "base"> & {
  readonly hash: string;
  readonly nullHash: string;
  readonly baseKey: string | null;
  readonly baseHash: string | null;
  readonly baseBackup: number | null;
};

/** The parts of one leaf: some kB for each, 7 MB for a leaf of 600 symbols with holes. */
export async function listStoredParts(
  client: OwnClient,
  { name }: Pick<BackupLeaf, "name">,
): Promise<readonly StoredPart[]> {
  const rows = await client.query<PartRow>(LIST_PARTS, [name]);
  return rows.map(({ baseKey, baseHash, baseBackup, ...part }) => ({
    ...part,
    hash: BigInt(part.hash),
    nullHash: BigInt(part.nullHash),
    serverVersion: part.hashForm === HASH_FORM ? part.serverVersion : MIXED,
    base:
      baseKey === null || baseHash === null || baseBackup === null
        ? null
        : { key: baseKey, hash: BigInt(baseHash), backup: baseBackup },
  }));
}

const LIST_LEAVES = `select leaf from r3a.backup_part group by leaf order by leaf`;

/** The leaves that have parts in the ledger: also those that are gone from the database. */
export async function listStoredLeaves(client: OwnClient): Promise<readonly string[]> {
  return (await client.query<{ leaf: string }>(LIST_LEAVES)).map(({ leaf }) => leaf);
}

export type SuspectKind = "changed" | "vanished" | "content";

/** A candle (`at` null: some candle of the part) that is not as a restore gives it back. Times in ms. */
export type Suspect = LeafPart & {
  readonly leaf: string;
  readonly at: number | null;
  readonly kind: SuspectKind;
  /** Hash of the row as it was found, or of the part; null: it vanished. */
  readonly hash: bigint | null;
};
export type OpenSuspect = Suspect & {
  readonly id: number;
  readonly foundBy: number;
  readonly foundAt: number;
};

const LIST_SUSPECTS = `
  select id::float8 as id, leaf, coin_id as "coinId", "interval", ${boundedMs('"at"')} as at, "at" is null as "isWhole", kind, hash::text as hash,
         found_by::float8 as "foundBy", ${msOf("found_at")} as "foundAt"
  from r3a.backup_suspect s where state = 'open' and ($1::text is null or leaf = $1)
  order by s.leaf, s.coin_id, s."interval", s."at" nulls first limit $2`;

type SuspectRow = Omit<OpenSuspect, "hash" | "interval"> & {
  readonly interval: Interval;
  readonly hash: string | null;
  readonly isWhole: boolean;
};

/** The first `most` open suspects, of one leaf or (null) of all. */
export async function listSuspects(
  client: OwnClient,
  { leaf, most }: { readonly leaf: string | null; readonly most: number },
): Promise<readonly OpenSuspect[]> {
  const rows = await client.query<SuspectRow>(LIST_SUSPECTS, [leaf, most]);
  return rows.map(({ isWhole, hash, at, ...suspect }) => ({
    ...suspect,
    at: isWhole ? null : at,
    hash: hash === null ? null : BigInt(hash),
  }));
}

const LIST_SUSPECT_PARTS = `
  select leaf, coin_id as "coinId", "interval" from r3a.backup_suspect where state = 'open'
  group by leaf, coin_id, "interval" order by leaf, coin_id, "interval"`;

/** The parts that have an open suspect. */
export async function listSuspectParts(
  client: OwnClient,
): Promise<readonly (LeafPart & { readonly leaf: string })[]> {
  return client.query<LeafPart & { readonly leaf: string }>(LIST_SUSPECT_PARTS);
}

const COUNT_SUSPECTS = `select count(*)::float8 as count from r3a.backup_suspect where state = 'open'`;

export async function countSuspects(client: OwnClient): Promise<number> {
  const [row] = await client.query<{ count: number }>(COUNT_SUSPECTS);
  return row?.count ?? 0;
}

/** $1: since when. An accepted part whose candles are not known one by one counts as any number. */
const COUNT_ACCEPTED = `
  select count(*)::float8 as count, coalesce(bool_or("at" is null), false) as "isWhole" from r3a.backup_suspect
  where state = 'accepted' and kind <> 'changed' and closed_at >= to_timestamp($1::float8 / 1000)`;

/** Candles that a person accepted as gone since then (ms); null: of a whole part, so nobody knows how many. */
export async function countAcceptedSince(client: OwnClient, since: number): Promise<number | null> {
  const [row] = await client.query<{ count: number; isWhole: boolean }>(COUNT_ACCEPTED, [since]);
  return row?.isWhole === true ? null : (row?.count ?? 0);
}
