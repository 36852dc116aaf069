import type { TableState, VacuumStep } from "../../maint/vacuum-plan.ts";
import { codeOf } from "../fault.ts";
import { onlyRow } from "../only-row.ts";
import type { OwnClient } from "../session.ts";
import { msOf } from "../sql-time.ts";
import { LOCK_NOT_AVAILABLE, QUERY_CANCELED } from "../sqlstate.ts";

/** Modes that VACUUM, ANALYZE and the summary of a BRIN would wait for. */
const BUSY_MODES = ["ShareUpdateExclusive", "Share", "ShareRowExclusive", "Exclusive", "AccessExclusive"];

/**
 * Without what waits for a held table: pg_partition_tree locks every leaf, and pg_get_expr (from 17 on) and
 * pg_relation_size the one that they are asked about. A held one is known by its name, and left to its holder.
 *
 * All tables of R3A, except those of a database in the old layout. to_jsonb, since relallfrozen came with version 18. A
 * table without any statistics may hold rows all the same (after pg_upgrade): its size says so.
 */
const LIST_TABLES = `
  with busy as (
    select l.relation, min(case when a.backend_type = 'client backend' then 'session ' || a.pid || ' ' || a.application_name
                           else coalesce(a.backend_type, 'another session') end) as who,
           bool_or(l.mode = 'AccessExclusiveLock') as is_held
    from pg_locks l left join pg_stat_activity a on a.pid = l.pid
    where l.locktype = 'relation' and l.granted and l.pid is distinct from pg_backend_pid() and l.mode = any($1::text[])
      and l.database = (select oid from pg_database where datname = current_database())
    group by 1
  ), tree as (
    select 'r3a.ohlcv_partitioned'::regclass::oid as relid, null::oid as parentrelid
    union all
    select inhrelid, inhparent from pg_inherits
    where inhparent = 'r3a.ohlcv_partitioned'::regclass
       or inhparent in (select inhrelid from pg_inherits where inhparent = 'r3a.ohlcv_partitioned'::regclass)
  )
  select c.oid::regclass::text as table, t.parentrelid::regclass::text as parent,
         case when c.relkind = 'p' then 'parent' when t.relid is null then 'table' else 'leaf' end as kind,
         ${msOf("b.edges[1]::timestamptz")} as "from",
         ${msOf("b.edges[2]::timestamptz")} as "to",
         c.reltuples::float8 as "rowsThen",
         case when c.relkind = 'p' then 0 when s.n_live_tup > 0 then s.n_live_tup else greatest(c.reltuples, 0) end::float8 as "rowsNow",
         coalesce(s.n_mod_since_analyze, 0)::float8 as modified, coalesce(s.n_dead_tup, 0)::float8 as dead,
         coalesce(s.n_ins_since_vacuum, 0)::float8 as inserted,
         (case when c.relkind = 'r' and c.reltuples < 0 and busy.is_held is not true then pg_relation_size(c.oid) / current_setting('block_size')::int
          else c.relpages end)::float8 as pages,
         c.relallvisible::float8 as "visiblePages", (to_jsonb(c) ->> 'relallfrozen')::float8 as "frozenPages",
         case when c.relkind = 'p' then 0 else age(c.relfrozenxid) / current_setting('autovacuum_freeze_max_age')::float8 end
           as "freezeAge",
         ${msOf("greatest(s.last_analyze, s.last_autoanalyze)")} as "analyzedAt",
         ${msOf("s.last_vacuum")} as "vacuumedAt", busy.who as "busyWith",
         busy.is_held is true as "isHeld"
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace and n.nspname in ('r3a', 'r3a_util')
  left join tree t on t.relid = c.oid
  left join pg_stat_all_tables s on s.relid = c.oid
  left join busy on busy.relation = c.oid
  left join lateral regexp_match(
    case when busy.is_held is not true and c.relkind = 'r' then pg_get_expr(c.relpartbound, c.oid) end,
    'FROM \\(''([^'']+)''\\) TO \\(''([^'']+)''\\)') as b (edges) on true
  where c.relpersistence = 'p' and (t.relid is not null or (c.relkind = 'r' and not c.relispartition))
  order by 1`;

const ANALYZE_ALONE_FROM = 180_000;
const SERVER_VERSION = `select current_setting('server_version_num')::int as version`;
const SUMMARIZE = `
  select brin_summarize_new_values(i.indexrelid) from pg_index i join pg_class c on c.oid = i.indexrelid
  join pg_am a on a.oid = c.relam and a.amname = 'brin' where i.indrelid = $1::regclass and i.indisvalid`;
const NEXT_XID = `select pg_snapshot_xmax(pg_current_snapshot())::text as xid`;
/**
 * After VACUUM (FREEZE) relfrozenxid is the oldest transaction that it had to respect. Pages that are not visible prove
 * nothing: no row may ever have been in them.
 */
const WAS_HELD_UP = `
  select relallvisible < relpages and age(relfrozenxid) > age($2::xid8::xid) as yes from pg_class where oid = $1::regclass`;
/** The owner, if it is another role than the owner of the tables of R3A, and the session has the rights of that owner. */
const FIND_OTHER_OWNER = `
  select pg_get_userbyid(c.relowner) as owner from pg_class c, pg_class root
  where c.oid = to_regclass($1) and root.oid = 'r3a.ohlcv_partitioned'::regclass
    and not pg_has_role(c.relowner, 'usage') and pg_has_role(root.relowner, 'usage')`;

const LOCK_TIMEOUT = `set lock_timeout = '3s'`;

/**
 * `incomplete`: done, but a transaction older than the rows kept some of them from being frozen. `cut`: out of time.
 * `skipped` has an error where no later run can do it either.
 */
export type StepEnd =
  | { readonly outcome: "done" | "incomplete" | "cut"; readonly error: null }
  | { readonly outcome: "failed" | "skipped"; readonly error: unknown };

/** Waits for no lock longer than 3 s, for the whole connection: VACUUM runs in no transaction. */
export async function limitLockWaits(client: OwnClient): Promise<void> {
  await client.query(LOCK_TIMEOUT);
}

/** The states of all tables of R3A, and what the server can do. */
export async function readTables(
  client: OwnClient,
): Promise<{ readonly tables: readonly TableState[]; readonly canAnalyzeAlone: boolean }> {
  const rows = await client.query<Omit<TableState, "span"> & { from: number | null; to: number | null }>(
    LIST_TABLES,
    [BUSY_MODES.map((mode) => `${mode}Lock`)],
  );
  const { version } = onlyRow(await client.query<{ version: number }>(SERVER_VERSION));
  return {
    tables: rows.map(({ from, to, ...row }) => ({
      ...row,
      span: from === null || to === null ? null : { from, to },
    })),
    canAnalyzeAlone: version >= ANALYZE_ALONE_FROM,
  };
}

/** Runs one step within `timeoutMs`. A table that another session locks is skipped; only a stop of the run throws. */
export async function runStep(
  client: OwnClient,
  step: VacuumStep,
  { timeoutMs, canAnalyzeAlone }: { readonly timeoutMs: number; readonly canAnalyzeAlone: boolean },
): Promise<StepEnd> {
  client.takeWarnings();
  await limitStatements(client, timeoutMs);
  let isHeldUp = false;
  try {
    if (step.action === "summarize") await client.query(SUMMARIZE, [step.table]);
    else if (step.action === "freeze")
      isHeldUp = await freeze(client, step.table, performance.now() + timeoutMs);
    else await client.query(statementOf(step, canAnalyzeAlone));
  } catch (error) {
    if (codeOf(error) === LOCK_NOT_AVAILABLE) return { outcome: "skipped", error: null };
    if (codeOf(error) === QUERY_CANCELED) return { outcome: "cut", error: null };
    if (codeOf(error) === null) throw error;
    return refused(client, step, error);
  }
  // what a statement left out is a warning to the server, and a success
  const warnings = client.takeWarnings();
  const refusal = warnings.find(({ code }) => code !== LOCK_NOT_AVAILABLE);
  if (refusal !== undefined) return refused(client, step, new Error(refusal.message));
  if (warnings.length > 0) return { outcome: "skipped", error: null };
  return { outcome: isHeldUp ? "incomplete" : "done", error: null };
}

/** 0 would be no limit. */
async function limitStatements(client: OwnClient, ms: number): Promise<void> {
  await client.query(`set statement_timeout = ${Math.max(1, Math.ceil(ms))}`);
}

/**
 * Whether an old transaction held it up. A short one is gone by the second try. That one is without ANALYZE: by the order
 * of both times the next plan knows a leaf that is not done, whatever its pages say.
 */
async function freeze(client: OwnClient, table: string, until: number): Promise<boolean> {
  const { xid } = onlyRow(await client.query<{ xid: string }>(NEXT_XID));
  const wasHeldUp = async () => onlyRow(await client.query<{ yes: boolean }>(WAS_HELD_UP, [table, xid])).yes;
  await client.query(`vacuum (freeze, analyze, skip_locked) ${table}`);
  if (!(await wasHeldUp())) return false;
  await limitStatements(client, until - performance.now());
  await client.query(`vacuum (freeze, skip_locked) ${table}`);
  if (await wasHeldUp()) return true;
  await limitStatements(client, until - performance.now());
  await client.query(`analyze (skip_locked) ${table}`);
  return false;
}

/** A table of another program in the schema is no fault of the run: it would be one of every run. */
async function refused(client: OwnClient, { table }: VacuumStep, error: unknown): Promise<StepEnd> {
  const [other] = await client.query<{ owner: string }>(FIND_OTHER_OWNER, [table]);
  if (other === undefined) return { outcome: "failed", error };
  return { outcome: "skipped", error: new Error(`${table} belongs to ${other.owner}, who alone may do it`) };
}

/** `table` comes from regclass, which quotes it. */
function statementOf({ table, kind, action }: VacuumStep, canAnalyzeAlone: boolean): string {
  if (action === "analyze")
    return `analyze (skip_locked) ${kind === "parent" && canAnalyzeAlone ? "only " : ""}${table}`;
  return `vacuum (analyze, skip_locked) ${table}`;
}
