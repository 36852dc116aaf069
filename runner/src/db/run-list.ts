import { type Database, queryRows } from "./connect.ts";
import type { RunItem, RunOutcome } from "./runs.ts";
import { boundedMs, msOf } from "./sql-time.ts";

/** A run of the ledger. Times in ms; `ms`: how long it took, so far if it runs; `origin` null: a person. */
export type ListedRun = {
  readonly runId: string;
  readonly command: string;
  readonly args: string;
  readonly origin: string | null;
  readonly startedAt: number;
  readonly ms: number;
  readonly outcome: RunOutcome | "running";
  readonly exitCode: number | null;
  /** Null: none. */
  readonly deadlineS: number | null;
  readonly written: number;
  readonly series: number;
  readonly error: string | null;
};

/** Which runs: `command` null: of all commands; `isFailed`: those that did not do their work; at most `last` of them. */
export type RunFilter = {
  readonly command: string | null;
  readonly isFailed: boolean;
  readonly last: number;
};

const COLUMNS = `
  r.run_id as "runId", r.command, r.arguments as args, r.origin, ${boundedMs("r.started_at")} as "startedAt",
  ${msOf("coalesce(r.finished_at, now()) - r.started_at")} as ms, r.outcome, r.exit_code as "exitCode", r.deadline_s as "deadlineS",
  r.rows_written::float8 as written, r.symbols_expected as series, r.error_summary as error`;

/** The notes of the ranking lie in the same table; each belongs to a sync, and no command repeats it. */
const LIST_RUNS = `
  select ${COLUMNS} from r3a.run r
  where r.command <> 'ranking' and ($1::text is null or r.command = $1)
    and (not $2 or r.outcome in ('partial', 'failure', 'timeout', 'aborted'))
  order by r.started_at desc limit $3`;

export async function listRuns(
  db: Database,
  { command, isFailed, last }: RunFilter,
): Promise<readonly ListedRun[]> {
  return queryRows<ListedRun>(db, LIST_RUNS, [command, isFailed, last]);
}

const FIND_RUN = `select ${COLUMNS} from r3a.run r where r.run_id = $1::uuid`;

/** What the run did to a series. */
export type ListedItem = { readonly symbol: string | null } & Pick<
  RunItem,
  "interval" | "outcome" | "pages" | "added" | "repaired" | "revised" | "ms" | "error"
>;

const LIST_ITEMS = `
  select c.symbol, i."interval", i.outcome, i.pages, i.added::float8 as added, i.repaired::float8 as repaired,
         i.revised::float8 as revised, i.ms, i.error
  from r3a.run_item i left join r3a.coin c on c.id = i.coin_id
  where i.run_id = $1::uuid
  order by i.outcome = 'success', i.outcome = 'skipped', c.symbol, i."interval"`;

/** A run with its series, the failed ones first; null where the ledger has no run of this id (a UUID). */
export async function findRun(
  db: Database,
  runId: string,
): Promise<{ readonly run: ListedRun; readonly items: readonly ListedItem[] } | null> {
  const [run] = await queryRows<ListedRun>(db, FIND_RUN, [runId]);
  if (run === undefined) return null;
  return { run, items: await queryRows<ListedItem>(db, LIST_ITEMS, [runId]) };
}
