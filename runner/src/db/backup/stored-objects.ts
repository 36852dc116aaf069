import { type Database, queryRows } from "../connect.ts";
import type { OwnClient } from "../session.ts";
import { msOf } from "../sql-time.ts";
import { isChangedSince } from "./backup-leaf.ts";
import type { ExportMode } from "./tables.ts";

export type Tier = "hot" | "warm" | "cold";

/** An object as the ledger has it. `bytes`, `sha256`: as stored; `plainBytes`, `plainSha256`: of the text in it. */
export type StoredObject = {
  readonly key: string;
  /** The backup that made it. */
  readonly madeBy: number;
  readonly attempt: string;
  readonly rows: number;
  readonly bytes: number;
  readonly sha256: string;
  readonly plainBytes: number;
  readonly plainSha256: string;
};

/** With the tiers that hold it. */
export type PlacedObject = StoredObject & { readonly tiers: readonly Tier[] };

/** What a backup uses an object as. `first`, `last`: open times (ms) of its candles. */
export type ObjectUse = { readonly key: string; readonly columns: readonly string[] } & (
  | {
      readonly kind: "delta" | "beside";
      readonly leaf: string;
      readonly first: number | null;
      readonly last: number | null;
    }
  | { readonly kind: "table"; readonly table: string; readonly mode: ExportMode }
  | { readonly kind: "schema" }
);

/** An object and the backup that uses it; what does not belong to the kind is null. */
export type UsedObject = PlacedObject & {
  readonly backup: number;
  readonly kind: ObjectUse["kind"];
  readonly columns: readonly string[];
  readonly leaf: string | null;
  readonly first: number | null;
  readonly last: number | null;
  readonly table: string | null;
  readonly mode: ExportMode | null;
};

const OBJECT = `
  o.key, o.backup_id::float8 as "madeBy", o.attempt, o.rows::float8 as rows, o.bytes::float8 as bytes, o.sha256,
  o.plain_bytes::float8 as "plainBytes", o.plain_sha256 as "plainSha256",
  array(select c.tier from r3a.backup_copy c where c.key = o.key order by c.tier) as tiers`;
const USE = `
  ${OBJECT}, u.backup_id::float8 as backup, u.kind, u.columns, u.leaf, ${msOf("u.first_ts")} as first, ${msOf("u.last_ts")} as last,
  u.table_name as "table", u.mode
  from r3a.backup_use u join r3a.backup_object o on o.key = u.key`;

const BY_KEY = `select ${OBJECT} from r3a.backup_object o where o.key = any($1) order by o.key`;
const BY_TEXT = `
  select ${OBJECT} from r3a.backup_object o where o.plain_sha256 = $1 order by o.backup_id, o.key`;

/** The objects of these keys that the ledger has. */
export async function findObjects(
  client: OwnClient,
  keys: readonly string[],
): Promise<readonly PlacedObject[]> {
  return client.query<PlacedObject>(BY_KEY, [keys]);
}

/**
 * The objects with this text (SHA-256), oldest first: one tier never holds the same text twice. Asked as the ledger is now,
 * since another backup may have put one after the snapshot.
 */
export async function findSameText(db: Database, plainSha256: string): Promise<readonly PlacedObject[]> {
  return queryRows<PlacedObject>(db, BY_TEXT, [plainSha256]);
}

/**
 * A delta is needed while a part of its leaf has rows that its base has not: where the base holds the part as it is, none
 * is; else those of later backups than the base.
 */
const NEEDED_DELTAS = `
  with needy as (
    select leaf, min(coalesce(base_backup, 0)) as after from r3a.backup_part
    where base_hash is distinct from hash and ($1::text is null or leaf = $1) group by leaf
  )
  select ${USE} join needy n on n.leaf = u.leaf
  where u.kind = 'delta' and u.backup_id > n.after order by u.backup_id, o.key`;

/**
 * The deltas of a leaf or (null) of all that a restore needs, in the order in which they are applied: each one only to parts
 * whose base is of an earlier backup, since a later base has newer rows.
 */
export async function listNeededDeltas(
  client: OwnClient,
  leaf: string | null,
): Promise<readonly UsedObject[]> {
  return client.query<UsedObject>(NEEDED_DELTAS, [leaf]);
}

const TABLE_OBJECTS = `
  select ${USE}
  where u.kind = 'table' and u.backup_id >= coalesce((
    select max(w.backup_id) from r3a.backup_use w where w.table_name = u.table_name and w.mode = 'whole'), 0)
  order by u.table_name, u.backup_id, o.key`;

/** Of each table its newest whole export and all that came after it, in the order in which they are applied. */
export async function listTableObjects(client: OwnClient): Promise<readonly UsedObject[]> {
  return client.query<UsedObject>(TABLE_OBJECTS);
}

const BESIDE = `
  with suspect as (select leaf, min(found_by) as since from r3a.backup_suspect where state = 'open' group by leaf)
  select ${USE} join suspect s on s.leaf = u.leaf
  where u.kind = 'beside' and u.backup_id >= s.since order by u.backup_id, o.key`;

/** What lies beside the leaves that have open suspects, since the first of these was found. */
export async function listBeside(client: OwnClient): Promise<readonly UsedObject[]> {
  return client.query<UsedObject>(BESIDE);
}

const OF_BACKUP = `select ${USE} where u.backup_id = $1 order by o.key`;

/** What one backup uses, bases apart. */
export async function listUsesOf(client: OwnClient, backup: number): Promise<readonly UsedObject[]> {
  return client.query<UsedObject>(OF_BACKUP, [backup]);
}

const COPIES_SINCE = `select key, tier from r3a.backup_copy c where ${isChangedSince("c", "$1")} order by key, tier`;

/** The copies that were noted since a snapshot; `xmin`: of the snapshot. Some of those before may be among them. */
export async function listCopiesSince(
  client: OwnClient,
  xmin: bigint,
): Promise<readonly { readonly key: string; readonly tier: Tier }[]> {
  return client.query<{ key: string; tier: Tier }>(COPIES_SINCE, [String(xmin)]);
}
