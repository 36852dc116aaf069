import { intersect, type Span } from "../candle/span.ts";
import { IN_BACKUP, waitsIn } from "../candle/waiting-gap.ts";
import type { Database } from "../db/connect.ts";
import { findUnasked, readRequested } from "../db/gap-reads.ts";
import type { SeriesState } from "../db/series.ts";
import { countCandles, leaveUnasked, type Plan, pageGaps, type Task } from "./fill-plan.ts";

/** `correct` learns of candles that the plan's own steps did not count, which can be less than none. */
type Planned = {
  readonly series: SeriesState;
  readonly plan: Plan;
  readonly correct?: (candles: number) => void;
};

/** The steps of the plan, and those for gaps as they are read, without what nobody asked for. */
export async function* listTasks(
  db: Database,
  { series, plan, correct = () => {} }: Planned,
): AsyncGenerator<Task> {
  const isWanted = plan.gaps?.which === "wanted";
  const cut = async (task: Task, counted: readonly Task[]) => {
    const tasks = leaveUnasked(task, await listLeftOut(db, series, { task, isWanted }));
    correct(countCandles(series.interval, tasks) - countCandles(series.interval, counted));
    return tasks;
  };
  for (const task of plan.tasks) yield* await cut(task, [task]);
  if (plan.gaps === null) return;
  for await (const task of pageGaps(series.interval, plan.gaps, readRequested(db, series, plan.gaps)))
    yield* await cut(task, []);
}

/**
 * What of a request's span is left out: what a restore loads, and what nobody asked for, but by a backfill, which asks for
 * just that (`isWanted`), and by a request that goes beyond what is covered: this is the window of a sync, which joins no
 * gaps, and while old candles wait for their move, its overlap lies among what nobody asked for. The end of the log is
 * there, so a minute job reads nothing.
 */
async function listLeftOut(
  db: Database,
  series: SeriesState,
  { task, isWanted }: { readonly task: Task; readonly isWanted: boolean },
): Promise<readonly Span[]> {
  const { covered, gaps, gapsFrom } = series;
  const inside = covered === null || task.kind === "before_listing" ? null : intersect(task, covered);
  if (covered === null || inside === null) return [];
  const unasked =
    inside.from < gapsFrom
      ? await findUnasked(db, series, inside)
      : gaps.filter((gap) => gap.state === "not_requested" && gap.nextCheckAt === null);
  const mayAsk = isWanted || task.kind !== "fetch" || task.to > covered.to;
  return mayAsk ? unasked.filter((gap) => waitsIn(gap, IN_BACKUP)) : unasked;
}
