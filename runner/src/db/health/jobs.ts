import type { RunOutcome } from "../runs.ts";
import type { Reader } from "../session.ts";
import { msOf } from "../sql-time.ts";

/** One run of the ledger. Times in ms. */
export type LedgerRun = {
  readonly command: string;
  readonly args: string;
  /** Name of the job that started the run. Null: a person. */
  readonly origin: string | null;
  readonly exitCode: number | null;
  readonly error: string | null;
  readonly deadlineS: number | null;
  readonly host: string;
  readonly pid: number | null;
  readonly startedAt: number;
  readonly heartbeatAt: number;
};
export type LastRun = LedgerRun & { readonly outcome: RunOutcome };

const COLUMNS = `
  command, arguments as args, origin, outcome, exit_code as "exitCode", error_summary as error, deadline_s as "deadlineS",
  coalesce(host, '') as host, pid, ${msOf("started_at")} as "startedAt",
  ${msOf("heartbeat_at")} as "heartbeatAt"`;

/**
 * $1 now (s). The last run within a week of each job; a job whose arguments were changed is the same job. A person who ran
 * a command has read how it ended. Without sync, because each interval has a result of its own; without health, because
 * each run of health would fail over the failure before it.
 */
const LAST = `
  select distinct on (command, origin) ${COLUMNS} from r3a.run
  where outcome <> 'running' and origin is not null and command not in ('sync', 'health')
    and started_at > to_timestamp($1) - interval '7 days' and started_at <= to_timestamp($1)
  order by command, origin, started_at desc`;

/** $1 now (s). All open runs, except the syncs of jobs: each interval has a result of its own. */
const RUNNING = `
  select ${COLUMNS} from r3a.run
  where outcome = 'running' and (command <> 'sync' or origin is null) and started_at <= to_timestamp($1)
  order by started_at`;

/** `now` in ms. */
export async function listLastRuns(client: Reader, now: number): Promise<readonly LastRun[]> {
  return (await client.query<LastRun>(LAST, [now / 1000])).rows;
}

export async function listRunning(client: Reader, now: number): Promise<readonly LedgerRun[]> {
  return (await client.query<LedgerRun>(RUNNING, [now / 1000])).rows;
}
