import type { Reader } from "../session.ts";

/**
 * The keys of the tables, as the migrations make them; a test compares them (test/db/health-keys.test.ts). The candle tables
 * are not here, because maint wants their keys. Without its key a table takes no row of a statement with `on conflict`, or
 * takes a row twice.
 */
export const WANTED_KEYS: readonly (readonly [
  table: string,
  kind: "primary key" | "unique" | "unique nulls not distinct",
  columns: string,
])[] = [
  ["r3a.api_budget", "primary key", "egress_key"],
  ["r3a.backup", "primary key", "id"],
  ["r3a.backup_copy", "primary key", "key tier"],
  ["r3a.backup_doubt", "primary key", "leaf coin_id interval timestamp"],
  ["r3a.backup_gap_series", "primary key", "coin_id interval"],
  ["r3a.backup_leaf", "primary key", "leaf"],
  ["r3a.backup_object", "primary key", "key"],
  ["r3a.backup_part", "primary key", "leaf coin_id interval"],
  ["r3a.backup_suspect", "primary key", "id"],
  ["r3a.backup_use", "unique nulls not distinct", "backup_id key leaf table_name"],
  ["r3a.candle_revision", "primary key", "id"],
  ["r3a.coin", "primary key", "id"],
  ["r3a.coin", "unique", "symbol"],
  ["r3a.drill", "primary key", "run_id"],
  ["r3a.exchange_source", "primary key", "address"],
  ["r3a.gap_count", "primary key", "coin_id interval"],
  ["r3a.health_result", "primary key", "run_id check_name component"],
  ["r3a.job_counter", "primary key", "command outcome"],
  ["r3a.leaf_damage", "primary key", "id"],
  ["r3a.leaf_reopening", "primary key", "leaf coin_id interval"],
  ["r3a.leaf_state", "primary key", "leaf"],
  ["r3a.migration", "primary key", "id"],
  ["r3a.ohlcv_gap_log", "primary key", "id"],
  ["r3a.origin", "primary key", "only_row"],
  ["r3a.quarantine", "primary key", "table_name"],
  ["r3a.recovery_hold", "primary key", "only_row"],
  ["r3a.run", "primary key", "run_id"],
  ["r3a.run_item", "primary key", "run_id coin_id interval"],
  ["r3a.series", "primary key", "coin_id interval"],
  ["r3a.universe_member", "primary key", "size coin_id"],
  ["r3a_util.last_ts_by_coin_interval", "primary key", "coin_id interval"],
  ["r3a_util.maint_op", "primary key", "id"],
];

/** $1 tables, $2 kinds, $3 columns. As for `on conflict`, the order of the columns is free, and an index without a constraint counts. */
const MISSING_KEYS = `
  select format('%s has no key on %s: alter table %s add %s (%s)', k.name, l.list, k.name, k.kind, l.list) as fault
  from unnest($1::text[], $2::text[], $3::text[]) as k (name, kind, columns)
  cross join lateral (select string_agg(quote_ident(c), ', ' order by o) as list, array_agg(c order by c) as names
                      from unnest(string_to_array(k.columns, ' ')) with ordinality as u (c, o)) as l
  where to_regclass(k.name) is not null and not exists (
    select from pg_index i
    where i.indrelid = to_regclass(k.name) and i.indisunique and i.indpred is null and i.indexprs is null
      and (i.indnullsnotdistinct or k.kind <> 'unique nulls not distinct')
      and l.names = (select array_agg(a.attname::text order by a.attname::text) from pg_attribute a
                     where a.attrelid = i.indrelid and a.attnum = any (i.indkey::int2[])))
  order by 1`;

/** One sentence, with the statement that mends it, for each table that lost a key. */
export async function listMissingKeys(client: Reader): Promise<readonly string[]> {
  const column = (index: 0 | 1 | 2) => WANTED_KEYS.map((key) => key[index]);
  const { rows } = await client.query<{ fault: string }>(MISSING_KEYS, [column(0), column(1), column(2)]);
  return rows.map(({ fault }) => fault);
}
