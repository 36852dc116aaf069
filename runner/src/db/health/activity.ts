import type { Interval } from "../../contract/intervals.ts";
import type { RunOutcome } from "../runs.ts";
import type { Reader } from "../session.ts";
import { msOf } from "../sql-time.ts";

/** The runs of `sync` with one origin and the same arguments, which lack --accept-exchange: the newest ended run and the newest open run. Times in ms. */
export type RunGroup = {
  readonly interval: Interval;
  readonly args: string;
  /** Name of the job that started the runs. Null: a person. */
  readonly origin: string | null;
  readonly finished: FinishedRun | null;
  readonly running: RunningRun | null;
  /** End of the newest successful run in the span of the query. */
  readonly successAt: number | null;
};
type FinishedRun = {
  readonly startedAt: number;
  readonly outcome: RunOutcome;
  readonly exitCode: number | null;
  readonly error: string | null;
};
type RunningRun = {
  readonly startedAt: number;
  readonly heartbeatAt: number;
  readonly deadlineS: number | null;
};

/**
 * $1 intervals, $2 begin of the span for each interval (s), $3 now (s). An open run counts at any age, because a run that
 * hangs for a day must be found. The reason of a person who accepts another exchange makes no group of its own: such a run
 * does the work of the runs without it.
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
  ),
  grouped as (select f.*, split_part(f.arguments, ' --accept-exchange ', 1) as args from found f)
  select distinct on (f."interval", f.args, f.origin, f.outcome = 'running')
         f."interval", f.args, f.origin, f.outcome, f.exit_code as "exitCode", f.error_summary as error,
         f.deadline_s as "deadlineS", ${msOf("f.started_at")} as "startedAt",
         ${msOf("f.heartbeat_at")} as "heartbeatAt",
         ${msOf(`max(f.finished_at) filter (where f.outcome = 'success')
           over (partition by f."interval", f.args, f.origin)`)} as "successAt"
  from grouped f
  where f.started_at <= to_timestamp($3)
  order by f."interval", f.args, f.origin, f.outcome = 'running', f.started_at desc`;

type RunRow = Omit<FinishedRun, "outcome"> &
  RunningRun & {
    readonly interval: Interval;
    readonly args: string;
    readonly origin: string | null;
    readonly outcome: RunOutcome | "running";
    readonly successAt: number | null;
  };

/** The groups with a run since `from` of their interval, or with an open run. Times in ms. */
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
