import type pg from "pg";

/** The migrations of before the first release, which were merged into fewer files; every database of then has all of them. */
const FIRST_FILES: readonly string[] = [
  "000001_locks",
  "000002_candles",
  "000003_runs",
  "000004_jobs",
  "000005_maint",
  "000006_layout",
  "000008_health",
  "000009_old_rights",
  "000010_maint_plan",
  "000011_bound_functions",
  "000012_first_candle",
  "000013_exchange_source",
  "000014_make_leaf",
  "000016_gap_log",
  "000017_run_origin",
];

/** What they were merged into: together these make the same objects. No name is in both lists. */
const MERGED_FILES: readonly string[] = [
  "000001_advisory_locks",
  "000002_candle_tables",
  "000003_leaves",
  "000004_gaps",
  "000005_run_ledger",
  "000006_request_budget",
  "000007_lock_holders",
  "000008_maint_ledger",
  "000009_wanted_indexes",
  "000010_index_plan",
  "000011_health_results",
  "000012_old_layout",
];

/** Names in r3a.migration as the files are called now. A database that lacks one of the first files keeps its names. */
export function currentNames(applied: readonly string[]): readonly string[] {
  if (!hasAllFirst(applied)) return applied;
  return [...MERGED_FILES, ...applied.filter((name) => !FIRST_FILES.includes(name))];
}

/** Whether the database was made by the first files, all of them. */
export function hasAllFirst(applied: readonly string[]): boolean {
  return FIRST_FILES.every((name) => applied.includes(name));
}

/** Why the names of a database with first files cannot be rewritten, and what to do; null where they can, or need not. */
export function faultOfNumbers(applied: readonly string[]): string | null {
  if (!applied.some((name) => FIRST_FILES.includes(name))) return null;
  const missing = FIRST_FILES.filter((name) => !applied.includes(name));
  if (missing.length > 0)
    return `r3a.migration has names of files from before the first release, and lacks ${missing.join(", ")} of them: first run migrate of the last version that has sql/migrations/${FIRST_FILES.at(-1)}.sql, then this one`;
  const others = applied.filter((name) => !FIRST_FILES.includes(name));
  if (others.length > 0)
    return `r3a.migration has names of files from before the first release, and beside them ${others.join(", ")}, which no version has: take back what that file made and delete its row`;
  return null;
}

/** One statement, so that there is never a part of it; node-pg-migrate compares the names by their order (run_on, id). */
const RENUMBER = `
  with first as (delete from r3a.migration where name = any($1) returning run_on)
  insert into r3a.migration (name, run_on)
  select name, (select max(run_on) from first) from unnest($2::text[]) with ordinality as merged (name, place)
  where exists (select from first) order by place`;

/**
 * Gives the merged files' names to a ledger with all first files; a second time it does nothing. The caller holds the lock
 * of migrate, and has found that each object is as the merged files make it.
 */
export async function renumber(client: pg.ClientBase): Promise<void> {
  await client.query(RENUMBER, [FIRST_FILES, MERGED_FILES]);
}
