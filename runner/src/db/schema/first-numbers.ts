import type pg from "pg";

/** The migrations from before the first release, in sql/first-migrations. They were merged into fewer files (ADR 9). */
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

/** The merged files: together they make the same objects. No name is in both lists. */
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

/** The names in r3a.migration as the files are called now, if the first files made the database. */
export function currentNames(applied: readonly string[]): readonly string[] {
  if (!hasFirst(applied)) return applied;
  return [...MERGED_FILES, ...applied.filter((name) => !FIRST_FILES.includes(name))];
}

/** Whether first files made the database. */
export function hasFirst(applied: readonly string[]): boolean {
  return applied.some((name) => FIRST_FILES.includes(name));
}

/** The first files that a database of first files lacks: a database of an earlier day has the first few alone. */
export function missingFirst(applied: readonly string[]): readonly string[] {
  return hasFirst(applied) ? FIRST_FILES.filter((name) => !applied.includes(name)) : [];
}

/** Why the names of first files cannot be rewritten, and what to do; null if they can be, or if there are none. */
export function faultOfNumbers(applied: readonly string[]): string | null {
  if (!hasFirst(applied)) return null;
  const last = FIRST_FILES.findLastIndex((name) => applied.includes(name));
  const skipped = missingFirst(applied).filter((name) => FIRST_FILES.indexOf(name) < last);
  if (skipped.length > 0)
    return `r3a.migration lacks ${skipped.join(", ")}, and has ${FIRST_FILES[last]}, which came later: write the row of each file whose objects are there, or take ${FIRST_FILES[last]} back`;
  const others = applied.filter((name) => !FIRST_FILES.includes(name));
  if (others.length > 0)
    return `r3a.migration has names of files from before the first release, and beside them ${others.join(", ")}, which no version has: take back what that file made and delete its row`;
  return null;
}

/** One statement, so that no half of it can be stored. node-pg-migrate compares the names by their order (run_on, id). */
const RENUMBER = `
  with first as (delete from r3a.migration where name = any($1) returning run_on)
  insert into r3a.migration (name, run_on)
  select name, (select max(run_on) from first) from unnest($2::text[]) with ordinality as merged (name, place)
  where exists (select from first) order by place`;

/**
 * Writes the names of the merged files in place of the first files' names; does nothing a second time. The caller holds
 * the lock of migrate, and has checked that each object is as the merged files make it.
 */
export async function renumber(client: pg.ClientBase): Promise<void> {
  await client.query(RENUMBER, [FIRST_FILES, MERGED_FILES]);
}
