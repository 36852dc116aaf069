import { intersect, type Span } from "../candle/span.ts";
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
  // a backfill asks for just what nobody asked for yet
  const isWanted = plan.gaps?.which === "wanted";
  const cut = async (task: Task, counted: readonly Task[]) => {
    const tasks = isWanted ? [task] : leaveUnasked(task, await listUnasked(db, series, task));
    correct(countCandles(series.interval, tasks) - countCandles(series.interval, counted));
    return tasks;
  };
  for (const task of plan.tasks) yield* await cut(task, [task]);
  if (plan.gaps === null) return;
  for await (const task of pageGaps(series.interval, plan.gaps, readRequested(db, series, plan.gaps)))
    yield* await cut(task, []);
}

/**
 * What nobody asked for in the span of a request; the end of the log is there, so a minute job reads nothing. A request
 * that goes beyond what is covered is the window of a sync, which joins no gaps: while old candles wait for their move,
 * the overlap lies among what nobody asked for.
 */
async function listUnasked(db: Database, series: SeriesState, task: Task): Promise<readonly Span[]> {
  const { covered, gaps, gapsFrom } = series;
  const isWindow = covered === null || task.to > covered.to;
  const inside = isWindow || task.kind !== "fetch" ? null : intersect(task, covered);
  if (inside === null) return [];
  if (inside.from < gapsFrom) return findUnasked(db, series, inside);
  return gaps.filter((gap) => gap.state === "not_requested" && gap.nextCheckAt === null);
}
