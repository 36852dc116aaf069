import { describe, expect, test } from "vitest";
import {
  linesOf,
  planFor,
  podOf,
  STARTED,
  STATUS,
  stuckSight,
} from "../support/kubernetes/janitor-objects.ts";

const minutes = (count: number) => Date.parse(STARTED) + count * 60_000;
const ENDED = Date.parse("2026-11-22T20:32:12Z");

describe("a pod that does no work any more", () => {
  test.each([
    ["failed", "Failed", "runner", ENDED, "exit 1, said: the last words"],
    ["oomKilled", "OOMKilled", "runner", ENDED, "exit 137 (OOMKilled)"],
    [
      "evicted",
      "Evicted",
      "runner",
      ENDED,
      'Usage of EmptyDir volume "tmp" exceeds the limit "4Mi". ; exit 137',
    ],
    ["nodeLost", "Failed", "runner", Date.parse("2026-11-22T20:32:11Z"), "exit 137 (ContainerStatusUnknown)"],
    ["initError", "Init:Error", "wait-db", ENDED, "exit 1, said: the last words"],
    ["errImagePull", "ErrImagePull", "runner", minutes(0), "failed to pull"],
    ["imagePull", "ImagePullBackOff", "runner", minutes(0), expect.stringContaining("no-such-image")],
    ["imageName", "InvalidImageName", "runner", minutes(0), "couldn't parse image name"],
    ["configError", "CreateContainerConfigError", "runner", minutes(0), 'secret "no-such-secret" not found'],
    ["createError", "CreateContainerError", "runner", minutes(0), "context deadline exceeded"],
    ["runError", "RunContainerError", "runner", minutes(0), "no such file"],
    [
      "initImagePull",
      "Init:ImagePullBackOff",
      "wait-db",
      minutes(0),
      expect.stringContaining("no-such-image"),
    ],
    ["initConfigError", "Init:CreateContainerConfigError", "wait-db", minutes(0), expect.anything()],
    ["initCrash", "Init:CrashLoopBackOff", "wait-db", minutes(0), "5 restarts"],
    ["crashLoop", "CrashLoopBackOff", "runner", minutes(0), "4 restarts; exit 1, said: the last words"],
    ["crashedNow", "CrashLoopBackOff", "runner", ENDED, "4 restarts; exit 1, said: the last words"],
    ["unschedulable", "Unschedulable", null, minutes(0), expect.stringContaining("0/1 nodes")],
  ] as const)("%s: dealt with as %s", (status, reason, container, since, evidence) => {
    const pod = podOf("a", STATUS[status], {}, "Always");
    const hasEnded = STATUS[status].phase === "Failed";
    const job = { kind: "Job", name: "j", uid: "uid-j" };
    expect(planFor(stuckSight(pod))).toEqual([
      {
        action: hasEnded ? "delete-pod" : "fail-job",
        ...{ kind: "Pod", name: "a", uid: "uid-a", resourceVersion: "7" },
        ...{ reason, container, since, evidence },
        ...{ keptBecause: null, owners: hasEnded ? [] : [job], pods: ["uid-a"] },
      },
    ]);
    // nobody would make it again
    if (!hasEnded)
      expect(planFor({ pods: [pod] })).toEqual([
        expect.objectContaining({
          action: "keep",
          reason,
          keptBecause: "has no owner that would make it again, and has not ended",
        }),
      ]);
  });

  test.each(["running", "creating", "succeeded", "gated", "crashedTwice"] as const)(
    "%s: nothing is wrong with it",
    (status) => expect(planFor({ pods: [podOf("a", STATUS[status], {}, "Always")] })).toEqual([]),
  );

  test("that finds no node is stuck only where that is asked for", () => {
    const pod = podOf("a", STATUS.unschedulable);
    expect(planFor(stuckSight(pod), { withUnschedulable: false })).toEqual([]);
  });

  test("that ends well beside a container that failed is still at work", () => {
    const [first] = STATUS.running.containerStatuses ?? [];
    const [broken] = STATUS.failed.containerStatuses ?? [];
    const containerStatuses = [
      first,
      { ...broken, name: "second" },
    ] as typeof STATUS.running.containerStatuses;
    const pod = podOf("a", {
      ...STATUS.running,
      ...(containerStatuses === undefined ? {} : { containerStatuses }),
    });
    expect(planFor({ pods: [pod] })).toEqual([]);
  });

  test("with several stuck containers has the state of the worst, which is named", () => {
    const [pull] = STATUS.imagePull.containerStatuses ?? [];
    const [config] = STATUS.configError.containerStatuses ?? [];
    if (pull === undefined || config === undefined) throw new Error("no container");
    const containerStatuses = [pull, { ...config, name: "second" }];
    const [decision] = planFor({ pods: [podOf("a", { ...STATUS.imagePull, containerStatuses })] });
    expect([decision?.reason, decision?.container]).toEqual(["CreateContainerConfigError", "second"]);
  });
});

describe("stuck since", () => {
  test("an init container's end, not the pod's start: the next one has only just begun to pull", () => {
    const [waiting] = STATUS.initImagePull.initContainerStatuses ?? [];
    const done = { terminated: { exitCode: 0, finishedAt: "2026-11-22T20:50:00Z" } };
    if (waiting === undefined) throw new Error("no container");
    const initContainerStatuses = [{ name: "first", restartCount: 0, state: done }, waiting];
    const [decision] = planFor(stuckSight(podOf("a", { ...STATUS.initImagePull, initContainerStatuses })));
    expect(decision).toMatchObject({
      action: "keep",
      since: Date.parse("2026-11-22T20:50:00Z"),
      keptBecause: "its time comes at 2026-11-22T21:05:00Z",
    });
  });

  test("nobody knows when: it stays, and is not taken for one of 1970", () => {
    const { conditions: _, startTime: __, ...status } = STATUS.nodeLost;
    const [decision] = planFor({ pods: [podOf("a", status)] });
    expect(decision).toMatchObject({ action: "keep", since: null, keptBecause: "does not say since when" });
    const zero = { ...status, startTime: "0001-01-01T00:00:00Z" };
    expect(planFor({ pods: [podOf("a", zero)] })).toEqual([decision]);
  });

  test("the delay to the millisecond", () => {
    const pods = [podOf("a", STATUS.failed)];
    expect(linesOf(planFor({ pods }, {}, ENDED + 899_999))).toEqual(["keep Pod/a Failed"]);
    expect(linesOf(planFor({ pods }, {}, ENDED + 900_000))).toEqual(["delete-pod Pod/a Failed"]);
  });
});

test("a pod that does not go away is reported, with what holds it", () => {
  const metadata = { deletionTimestamp: STARTED, finalizers: ["batch.kubernetes.io/job-tracking"] };
  const pods = [podOf("a", STATUS.failed, metadata)];
  expect(planFor({ pods })).toEqual([
    expect.objectContaining({
      action: "keep",
      reason: "Terminating",
      evidence: "held by batch.kubernetes.io/job-tracking",
      keptBecause: "is being deleted",
    }),
  ]);
  expect(planFor({ pods }, {}, minutes(1))).toEqual([]);
});
