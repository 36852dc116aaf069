import type { LegacyLeaf } from "../db/legacy/catalog.ts";
import type { Logger } from "../log.ts";
import { renderNumber } from "../render.ts";
import { renderDuration } from "../time.ts";
import type { MovedTotal } from "./items.ts";

/** How far a move is. `rowsLeft` is the catalog's estimate; `etaMs` is null until the first leaf is moved. */
type Pace = {
  readonly leavesDone: number;
  readonly leavesLeft: number;
  readonly rowsDone: number;
  readonly rowsLeft: number;
  readonly rowsPerSecond: number;
  readonly etaMs: number | null;
};

/** `ms`: since the first leaf began. A leaf without rows costs time too, so the longer of both estimates counts. */
export function paceOf(
  leaves: readonly Pick<LegacyLeaf, "rows">[],
  done: Pick<MovedTotal, "leaves" | "rows">,
  ms: number,
): Pace {
  const estimated = leaves.reduce((sum, { rows }) => sum + rows, 0);
  const leavesLeft = leaves.length - done.leaves;
  const rowsLeft = leavesLeft === 0 ? 0 : Math.max(0, Math.round(estimated - done.rows));
  const etas = [
    ...(done.rows === 0 ? [] : [(rowsLeft * ms) / done.rows]),
    ...(done.leaves === 0 ? [] : [(leavesLeft * ms) / done.leaves]),
  ];
  return {
    leavesDone: done.leaves,
    leavesLeft,
    rowsDone: done.rows,
    rowsLeft,
    rowsPerSecond: ms === 0 ? 0 : Math.round((done.rows * 1000) / ms),
    etaMs: etas.length === 0 ? null : Math.max(...etas),
  };
}

/** Writes one line into the log, for a run that nobody watches. */
export function logPace(log: Logger, pace: Pace): void {
  const { leavesDone, leavesLeft, rowsDone, rowsLeft, rowsPerSecond, etaMs } = pace;
  log.info(
    {
      "event.name": "layout_progress",
      leaves_done: leavesDone,
      leaves_left: leavesLeft,
      rows_done: rowsDone,
      rows_left: rowsLeft,
      rows_per_second: rowsPerSecond,
      ...(etaMs === null ? {} : { eta_s: Math.round(etaMs / 1000) }),
    },
    `[MAINT] ${renderNumber(leavesDone)} leaves moved, ${renderNumber(leavesLeft)} left; ${renderNumber(rowsDone)} candles at ${renderNumber(rowsPerSecond)} a second${etaMs === null ? "" : `, about ${renderDuration(etaMs)} to go`}`,
  );
}
