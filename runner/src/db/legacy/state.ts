import { SettingsFault } from "../../errors.ts";
import { type Database, queryRows } from "../connect.ts";
import { onlyRow } from "../only-row.ts";
import { listPending } from "../schema/schema.ts";
import type { OwnClient } from "../session.ts";

/** The names of the old table before and after its renaming. */
export const OLD_ROOT = "r3a.ohlcv_partitioned";
export const LEGACY_ROOT = "r3a.ohlcv_legacy";

/**
 * How far a database is from the layout of this program. `none`: nothing of the old layout is there; `old`: the old
 * table still has its name; `moving`: the old table is renamed, and its leaves are moved one by one.
 */
export type LegacyState = "none" | "old" | "moving";

/** The migration that makes the new table. */
const MAKES_ROOT = "000002_candle_tables";

/**
 * The columns do not tell the layouts apart: an old table may have all of them. The new table is a list of intervals, each
 * of them a range of times without further levels, and only the new table has the last two columns.
 */
export const LOOK_AT_ROOT = `
  select (select relkind::text from pg_class where oid = to_regclass('${OLD_ROOT}')) as kind,
    to_regclass('r3a.legacy_series') is not null as "isMoving",
    coalesce(pg_get_partkeydef(to_regclass('${OLD_ROOT}')) ~ '^LIST \\("?interval"?\\)$', false)
    and not exists (
      select from pg_inherits i join pg_class c on c.oid = i.inhrelid
      where i.inhparent = to_regclass('${OLD_ROOT}') and (
        c.relkind <> 'p' or pg_get_partkeydef(c.oid) !~ '^RANGE \\("?timestamp"?\\)$'
        or exists (select from pg_inherits g join pg_class l on l.oid = g.inhrelid where g.inhparent = c.oid and l.relkind = 'p')))
    and (select count(*) = 2 from pg_attribute
         where attrelid = to_regclass('${OLD_ROOT}') and attname in ('source', 'flags') and not attisdropped) as "isNew"`;

/** `kind`: the relkind of the table under its first name, null where there is none. */
export type RootLook = { readonly kind: string | null; readonly isMoving: boolean; readonly isNew: boolean };

/**
 * The state by one row of LOOK_AT_ROOT and the pending migrations. A table that is not partitioned is `none`: it is of
 * neither layout, and `judgeObjects` names it.
 */
export function stateOf(look: RootLook, pending: readonly string[]): LegacyState {
  if (look.isMoving) return "moving";
  // if the migration made the table, it is the new one, whatever somebody did to it since
  return look.kind === "p" && !look.isNew && pending.includes(MAKES_ROOT) ? "old" : "none";
}

/** Throws SettingsFault if the table is not partitioned: it is of neither layout, and the mover cannot move it. */
export async function findState(db: Database): Promise<LegacyState> {
  const look = onlyRow(await queryRows<RootLook>(db, LOOK_AT_ROOT));
  if (look.isMoving || look.isNew || look.kind === null) return stateOf(look, []);
  if (look.kind !== "p")
    throw new SettingsFault([
      `${OLD_ROOT} is not divided into partitions, so it is the table of neither the old layout nor the new one: rename it (alter table ${OLD_ROOT} rename to NAME), or use another database`,
    ]);
  return stateOf(look, await listPending(db));
}

/** The state of a database that has every migration, in the caller's transaction: `none` or `moving`. */
export async function readStateOn(client: OwnClient): Promise<LegacyState> {
  return stateOf(onlyRow(await client.query<RootLook>(LOOK_AT_ROOT)), []);
}
