import type pg from "pg";
import { RESTORE_SCHEMA } from "../../contract/names.ts";
import { TryAgain } from "../../errors.ts";
import { type Database, withClient } from "../connect.ts";
import { lockKey } from "../lock.ts";
import { onlyRow } from "../only-row.ts";
import type { OwnClient } from "../session.ts";

const { name: SCHEMA, gate: GATE } = RESTORE_SCHEMA;

/** No join, which costs each command 0.4 ms to plan; to_regclass is quicker still, and fails where the schema is closed. */
const hasTable = (name: string) => `exists (
    select from pg_class where relname = '${name}' and relnamespace = (select oid from pg_namespace where nspname = '${SCHEMA}'))`;

/** Whether a restore has not loaded yet what the database is of no use without. By the catalog alone: it needs no right. */
export const IS_GATED = hasTable(GATE);

/**
 * How far a restore of the whole database is; `isGated`: the database is of no use yet; `isAlive`: its process is at work;
 * null: a standby, which has no locks of the primary, cannot tell.
 */
export type Loading = {
  readonly loaded: number;
  readonly leaves: number;
  readonly isGated: boolean;
  readonly isAlive: boolean | null;
};

const LOOK = `select ${hasTable("state")} as "isUnderWay"`;
/** By the catalog: the view of the locks may be closed to this role. */
const IS_ALIVE = `exists (
    select from pg_locks where locktype = 'advisory' and granted and objsubid = 1
      and database = (select oid from pg_database where datname = current_database())
      and (classid::bigint << 32) | objid::bigint = ${lockKey("restore", "global")})`;
const COUNT = `
  select ${IS_GATED} as "isGated", case when not pg_is_in_recovery() then ${IS_ALIVE} end as "isAlive", s.leaves, s.leaves - (select count(*)::int from ${SCHEMA}.leaf) as loaded from ${SCHEMA}.state s`;

/** Null where no restore of the whole database is under way. */
export async function findLoading(client: pg.ClientBase): Promise<Loading | null> {
  const { isUnderWay } = onlyRow((await client.query<{ isUnderWay: boolean }>(LOOK)).rows);
  return isUnderWay ? ((await client.query<Loading>(COUNT)).rows[0] ?? null) : null;
}

/** Whether one is under way, in the caller's transaction. */
export async function isLoading(client: OwnClient): Promise<boolean> {
  return onlyRow(await client.query<{ isUnderWay: boolean }>(LOOK)).isUnderWay;
}

/** What every command says of it. */
export function describeLoading({ loaded, leaves, isAlive }: Omit<Loading, "isGated">): string {
  const far = `${loaded} of ${leaves} leaves are loaded`;
  if (isAlive === false)
    return `a restore into this database has stopped, and its process is gone: ${far}; ${GO_ON}`;
  const orGone = isAlive === null ? `; if its process is gone, ${GO_ON}` : "";
  return `a restore into this database is under way: ${far}${orGone}`;
}

const GO_ON = "run restore --all --to with the address of this database, which goes on with it";

/** What a person does about it. */
export function cureOfLoading({ isAlive }: Pick<Loading, "isAlive">): string {
  return isAlive === false ? GO_ON : "wait for it";
}

/**
 * Throws TryAgain while a restore of the whole database is under way, for work that would take what is loaded for all that
 * there is; `why` is the end of the sentence. `isOpen`: the work may go on once other commands do.
 */
export async function refuseWhileLoading(
  db: Database,
  { why, isOpen = false }: { readonly why: string; readonly isOpen?: boolean },
): Promise<void> {
  const loading = await withClient(db, findLoading);
  if (loading === null || (isOpen && !loading.isGated)) return;
  throw new TryAgain(`${describeLoading(loading)}; ${why}`);
}
