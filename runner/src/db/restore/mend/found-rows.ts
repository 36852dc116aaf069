import type { PartSpan } from "../../../restore/mend/wanted-plan.ts";
import { type BackupLeaf, tableOf } from "../../backup/backup-leaf.ts";
import { COPY_COLUMN_NAMES, COPY_COLUMNS } from "../../copy-lines.ts";
import { scratchOf } from "../../leaf/scratch.ts";
import { onlyRow } from "../../only-row.ts";
import type { OwnClient } from "../../session.ts";
import { isSoundRow } from "./sound-row.ts";

const KEY = ["coin_id", "interval", "timestamp"];
const MANDATORY = ["open", "high", "low", "close", "volume"];
/** What a database of the old system has no values of. */
const OPTIONAL = ["quote_volume", "trades", "taker_base", "taker_quote", "close_time"];
const columnsOf = (alias: string) => COPY_COLUMN_NAMES.map((name) => `${alias}."${name}"`).join(", ");
const areSame = (names: readonly string[]) => names.map((name) => `s."${name}" = o."${name}"`).join(" and ");

const MAKE = (leaf: BackupLeaf) => `
  create temp table mend_lacking (coin_id int, "interval" text, from_ts timestamptz, to_ts timestamptz);
  create temp table mend_wanted (coin_id int, "interval" text, from_ts timestamptz, to_ts timestamptz, only_values boolean);
  create temp table mend_found as select ${COPY_COLUMNS}, true as is_sound from ${tableOf(scratchOf(leaf))} where false`;
const SPANS = `
  select "coinId", "interval", to_timestamp("from" / 1000), to_timestamp("to" / 1000)
  from jsonb_to_recordset($1) as u ("coinId" int, "interval" text, "from" float8, "to" float8)`;
const ADD_LACKING = `insert into pg_temp.mend_lacking ${SPANS}`;
const ADD_WANTED = `insert into pg_temp.mend_wanted select u.*, $2::boolean from (${SPANS}) u`;

/**
 * Makes the temporary tables of a search: `lacking` are the slots without a candle, `wanted` spans that hold all of these,
 * and `partly` spans of which only rows with more than the five mandatory values are of use.
 */
export async function beginSearch(
  client: OwnClient,
  leaf: BackupLeaf,
  spans: {
    readonly lacking: readonly PartSpan[];
    readonly wanted: readonly PartSpan[];
    readonly partly: readonly PartSpan[];
  },
): Promise<void> {
  await client.query(MAKE(leaf));
  await client.query(ADD_LACKING, [JSON.stringify(spans.lacking)]);
  await client.query(ADD_WANTED, [JSON.stringify(spans.wanted), false]);
  await client.query(ADD_WANTED, [JSON.stringify(spans.partly), true]);
}

/** Keeps the rows `t` of the table in the wanted spans; `where` chooses pages. */
export const findRows = (leaf: BackupLeaf, table: string, where: string) => `
  insert into pg_temp.mend_found (${COPY_COLUMNS}, is_sound)
  select ${columnsOf("t")}, ${isSoundRow(leaf)}
  from ${table} t
  join pg_temp.mend_wanted w on w.coin_id = t.coin_id and w."interval" = t."interval"
    and t."timestamp" >= w.from_ts and t."timestamp" < w.to_ts
  where ${where} and (not w.only_values or num_nonnulls(${OPTIONAL.map((name) => `t.${name}`).join(", ")}) > 0)`;

/** The sound rows whose key was found with one set of values alone. */
const ONCE = `
  select * from (
    select d.*, count(*) over (partition by coin_id, "interval", "timestamp") as versions
    from (select distinct ${COPY_COLUMNS} from pg_temp.mend_found where is_sound) d
  ) counted`;

const ADD = (leaf: BackupLeaf) => `
  with once as materialized (${ONCE}),
  lacking as materialized (
    select o.* from once o
    where exists (select from pg_temp.mend_lacking l where l.coin_id = o.coin_id and l."interval" = o."interval"
                  and o."timestamp" >= l.from_ts and o."timestamp" < l.to_ts)
  ),
  added as (
    insert into ${tableOf(scratchOf(leaf))} (${COPY_COLUMNS})
    select ${COPY_COLUMNS} from lacking where versions = 1 order by coin_id, "interval", "timestamp" returning 1
  )
  select (select count(*) from added)::int as added,
         (select count(distinct (coin_id, "interval", "timestamp")) from lacking where versions > 1)::int as twice,
         (select count(distinct (coin_id, "interval", "timestamp")) from pg_temp.mend_found where not is_sound)::int as unsound`;

const HAS_PARTLY = `select exists (select from pg_temp.mend_wanted where only_values) as "hasPartly"`;
const FILL = (leaf: BackupLeaf) => `
  with once as materialized (${ONCE}),
  filled as (
    update ${tableOf(scratchOf(leaf))} s
    set ${OPTIONAL.map((name) => `${name} = coalesce(s.${name}, o.${name})`).join(", ")}
    from once o
    where o.versions = 1 and ${areSame(KEY)} and ${areSame(MANDATORY)}
      and (${OPTIONAL.map((name) => `s.${name} is null and o.${name} is not null`).join(" or ")})
    returning 1
  )
  select count(*)::int as filled from filled`;

/**
 * `added`: rows on slots that the scratch lacked; `filled`: rows that got a value for a null; `unsound`: keys whose row is no
 * candle; `twice`: keys that were there with different values, none of which was taken.
 */
export type FoundRows = {
  readonly added: number;
  readonly filled: number;
  readonly unsound: number;
  readonly twice: number;
};

/** Puts what was found into the scratch table, all or nothing. */
export async function keepFound(client: OwnClient, leaf: BackupLeaf): Promise<FoundRows> {
  await client.query("begin");
  const added = onlyRow(await client.query<Omit<FoundRows, "filled">>(ADD(leaf)));
  // nearly no leaf has such a row, and to look takes as long as to add the others
  const { hasPartly } = onlyRow(await client.query<{ hasPartly: boolean }>(HAS_PARTLY));
  const [filled] = hasPartly ? await client.query<Pick<FoundRows, "filled">>(FILL(leaf)) : [];
  await client.query("commit");
  return { ...added, filled: filled?.filled ?? 0 };
}
