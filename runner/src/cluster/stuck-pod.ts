import { type ContainerStatus, latestOf, msOf, type Pod } from "./objects.ts";

/** Why a pod does no work any more, and since when. */
export type StuckState = {
  /** As `kubectl get pods` shows it: ImagePullBackOff, Init:CrashLoopBackOff, Evicted, ... */
  readonly reason: string;
  readonly container: string | null;
  /** Epoch ms; null where the pod does not say it, and then nobody deletes it. */
  readonly since: number | null;
  /** What was seen: message, exit code, last words. */
  readonly evidence: string;
};

/** Waiting reasons that do not pass by themselves, worst first: the worst container names the pod's state. */
const WAITING = [
  "InvalidImageName",
  "ErrImageNeverPull",
  "CreateContainerConfigError",
  "CreateContainerError",
  "RunContainerError",
  "ImageInspectError",
  "ImagePullBackOff",
  "ErrImagePull",
  "CrashLoopBackOff",
];
/** Below it a crash may still be one of those that pass. */
const FEWEST_RESTARTS = 3;
/** A waiting kubelet tries again after 5 min at the latest and forgets old crashes after 10 min of running. */
const LONGEST_CYCLE_MS = 15 * 60_000;
const LONGEST_EVIDENCE = 300;

/**
 * The state that a pod is stuck in; null for one that works, waits its turn or has succeeded. In the order of what
 * decides: the phase, init containers, containers, and with `withUnschedulable` a place on a node.
 */
export function stuckStateOf(
  pod: Pod,
  { now, withUnschedulable }: { readonly now: number; readonly withUnschedulable: boolean },
): StuckState | null {
  const { phase } = pod.status ?? {};
  if (phase === "Failed") return failedStateOf(pod);
  if (phase === "Succeeded") return null;
  return (
    worstOf(pod, pod.status?.initContainerStatuses ?? [], "Init:", now) ??
    worstOf(pod, pod.status?.containerStatuses ?? [], "", now) ??
    (withUnschedulable ? unschedulableStateOf(pod) : null)
  );
}

function failedStateOf({ status }: Pod): StuckState {
  const inits = status?.initContainerStatuses ?? [];
  const all = [...inits, ...(status?.containerStatuses ?? [])];
  const failed = all.find(({ state }) => (state?.terminated?.exitCode ?? 0) !== 0);
  const prefix = failed !== undefined && inits.includes(failed) ? "Init:" : "";
  const ended = failed?.state?.terminated;
  const ofContainer = ended?.reason === "OOMKilled" ? "OOMKilled" : prefix === "" ? "Failed" : "Error";
  return {
    // Evicted, DeadlineExceeded, Shutdown: the pod itself says what happened to it
    reason: status?.reason ? status.reason : `${prefix}${ofContainer}`,
    container: failed?.name ?? null,
    since:
      latestOf(all.map(({ state }) => state?.terminated?.finishedAt)) ??
      latestOf(status?.conditions?.map((each) => each.lastTransitionTime) ?? []) ??
      msOf(status?.startTime),
    evidence: join([status?.message, ended && describeEnd(ended)]),
  };
}

/** The container that is worst off; null where all is well. */
function worstOf(
  pod: Pod,
  containers: readonly ContainerStatus[],
  prefix: string,
  now: number,
): StuckState | null {
  const stuck = containers
    .flatMap((container) => {
      const reason = waitingReasonOf(container, pod.spec?.restartPolicy);
      return reason === null ? [] : [{ container, reason }];
    })
    .toSorted((a, b) => WAITING.indexOf(a.reason) - WAITING.indexOf(b.reason));
  const [worst] = stuck;
  if (worst === undefined) return null;
  const { container, reason } = worst;
  const { waiting, terminated } = container.state ?? {};
  const ended = terminated ?? container.lastState?.terminated;
  // between two tries it has ended and does not wait yet: the same state under another word
  const isLoop = reason === "CrashLoopBackOff";
  return {
    reason: `${prefix}${reason}`,
    container: container.name,
    since: isLoop ? crashingSince(pod, container, now) : waitingSince(pod),
    evidence: join([
      isLoop ? `${container.restartCount} restarts` : waiting?.message,
      ended && describeEnd(ended),
    ]),
  };
}

function waitingReasonOf(
  { restartCount, state }: ContainerStatus,
  restartPolicy: string | undefined,
): string | null {
  const crashed = (state?.terminated?.exitCode ?? 0) !== 0 && restartPolicy !== "Never";
  const reason = crashed ? "CrashLoopBackOff" : (state?.waiting?.reason ?? "");
  if (reason === "CrashLoopBackOff" && restartCount < FEWEST_RESTARTS) return null;
  return WAITING.includes(reason) ? reason : null;
}

/** The last step forward: conditions that became true or false, init containers that ended. */
function waitingSince({ status }: Pod): number | null {
  const moved = status?.conditions?.filter(({ type }) =>
    ["PodScheduled", "Initialized", "ContainersReady"].includes(type),
  );
  const all = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  return (
    latestOf([
      ...(moved ?? []).map((each) => each.lastTransitionTime),
      ...all.map(({ state }) => state?.terminated?.finishedAt),
    ]) ?? msOf(status?.startTime)
  );
}

/**
 * ContainersReady changes with each restart, so by it no loop would ever be older than a few minutes. A container that
 * crashed once in a quarter of an hour or more often, on the average of its pod's life, has crashed from the start;
 * one that ran well for longer is as young as its last crash.
 */
function crashingSince(pod: Pod, { restartCount }: ContainerStatus, now: number): number | null {
  const startedAt = msOf(pod.status?.startTime);
  const fromStart = startedAt !== null && (now - startedAt) / restartCount <= LONGEST_CYCLE_MS;
  return fromStart ? startedAt : waitingSince(pod);
}

function unschedulableStateOf({ status }: Pod): StuckState | null {
  // a scheduling gate is somebody's intention
  const waits = status?.conditions?.find(
    ({ type, reason }) => type === "PodScheduled" && reason === "Unschedulable",
  );
  if (waits?.status !== "False") return null;
  const { lastTransitionTime, message } = waits;
  return {
    reason: "Unschedulable",
    container: null,
    since: msOf(lastTransitionTime),
    evidence: join([message]),
  };
}

function describeEnd(ended: NonNullable<NonNullable<ContainerStatus["state"]>["terminated"]>): string {
  const reason = ended.reason === undefined || ended.reason === "Error" ? "" : ` (${ended.reason})`;
  const said = ended.message?.trim() ?? "";
  return `exit ${ended.exitCode}${reason}${said === "" ? "" : `, said: ${said}`}`;
}

/** One line of a bounded length. */
function join(parts: readonly (string | undefined)[]): string {
  const text = parts.filter((part) => part !== undefined && part !== "").join("; ");
  return text.replace(/\s+/g, " ").slice(0, LONGEST_EVIDENCE);
}
