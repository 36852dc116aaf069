import { expect } from "vitest";
import type { UsedDatabase } from "../database/database.ts";

/** What a killed seal or restore may leave, and the next run must have settled: each row is one left-over. */
const LEFT_OVERS = `
  with leaf as (
    select c.oid, c.relname::text as name, i.inhparent is not null and not i.inhdetachpending as "isAttached"
    from pg_class c left join pg_inherits i on i.inhrelid = c.oid
    where c.relnamespace = 'r3a'::regnamespace and c.relkind = 'r' and c.relname ~ '^ohlcv_[a-z0-9]+_2[0-9_]+$'
  )
  select 'scratch table' as kind, c.relname::text as name from pg_class c
  where c.relnamespace = to_regnamespace('r3a_scratch') and c.relkind in ('r', 'i')
  union all select 'leaf that is not attached', name from leaf where not "isAttached"
  union all select 'invalid index', x.indexrelid::regclass::text from pg_index x where not x.indisvalid
  union all select 'bounds of a swap', conrelid::regclass::text from pg_constraint where conname = 'bounds' and connamespace = 'r3a'::regnamespace
  union all select 'table that r3a.quarantine does not know', c.relname::text from pg_class c
  where c.relnamespace = to_regnamespace('quarantine') and c.relkind = 'r'
    and not exists (select from r3a.quarantine q where q.table_name = c.relname)
  union all select 'row of r3a.quarantine without a table', table_name from r3a.quarantine
  where to_regclass(format('quarantine.%I', table_name)) is null
  union all select 'taken leaf', leaf from r3a.leaf_state where state in ('sealing', 'restoring')
  union all select 'guard of a leaf that was never sealed', l.name from leaf l join pg_trigger t on t.tgrelid = l.oid
  where t.tgname in ('r3a_guard', 'r3a_guard_truncate')
    and not exists (select from r3a.leaf_state s where s.leaf = l.name and s.sealed_at is not null)
  union all select 'sealed leaf without its guards', s.leaf from r3a.leaf_state s
  where s.state = 'sealed' and 2 <> (select count(*) from pg_trigger t where t.tgrelid = to_regclass(format('r3a.%I', s.leaf))
                                     and t.tgname in ('r3a_guard', 'r3a_guard_truncate') and t.tgenabled = 'A')
  union all select 'reopening of a leaf without a state', r.leaf from r3a.leaf_reopening r
  where not exists (select from r3a.leaf_state s where s.leaf = r.leaf)
  union all select 'backup that never ended', id::text from r3a.backup where finished_at is null
  union all select 'advisory lock', pid::text from pg_locks where locktype = 'advisory'
  order by 1, 2`;

/** Nothing in the database is left of a killed seal or restore. For after the run that came next. */
export async function expectNoLeftOvers({ query }: Pick<UsedDatabase, "query">): Promise<void> {
  expect(await query(LEFT_OVERS)).toEqual([]);
}
