import { crashingSince } from "./crash-loop.ts";
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

/**
 * Waiting reasons of the kubelet that do not pass by themselves, worst first: the worst container names the pod's state.
 */
const WAITING = [
  "InvalidImageName",
  "ErrImageNeverPull",
  "SignatureValidationFailed",
  "CreateContainerConfigError",
  "PreCreateHookError",
  "CreateContainerError",
  "PreStartHookError",
  "RunContainerError",
  "PostStartHookError",
  "ImageInspectError",
  "RegistryUnavailable",
  "ImagePullBackOff",
  "ErrImagePull",
  "CrashLoopBackOff",
];
/** With fewer restarts a crash may still be one that passes by itself. */
const FEWEST_RESTARTS = 3;
const LONGEST_EVIDENCE = 300;

/**
 * The state that a pod is stuck in; null for a pod that works, waits its turn or has succeeded. The phase decides
 * first, then init containers, containers, and with `withUnschedulable` a place on a node.
 */
export function stuckStateOf(
  pod: Pod,
  { withUnschedulable }: { readonly withUnschedulable: boolean },
): StuckState | null {
  const { phase } = pod.status ?? {};
  if (phase === "Failed") return failedStateOf(pod);
  if (phase === "Succeeded") return null;
  return (
    worstOf(pod, pod.status?.initContainerStatuses ?? [], "Init:") ??
    worstOf(pod, pod.status?.containerStatuses ?? [], "") ??
    (withUnschedulable ? unschedulableStateOf(pod) : null)
  );
}

function failedStateOf(pod: Pod): StuckState {
  const { status } = pod;
  const { inits, mains, sidecars } = containersOf(pod);
  // the end of the pod stops a sidecar; a sidecar does not end the pod
  const all = [...inits, ...mains, ...sidecars];
  const failed = all.find(({ state }) => (state?.terminated?.exitCode ?? 0) !== 0);
  const prefix = failed !== undefined && inits.includes(failed) ? "Init:" : "";
  const ended = failed?.state?.terminated;
  const ofContainer = ended?.reason === "OOMKilled" ? "OOMKilled" : prefix === "" ? "Failed" : "Error";
  return {
    // Evicted, DeadlineExceeded, Shutdown: the pod itself says what happened to it
    reason: status?.reason ? status.reason : `${prefix}${ofContainer}`,
    container: failed?.name ?? null,
    since: failedSince(pod, all),
    evidence: join([status?.message, ended && describeEnd(ended)]),
  };
}

/**
 * The last known time of a failed pod. The end of a container alone is not enough: a container that was lost with its
 * node has no time, and then the end of an init container days ago would count.
 */
function failedSince({ spec, status }: Pod, containers: readonly ContainerStatus[]): number | null {
  const startedAt = msOf(status?.startTime);
  const deadlineS = spec?.activeDeadlineSeconds;
  const isLate = status?.reason === "DeadlineExceeded" && startedAt !== null && deadlineS !== undefined;
  return latestOf([
    status?.startTime,
    ...containers.map(({ state }) => state?.terminated?.finishedAt),
    ...(status?.conditions ?? []).map((each) => each.lastTransitionTime),
    ...(isLate ? [new Date(startedAt + deadlineS * 1000)] : []),
  ]);
}

function containersOf({ spec, status }: Pod) {
  const names = (spec?.initContainers ?? [])
    .filter(({ restartPolicy }) => restartPolicy === "Always")
    .map(({ name }) => name);
  const first = status?.initContainerStatuses ?? [];
  return {
    inits: first.filter(({ name }) => !names.includes(name)),
    mains: status?.containerStatuses ?? [],
    sidecars: first.filter(({ name }) => names.includes(name)),
  };
}

/** The container that is worst off; null where all is well. */
function worstOf(pod: Pod, containers: readonly ContainerStatus[], prefix: string): StuckState | null {
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
  // between two tries the container has ended and does not wait yet: the same state under another word
  const isLoop = reason === "CrashLoopBackOff";
  return {
    reason: `${prefix}${reason}`,
    container: container.name,
    since: isLoop ? loopingSince(pod, container) : waitingSince(pod, container),
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

/**
 * The last progress of the pod: a condition that changed, a container that ended, or the last run of this container.
 */
function waitingSince({ status }: Pod, { lastState }: ContainerStatus): number | null {
  const moved = status?.conditions?.filter(({ type }) =>
    ["PodScheduled", "Initialized", "ContainersReady"].includes(type),
  );
  const all = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  return (
    latestOf([
      ...(moved ?? []).map((each) => each.lastTransitionTime),
      ...all.map(({ state }) => state?.terminated?.finishedAt),
      lastState?.terminated?.finishedAt,
    ]) ?? msOf(status?.startTime)
  );
}

/** The start of the crash loop, but never before the pod had its node and its init containers had ended. */
function loopingSince(pod: Pod, container: ContainerStatus): number | null {
  const { startTime, conditions = [], initContainerStatuses = [] } = pod.status ?? {};
  const crashed = crashingSince(container);
  if (crashed === null) return waitingSince(pod, container);
  return latestOf([
    new Date(crashed),
    startTime,
    ...conditions
      .filter(({ type, status }) => ["PodScheduled", "Initialized"].includes(type) && status === "True")
      .map((each) => each.lastTransitionTime),
    ...initContainerStatuses
      .filter(({ state }) => state?.terminated?.exitCode === 0)
      .map(({ state }) => state?.terminated?.finishedAt),
  ]);
}

function unschedulableStateOf({ status }: Pod): StuckState | null {
  // a pod behind a scheduling gate waits because somebody wants it to wait
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
