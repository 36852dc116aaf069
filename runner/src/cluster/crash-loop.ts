import { MINUTE_MS } from "../time.ts";
import { type ContainerStatus, msOf } from "./objects.ts";

/** The kubelet waits 10 s before the second restart of a loop, twice as long before each next one, at most 5 min. */
const FIRST_WAIT_S = 10;
const LONGEST_WAIT_S = 300;
/** After a run of this length the kubelet starts the waits anew. */
const WELL_MS = 10 * MINUTE_MS;

/**
 * The time since which a container crashes again and again, in epoch ms; null where no crash has a time. The time is
 * counted back from the last crash by the waits between the crashes, so that it is never before the start of the loop.
 * Other times do not serve: ContainersReady changes with each crash, and the pod may have started days before the first.
 *
 * The wait that the kubelet names tells how many restarts the loop has had, as long as the wait doubles: 40 s is the
 * third. At the longest wait only restartCount is left. It counts older crashes too, so that a loop may look older than
 * it is; such a loop has gone on for more than 5 min in any case. Of the runs between the crashes only the last one is
 * counted, since the others may have been shorter: a loop of long runs looks younger than it is, and so does a loop on a
 * node whose longest wait is set to 10, 20, 40, 80 or 160 s. Such a pod stays longer, or for good, rather than go too early.
 */
export function crashingSince(container: ContainerStatus): number | null {
  const { restartCount, state, lastState } = container;
  const last = state?.terminated ?? lastState?.terminated;
  const endedAt = msOf(last?.finishedAt);
  if (endedAt === null) return null;
  const startedAt = msOf(last?.startedAt) ?? endedAt;
  if (endedAt - startedAt > WELL_MS) return endedAt;
  return startedAt - waitedS(restartCount, nextWaitS(container)) * 1000;
}

/**
 * The seconds that a loop has waited in all when its next wait is `nextS`; `nextS` is null where nothing tells the
 * wait.
 */
function waitedS(restartCount: number, nextS: number | null): number {
  if (nextS === null) return 0;
  const doublings = Math.log2(nextS / FIRST_WAIT_S);
  // 10 + 20 + ... up to the wait before the last restart
  if (Number.isInteger(doublings)) return Math.max(nextS - FIRST_WAIT_S, 0);
  const waits = Array.from({ length: Math.max(restartCount - 1, 0) }, (_, index) =>
    Math.min(FIRST_WAIT_S * 2 ** index, nextS, LONGEST_WAIT_S),
  );
  return waits.reduce((sum, wait) => sum + wait, 0);
}

/** From `back-off 2m40s restarting failed container=...`; between two tries from the wait before the last one. */
function nextWaitS({ state, lastState }: ContainerStatus): number | null {
  const message = state?.waiting?.message ?? "";
  const [, minutes, seconds] = /back-off (?:(\d{1,3})m)?(\d{1,3})s restarting/i.exec(message) ?? [];
  if (seconds !== undefined) return Number(minutes ?? 0) * 60 + Number(seconds);
  const [before, again] = [msOf(lastState?.terminated?.finishedAt), msOf(state?.terminated?.startedAt)];
  if (before === null || again === null) return null;
  const waited = (again - before) / 1000;
  // much longer than any wait: the node was away
  if (waited >= LONGEST_WAIT_S) return waited < 2 * LONGEST_WAIT_S ? LONGEST_WAIT_S : null;
  const known = Math.floor(Math.log2(Math.max(waited, FIRST_WAIT_S / 2) / FIRST_WAIT_S));
  return FIRST_WAIT_S * 2 ** (known + 1);
}
