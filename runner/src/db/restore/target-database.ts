import { RESTORE_SCHEMA } from "../../contract/names.ts";
import { SettingsFault } from "../../errors.ts";
import { onlyRow } from "../only-row.ts";
import type { OwnClient } from "../session.ts";

/** What a restore of the whole database finds in its target. */
export type TargetState = "empty" | "under-way";

const LOOK = `
  select current_database()::text as database, to_regclass('${RESTORE_SCHEMA.name}.state') is not null as "isUnderWay",
         array(
           select name from (
             select 0 as place, 'the schema ' || quote_ident(nspname) as name from pg_namespace where nspname in ('r3a', 'r3a_util', '${RESTORE_SCHEMA.name}')
             union all
             select 1, format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
             where n.nspname in ('r3a', 'r3a_util') and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
           ) found order by place, name limit 4) as found`;

type LookRow = {
  readonly database: string;
  readonly isUnderWay: boolean;
  readonly found: readonly string[];
};

const COUNT_COINS = `select count(*)::float8 as count from r3a.coin`;
const LAST_RESTORE = `
  select to_char(max(finished_at) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as ended
  from r3a.run where command = 'restore' and arguments like '--all%' and outcome = 'success'`;

/**
 * Throws a SettingsFault where the target is neither empty of this program's schemas nor in the middle of a restore: what is
 * there would be mixed with what comes.
 */
export async function lookAtTarget(client: OwnClient): Promise<TargetState> {
  const { database, isUnderWay, found } = onlyRow(await client.query<LookRow>(LOOK));
  if (isUnderWay) return "under-way";
  if (found.length === 0) return "empty";
  // a table of this name that another program made, or that this role may not read
  const coins = await client.query<{ count: number }>(COUNT_COINS).catch(() => []);
  const count = coins[0]?.count ?? 0;
  const symbols = count === 0 ? "" : `, with ${count} ${count === 1 ? "symbol" : "symbols"}`;
  const [last] = await client.query<{ ended: string | null }>(LAST_RESTORE).catch(() => []);
  const done = last?.ended
    ? `a restore came to its end here at ${last.ended}, and nothing is left to do; else `
    : "";
  throw new SettingsFault([
    `--to: the database ${database} has ${found.slice(0, 3).join(", ")}${found.length > 3 ? " and more" : ""}${symbols}, and a whole database is restored into an empty one alone: ${done}make a new database, and name that one`,
  ]);
}
