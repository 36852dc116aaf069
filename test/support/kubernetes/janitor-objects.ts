import { decide } from "../../../runner/src/cluster/decide.ts";
import type { CronJob, Job, Metadata, Owner, Pod, SeenObjects } from "../../../runner/src/cluster/objects.ts";
import type { Decision, Policy } from "../../../runner/src/cluster/plan.ts";

/** Statuses as a Kubernetes 1.34 wrote them, cut down to what is read; a time that it does not know is null there. */

export const STARTED = "2026-11-22T20:32:10Z";
export const LATER = Date.parse("2026-11-22T20:52:10Z");

type Status = NonNullable<Pod["status"]>;
const json = (text: string): Status => JSON.parse(text) as Status;

const CONDITIONS = `"conditions":[
  {"lastProbeTime":null,"lastTransitionTime":"2026-11-22T20:32:11Z","status":"True","type":"PodReadyToStartContainers"},
  {"lastProbeTime":null,"lastTransitionTime":"2026-11-22T20:32:10Z","status":"True","type":"Initialized"},
  {"lastProbeTime":null,"lastTransitionTime":"2026-11-22T20:32:10Z","reason":"ContainersNotReady","status":"False","type":"ContainersReady"},
  {"lastProbeTime":null,"lastTransitionTime":"2026-11-22T20:32:10Z","status":"True","type":"PodScheduled"}],
  "startTime":"2026-11-22T20:32:10Z"`;
const container = (state: string, more = `"lastState":{},"restartCount":0`) =>
  `"containerStatuses":[{"name":"runner",${more},"state":${state}}]`;
const waiting = (reason: string, message: string) =>
  `{"waiting":{"reason":"${reason}","message":${JSON.stringify(message)}}}`;
const ended = (exitCode: number, reason: string, message: string) =>
  `{"terminated":{"exitCode":${exitCode},"finishedAt":"2026-11-22T20:32:12Z","message":"${message}","reason":"${reason}"}}`;
const pending = (body: string) => json(`{${CONDITIONS},"phase":"Pending",${body}}`);
const failed = (body: string) => json(`{${CONDITIONS},"phase":"Failed",${body}}`);
const crashing = (state: string, restarts: number, phase = "Running") =>
  json(
    `{${CONDITIONS},"phase":"${phase}",${container(state, `"restartCount":${restarts},"lastState":${ended(1, "Error", "the last words\\n")}`)}}`,
  );
const init = (state: string) =>
  `"initContainerStatuses":[{"name":"wait-db","lastState":{},"restartCount":0,"state":${state}}],${container(`{"waiting":{"reason":"PodInitializing"}}`)}`;
const withInit = (status: Status): Status => ({
  ...status,
  conditions: (status.conditions ?? []).map((each) =>
    each.type === "Initialized" ? { ...each, status: "False", reason: "ContainersNotInitialized" } : each,
  ),
});

const PULL = `Back-off pulling image "localhost/no-such-image:1": ErrImagePull: connection refused`;
const NO_NODE = "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.";

export const STATUS = {
  failed: failed(container(ended(1, "Error", "the last words\\n"))),
  oomKilled: failed(container(ended(137, "OOMKilled", ""))),
  evicted: failed(
    `"reason":"Evicted","message":"Usage of EmptyDir volume \\"tmp\\" exceeds the limit \\"4Mi\\". ",${container(ended(137, "Error", ""))}`,
  ),
  nodeLost: failed(
    container(
      `{"terminated":{"exitCode":137,"finishedAt":null,"startedAt":null,"reason":"ContainerStatusUnknown"}}`,
    ),
  ),
  initError: withInit(failed(init(ended(1, "Error", "the last words\\n")))),
  errImagePull: pending(container(waiting("ErrImagePull", "failed to pull"))),
  imagePull: pending(container(waiting("ImagePullBackOff", PULL))),
  imageName: pending(container(waiting("InvalidImageName", "couldn't parse image name"))),
  configError: pending(container(waiting("CreateContainerConfigError", `secret "no-such-secret" not found`))),
  createError: pending(container(waiting("CreateContainerError", "context deadline exceeded"))),
  runError: pending(container(waiting("RunContainerError", "no such file"))),
  initImagePull: withInit(pending(init(waiting("ImagePullBackOff", PULL)))),
  initConfigError: withInit(
    pending(init(waiting("CreateContainerConfigError", `secret "no-such-secret" not found`))),
  ),
  initCrash: withInit(
    pending(
      init(waiting("CrashLoopBackOff", "back-off 40s restarting failed container")).replace(
        `"restartCount":0`,
        `"restartCount":5`,
      ),
    ),
  ),
  crashLoop: crashing(waiting("CrashLoopBackOff", "back-off 1m20s restarting failed container"), 4),
  crashedNow: crashing(ended(1, "Error", "the last words\\n"), 4),
  crashedTwice: crashing(waiting("CrashLoopBackOff", "back-off 20s restarting failed container"), 2),
  running: json(`{${CONDITIONS},"phase":"Running",${container(`{"running":{"startedAt":"${STARTED}"}}`)}}`),
  creating: pending(container(`{"waiting":{"reason":"ContainerCreating"}}`)),
  succeeded: json(`{${CONDITIONS},"phase":"Succeeded",${container(ended(0, "Completed", ""))}}`),
  unschedulable: json(
    `{"conditions":[{"lastProbeTime":null,"lastTransitionTime":"${STARTED}","message":${JSON.stringify(NO_NODE)},"reason":"Unschedulable","status":"False","type":"PodScheduled"}],"phase":"Pending"}`,
  ),
  gated: json(
    `{"conditions":[{"lastTransitionTime":"${STARTED}","reason":"SchedulingGated","status":"False","type":"PodScheduled"}],"phase":"Pending"}`,
  ),
};

export const POLICY: Policy = {
  namespace: "r3a",
  // what stays for the scope alone has tests of its own: janitor-scope.test.ts
  scope: "namespace",
  deleteAfterMs: 900_000,
  finishedAfterMs: 35 * 86_400_000,
  selectors: [],
  withUnschedulable: true,
  ownPodUid: null,
};

/** The label of the suite. */
export const OURS = { labels: { "app.kubernetes.io/part-of": "r3a" } };

const metadataOf = (name: string, more: Metadata): Metadata => ({
  name,
  namespace: "r3a",
  uid: `uid-${name}`,
  resourceVersion: "7",
  creationTimestamp: STARTED,
  ...more,
});

export function ownedBy(kind: string, name: string, controller = true): Pick<Metadata, "ownerReferences"> {
  const owner: Owner = {
    apiVersion: kind === "Job" || kind === "CronJob" ? "batch/v1" : "apps/v1",
    kind,
    name,
    uid: `uid-${name}`,
    ...(controller ? { controller } : {}),
  };
  return { ownerReferences: [owner] };
}

export function podOf(name: string, status: Status, metadata: Metadata = {}, restartPolicy = "Never"): Pod {
  return { metadata: metadataOf(name, metadata), spec: { restartPolicy }, status };
}

/** A pod that may be dealt with: one that has not ended belongs to Job j, which the mark ends. */
export function stuckSight(pod: Pod): Partial<SeenObjects> {
  if (pod.status?.phase === "Failed") return { pods: [pod] };
  return { pods: [{ ...pod, metadata: { ...pod.metadata, ...ownedBy("Job", "j") } }], jobs: [jobOf("j")] };
}

/** The failure policy as infra deploys it. */
const rules = [{ action: "FailJob", onPodConditions: [{ type: "ConfigIssue", status: "True" }] }];
export const FAILS_BY_MARK = { podFailurePolicy: { rules } };

export function jobOf(
  name: string,
  { metadata = {}, spec = FAILS_BY_MARK, status = {} }: Partial<Required<Job>> = {},
): Job {
  return { metadata: metadataOf(name, metadata), spec, status: { startTime: STARTED, active: 1, ...status } };
}

export function endedAt(time: string, type: "Complete" | "Failed" = "Complete"): NonNullable<Job["status"]> {
  return { active: 0, conditions: [{ type, status: "True", lastTransitionTime: time }] };
}

export function cronJobOf(name: string, metadata: Metadata = {}): CronJob {
  return { metadata: metadataOf(name, metadata) };
}

/** The plan for these objects, twenty minutes after they started. */
export function planFor(
  seen: Partial<SeenObjects>,
  policy: Partial<Policy> = {},
  now = LATER,
): readonly Decision[] {
  return decide({ pods: [], jobs: [], cronJobs: [], ...seen }, { ...POLICY, ...policy }, now);
}

/** `action kind/name reason` of each decision. */
export function linesOf(decisions: readonly Decision[]): readonly string[] {
  return decisions.map(({ action, kind, name, reason }) => `${action} ${kind}/${name} ${reason}`);
}
