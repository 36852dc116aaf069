import type { RunOutcome } from "../runs.ts";
import type { Reader } from "../session.ts";
import { msOf } from "../sql-time.ts";

/** One run of the ledger. Times in ms. */
export type LedgerRun = {
  readonly command: string;
  readonly args: string;
  /** Name of the job that started it; null: a person. */
  readonly origin: string | null;
  readonly exitCode: number | null;
  readonly error: string | null;
  readonly deadlineS: number | null;
  readonly host: string;
  readonly pid: number | null;
  readonly startedAt: number;
  readonly heartbeatAt: number;
};
export type EndedRun = LedgerRun & { readonly outcome: RunOutcome };

const COLUMNS = `
  command, arguments as args, origin, outcome, exit_code as "exitCode", error_summary as error, deadline_s as "deadlineS",
  coalesce(host, '') as host, pid, ${msOf("started_at")} as "startedAt",
  ${msOf("heartbeat_at")} as "heartbeatAt"`;

/**
 * $1 now (s). The last run of each command, arguments and origin within a week. Not of sync, which has results of its
 * own; nor of health, which would go on failing over its own last failure.
 */
const LAST = `
  select distinct on (command, arguments, origin) ${COLUMNS} from r3a.run
  where outcome <> 'running' and command not in ('sync', 'health')
    and started_at > to_timestamp($1) - interval '7 days' and started_at <= to_timestamp($1)
  order by command, arguments, origin, started_at desc`;

/** $1 now (s). All that are under way, but for the syncs of jobs, which have results of their own. */
const RUNNING = `
  select ${COLUMNS} from r3a.run
  where outcome = 'running' and (command <> 'sync' or origin is null) and started_at <= to_timestamp($1)
  order by started_at`;

/** `now` in ms. */
export async function listLastRuns(client: Reader, now: number): Promise<readonly EndedRun[]> {
  return (await client.query<EndedRun>(LAST, [now / 1000])).rows;
}

export async function listRunning(client: Reader, now: number): Promise<readonly LedgerRun[]> {
  return (await client.query<LedgerRun>(RUNNING, [now / 1000])).rows;
}
