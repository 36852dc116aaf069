import { writeFile } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";
import { uuidv7 } from "uuidv7";
import type { Context } from "./context.ts";
import { EXIT } from "./contract/exits.ts";
import { HEARTBEAT_FILE } from "./contract/heartbeat.ts";
import { messageOf, Stopped } from "./errors.ts";
import { sleep } from "./sleep.ts";
import { describeUnderWay } from "./under-way.ts";

/**
 * The default deadline of a cycle is at least this long. A cycle may take longer than its period, since the next cycle
 * waits for it; a cycle that hangs is cut.
 */
const SHORTEST_DEADLINE_S = 300;
/** Work that is under way at the deadline of a cycle has this long to end. Then the loop goes on without it. */
const GRACE_MS = 8_000;

/**
 * Runs at each full period. Each cycle is a run of its own with a deadline of its own (`--deadline`). A cycle that
 * fails is logged, and the next cycle starts at its time with new connections. The start of the loop and the end of
 * each cycle, however it ended, touch the heartbeat file: the probe asks whether the loop goes on, not whether the
 * exchange answers. Ends with 0 at SIGTERM.
 */
export async function repeat(
  context: Context,
  periodMs: number,
  runOnce: (cycle: Context) => Promise<unknown>,
): Promise<typeof EXIT.done> {
  const deadlineS = context.deadlineS ?? Math.max(SHORTEST_DEADLINE_S, Math.ceil(periodMs / 1000));
  // the file outlives a restart of the container: without this touch its age would count from the earlier process
  await touchHeartbeat(context);
  for (let runId = context.runId; ; runId = uuidv7()) {
    const hasEnded = await runCycle({ ...context, runId, deadlineS, log: context.logOf(runId) }, runOnce);
    if (hasEnded) await touchHeartbeat(context);
    const stopped = await sleep(periodMs - (Date.now() % periodMs), context.signal).then(
      () => false,
      () => true,
    );
    if (stopped) return EXIT.done;
  }
}

/** False where the cycle did not end. Rejects only when the whole command is stopped. */
async function runCycle(cycle: Context, runOnce: (cycle: Context) => Promise<unknown>): Promise<boolean> {
  const deadlineMs = (cycle.deadlineS ?? SHORTEST_DEADLINE_S) * 1000;
  const late = new AbortController();
  const over = new AbortController();
  const signal = AbortSignal.any([cycle.signal, late.signal]);
  const abandoned = wait(deadlineMs, null, { signal: over.signal })
    .then(() => {
      const reason = `the cycle's deadline of ${cycle.deadlineS} s passed; under way: ${describeUnderWay() ?? "nothing known"}`;
      late.abort(new Stopped(reason, EXIT.deadline));
      return wait(GRACE_MS, false, { signal: over.signal });
    })
    .catch(() => true);
  const work = runOnce({ ...cycle, signal }).then(
    () => true,
    (error: unknown) => {
      if (cycle.signal.aborted) throw error;
      cycle.log.error(
        { "event.name": "cycle_failed", err: error },
        `[RUN] this cycle failed; the next one starts at its time: ${messageOf(error)}`,
      );
      return true;
    },
  );
  try {
    const hasEnded = await Promise.race([work, abandoned]);
    if (!hasEnded)
      cycle.log.error(
        { "event.name": "cycle_left" },
        `[RUN] this cycle did not end ${GRACE_MS / 1000} s after its deadline and is left to itself; under way: ${describeUnderWay() ?? "nothing known"}`,
      );
    return hasEnded;
  } finally {
    over.abort();
    work.catch(() => {}); // a cycle that was left to itself may still fail
  }
}

async function touchHeartbeat({ env, log }: Context): Promise<void> {
  const file = env[HEARTBEAT_FILE];
  if (file === undefined || file === "") return;
  await writeFile(file, `${new Date().toISOString()}\n`).catch((error: unknown) =>
    log.warn(
      { "event.name": "no_heartbeat" },
      `[RUN] ${HEARTBEAT_FILE} cannot be written: ${messageOf(error)}`,
    ),
  );
}
