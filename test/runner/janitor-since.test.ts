import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Pod } from "../../runner/src/cluster/objects.ts";
import { planFor, podOf, STARTED, STATUS, stuckSight } from "../support/kubernetes/janitor-objects.ts";

type Status = NonNullable<Pod["status"]>;
const START = Date.parse(STARTED);
const DAY_S = 86_400;
const stamp = (seconds: number) => new Date(START + seconds * 1000).toISOString();
const condition = (type: string, seconds: number, status = "True") => ({
  type,
  status,
  lastTransitionTime: stamp(seconds),
});
const done = (seconds: number) => ({
  name: "first",
  restartCount: 0,
  state: { terminated: { exitCode: 0, finishedAt: stamp(seconds) } },
});
const waits = (reason: string) => ({ name: "runner", restartCount: 0, state: { waiting: { reason } } });
const lost = {
  name: "runner",
  restartCount: 0,
  state: { terminated: { exitCode: 137, reason: "ContainerStatusUnknown" } },
};
const failed = (finishedAt: number) => ({
  name: "runner",
  restartCount: 0,
  state: { terminated: { exitCode: 1, finishedAt: stamp(finishedAt) } },
});
const onNode = [condition("PodScheduled", 0), condition("Initialized", 0)];

/** Pods that got stuck `at` seconds after their start, told by one thing alone; all else is as old as the pod. */
const STUCK_AT: Readonly<Record<string, (at: number) => Pod>> = {
  "a container that ended": (at) =>
    podOf("a", { phase: "Failed", startTime: STARTED, conditions: onNode, containerStatuses: [failed(at)] }),
  "a container that is lost, by the pod's readiness": (at) =>
    podOf("a", {
      phase: "Failed",
      startTime: STARTED,
      conditions: [...onNode, condition("Ready", at, "False")],
      initContainerStatuses: [done(1)],
      containerStatuses: [lost],
    }),
  "a pod past its deadline while it pulls": (at) => {
    const pod = podOf("a", {
      phase: "Failed",
      reason: "DeadlineExceeded",
      startTime: STARTED,
      conditions: onNode,
      initContainerStatuses: [done(1)],
      containerStatuses: [waits("ImagePullBackOff")],
    });
    return { ...pod, spec: { ...pod.spec, activeDeadlineSeconds: at } };
  },
  "an eviction": (at) =>
    podOf("a", {
      phase: "Failed",
      reason: "Evicted",
      startTime: STARTED,
      conditions: [...onNode, condition("DisruptionTarget", at)],
      containerStatuses: [waits("ContainerCreating")],
    }),
  "a pull after an init container": (at) => pulling({ initContainerStatuses: [done(at)] }),
  "a pull on a node that was found late": (at) =>
    pulling({ conditions: [condition("PodScheduled", at), condition("Initialized", 0)] }),
  "a pull after the initialization": (at) =>
    pulling({ conditions: [condition("PodScheduled", 0), condition("Initialized", at)] }),
  "a pull after it was ready": (at) =>
    pulling({ conditions: [...onNode, condition("ContainersReady", at, "False")] }),
  "a pull after a run that was never ready": (at) => {
    const { state } = failed(at);
    return pulling({ containerStatuses: [{ ...waits("ImagePullBackOff"), lastState: state }] });
  },
};

function pulling(more: Partial<Status>): Pod {
  const containerStatuses = [waits("ImagePullBackOff")];
  return podOf("a", { phase: "Pending", startTime: STARTED, conditions: onNode, containerStatuses, ...more });
}

describe("stuck since, by what was made to happen", () => {
  test.each(Object.entries(STUCK_AT))("%s: deleted at the delay, not a second before", (_, make) => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 9 * DAY_S }), fc.integer({ min: 1, max: DAY_S }), (at, delay) => {
        const actions = (seconds: number) =>
          planFor(stuckSight(make(at)), { deleteAfterMs: delay * 1000 }, START + seconds * 1000).map(
            ({ action }) => action === "keep",
          );
        expect([actions(at + delay - 1), actions(at + delay)]).toEqual([[true], [false]]);
      }),
      { numRuns: 50 },
    );
  });
});

describe("a pod with a sidecar", () => {
  const sidecar = {
    name: "sidecar",
    restartCount: 0,
    state: { terminated: { exitCode: 143, finishedAt: STARTED } },
  };
  const podWith = (containerStatuses: NonNullable<Status["containerStatuses"]>) => {
    const pod = podOf("a", { ...STATUS.failed, initContainerStatuses: [sidecar], containerStatuses });
    return { ...pod, spec: { ...pod.spec, initContainers: [{ name: "sidecar", restartPolicy: "Always" }] } };
  };

  test("failed by its main container, not by the sidecar that was stopped with it", () => {
    const [decision] = planFor({ pods: [podWith([failed(2)])] });
    expect(decision).toMatchObject({ reason: "Failed", container: "runner", evidence: "exit 1" });
  });

  test("names the sidecar where nothing else failed", () => {
    const fine = { ...failed(2), state: { terminated: { exitCode: 0, finishedAt: STARTED } } };
    expect(planFor({ pods: [podWith([fine])] })[0]).toMatchObject({ reason: "Failed", container: "sidecar" });
  });
});

test.each([
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
])("a container that waits with %s is stuck", (reason) => {
  const [decision] = planFor(stuckSight(pulling({ containerStatuses: [waits(reason)] })));
  expect([decision?.action, decision?.reason]).toEqual(["fail-job", reason]);
});

test("evidence is one line of 300 characters at the most", () => {
  const message = `the image\n${"x".repeat(1_000)}`;
  const containerStatuses = [
    { ...waits("ErrImagePull"), state: { waiting: { reason: "ErrImagePull", message } } },
  ];
  const [decision] = planFor({ pods: [pulling({ containerStatuses })] });
  expect(decision?.evidence).toBe(`the image ${"x".repeat(290)}`);
});
