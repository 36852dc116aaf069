import type { Interval } from "../../contract/intervals.ts";
import type { RunOutcome } from "../runs.ts";
import type { Reader } from "../session.ts";
import { msOf } from "../sql-time.ts";

/** Runs of `sync` with the same origin and arguments: the newest that ended, the newest that did not. Times in ms. */
export type RunGroup = {
  readonly interval: Interval;
  readonly args: string;
  /** Name of the job that started them; null: a person. */
  readonly origin: string | null;
  readonly finished: FinishedRun | null;
  readonly running: RunningRun | null;
  /** End of the newest success of the span that was asked for. */
  readonly successAt: number | null;
};
export type FinishedRun = {
  readonly startedAt: number;
  readonly outcome: RunOutcome;
  readonly exitCode: number | null;
  readonly error: string | null;
};
export type RunningRun = {
  readonly startedAt: number;
  readonly heartbeatAt: number;
  readonly deadlineS: number | null;
};

/**
 * $1 intervals, $2 since when for each (s), $3 now (s). A run under way counts however old it is: one that hangs for
 * a day is what this looks for.
 */
const RUNS = `
  with wanted as (select * from unnest($1::text[], $2::float8[]) as w ("interval", since)),
  found as (
    select w."interval", r.* from wanted w
    join r3a.run r on r.started_at >= to_timestamp(w.since) and r.outcome <> 'running'
    where r.command = 'sync' and (r.arguments = w."interval" or starts_with(r.arguments, w."interval" || ' '))
    union all
    select w."interval", r.* from wanted w
    join r3a.run r on r.outcome = 'running'
    where r.command = 'sync' and (r.arguments = w."interval" or starts_with(r.arguments, w."interval" || ' '))
  )
  select distinct on (f."interval", f.arguments, f.origin, f.outcome = 'running')
         f."interval", f.arguments as args, f.origin, f.outcome, f.exit_code as "exitCode", f.error_summary as error,
         f.deadline_s as "deadlineS", ${msOf("f.started_at")} as "startedAt",
         ${msOf("f.heartbeat_at")} as "heartbeatAt",
         ${msOf(`max(f.finished_at) filter (where f.outcome = 'success')
           over (partition by f."interval", f.arguments, f.origin)`)} as "successAt"
  from found f
  where f.started_at <= to_timestamp($3)
  order by f."interval", f.arguments, f.origin, f.outcome = 'running', f.started_at desc`;

type RunRow = Omit<FinishedRun, "outcome"> &
  RunningRun & {
    readonly interval: Interval;
    readonly args: string;
    readonly origin: string | null;
    readonly outcome: RunOutcome | "running";
    readonly successAt: number | null;
  };

/** The groups that had a run since the interval's time, or have one under way. Times in ms. */
export async function listRunGroups(
  client: Reader,
  since: readonly { readonly interval: Interval; readonly from: number }[],
  now: number,
): Promise<readonly RunGroup[]> {
  const { rows } = await client.query<RunRow>(RUNS, [
    since.map(({ interval }) => interval),
    since.map(({ from }) => from / 1000),
    now / 1000,
  ]);
  const groups = Map.groupBy(rows, ({ interval, args, origin }) => `${interval} ${origin} ${args}`);
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const finished = group.find(({ outcome }) => outcome !== "running");
    return [
      {
        interval: first.interval,
        args: first.args,
        origin: first.origin,
        finished: finished === undefined ? null : { ...finished, outcome: finished.outcome as RunOutcome },
        running: group.find(({ outcome }) => outcome === "running") ?? null,
        successAt: first.successAt,
      },
    ];
  });
}
