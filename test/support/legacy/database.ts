import { expect } from "vitest";
import type { UsedDatabase } from "../database/database.ts";

/** Relations with their files, and functions, of the two schemas: equal if nothing was changed. */
export async function objectsOf(database: Pick<UsedDatabase, "query">): Promise<unknown> {
  return database.query(`
    select format('%s %s %s', c.oid::regclass, c.relkind, pg_relation_filenode(c.oid)) from pg_class c
    where relnamespace in ('r3a'::regnamespace, 'r3a_util'::regnamespace)
    union all select oid::regprocedure::text from pg_proc where pronamespace = 'r3a_util'::regnamespace order by 1`);
}

/** Copies the old rows as they are before the move into a table of the test; coin by coin, because each leaf is a lock. */
export async function copyOldRows(database: Pick<UsedDatabase, "query">): Promise<void> {
  await database.query(`
    do $$ begin
      create table public.old_row (coin_id int, "interval" text, "timestamp" timestamptz, open numeric, high numeric,
        low numeric, close numeric, volume numeric, primary key (coin_id, "interval", "timestamp"));
      set plan_cache_mode = force_custom_plan;
      for c in 1..(select max(id) from r3a.coin) loop
        insert into public.old_row select * from r3a.ohlcv_partitioned where coin_id = c;
        commit;
      end loop;
      reset plan_cache_mode;
    end $$`);
}

/** Where the old rows are, as counts. `lost`: neither a candle nor a revision has every digit of the row. */
export type Fate = {
  readonly rows: number;
  readonly stored: number;
  readonly revised: number;
  readonly lost: number;
  /** Candles with the source of old rows that no old row explains. */
  readonly invented: number;
};

/** Counts the old rows by where they are. Compares values as text, so that 1.10 differs from 1.1. */
export async function findFate(database: Pick<UsedDatabase, "query">): Promise<Fate> {
  const VALUES = ["open", "high", "low", "close", "volume"];
  const textOf = (alias: string) => VALUES.map((name) => `${alias}.${name}::text`).join(", ");
  const jsonOf = VALUES.map((name) => `r.old_values ->> '${name}'`).join(", ");
  const [fate] = await database.query<Fate>(`
    with fate as (
      select (${textOf("t")}) is not distinct from (${textOf("o")}) as is_stored,
             exists (select from r3a.candle_revision r where r.coin_id = o.coin_id and r."interval" = o."interval"
               and r."timestamp" = o."timestamp" and r.old_source = 'legacy'
               and (${jsonOf}) is not distinct from (${textOf("o")})) as is_revised
      from public.old_row o left join r3a.ohlcv_partitioned t using (coin_id, "interval", "timestamp")
    )
    select count(*)::int as rows, (count(*) filter (where is_stored))::int as stored,
           (count(*) filter (where is_revised))::int as revised,
           (count(*) filter (where not is_stored and not is_revised))::int as lost,
           (select count(*)::int from r3a.ohlcv_partitioned t left join public.old_row o using (coin_id, "interval", "timestamp")
            where t.source = 'legacy' and o.coin_id is null) as invented
    from fate`);
  if (fate === undefined) throw new Error("no counts");
  return fate;
}

/** Expects that nothing of the old layout is left; the old tables of coins and gaps are kept for their owners. */
export async function expectNothingLeft(database: Pick<UsedDatabase, "query">): Promise<void> {
  const left = await database.query(`
    select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname in ('r3a', 'r3a_util') and c.relkind in ('r', 'p')
      and (c.relname ~ '^ohlcv_c\\d' or c.relname ~ 'legacy') and c.relname not in ('coin_legacy', 'ohlcv_gap_log_legacy')`);
  expect(left).toEqual([]);
}
