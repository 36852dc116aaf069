import { describe, expect, test } from "vitest";
import type { Job } from "../../runner/src/cluster/objects.ts";
import {
  cronJobOf,
  endedAt,
  jobOf,
  linesOf,
  OURS,
  ownedBy,
  planFor,
  podOf,
  STARTED,
  STATUS,
} from "../support/kubernetes/janitor-objects.ts";

const ofJob = ownedBy("Job", "j");
const stuck = podOf("a", STATUS.imagePull, ofJob);
const failed = podOf("a", STATUS.failed, ofJob);
const controller = ownedBy("ReplicaSet", "r").ownerReferences ?? [];
const conditions = (type: string) => [{ type, status: "True", lastTransitionTime: STARTED }];

describe("a stuck pod of a Job that goes on", () => {
  test("is marked, so that the Job's own policy fails it; its Job and CronJob hear of it", () => {
    const job = jobOf("j", { metadata: ownedBy("CronJob", "c") });
    const plan = planFor({ pods: [stuck], jobs: [job], cronJobs: [cronJobOf("c")] });
    expect(linesOf(plan)).toEqual(["fail-job Pod/a ImagePullBackOff"]);
    expect(plan[0]?.owners.map(({ kind, name }) => `${kind}/${name}`)).toEqual(["Job/j", "CronJob/c"]);
  });

  test("takes its Job along where no policy knows the mark", () => {
    const plan = planFor({ pods: [stuck], jobs: [jobOf("j", { spec: {} })] });
    expect(plan).toEqual([
      expect.objectContaining({
        action: "delete-job",
        name: "j",
        evidence: expect.stringContaining("pod a: "),
      }),
    ]);
  });

  test("stands for the others of an Indexed Job, the longest stuck one first", () => {
    const status = { ...STATUS.imagePull, conditions: [], startTime: "2026-11-22T20:30:00Z" };
    const pods = [stuck, podOf("b", status, ofJob)];
    expect(linesOf(planFor({ pods, jobs: [jobOf("j")] }))).toEqual([
      "fail-job Pod/b ImagePullBackOff",
      "keep Pod/a ImagePullBackOff",
    ]);
  });
});

test.each([
  [
    "a finished Job",
    failed,
    [jobOf("j", { status: endedAt(STARTED) })],
    "stays as long as its finished Job j",
  ],
  [
    "a Job that goes on",
    failed,
    [jobOf("j", { status: { active: 0 } })],
    "its Job j counts it and tries again",
  ],
  ["a suspended Job", stuck, [jobOf("j", { spec: { suspend: true } })], "its Job j is suspended or ending"],
  [
    "a Job that is ending",
    stuck,
    [jobOf("j", { status: { conditions: conditions("FailureTarget") } })],
    "its Job j is suspended or ending",
  ],
  [
    "a Job that has succeeded and is ending",
    stuck,
    [jobOf("j", { status: { conditions: conditions("SuccessCriteriaMet") } })],
    "its Job j is suspended or ending",
  ],
  [
    "a ReplicaSet that is named after another owner",
    podOf("a", STATUS.imagePull, {
      ownerReferences: [{ kind: "Job", name: "j", uid: "uid-j" }, ...controller],
    }),
    [jobOf("j", { status: { active: 0 } })],
    "ReplicaSet r above it looks after it",
  ],
  ["a Job that is gone", stuck, [], "its Job j is gone: the garbage collection takes it"],
  [
    "a Job of another namespace with the same name",
    stuck,
    [jobOf("j", { metadata: { namespace: "other" } })],
    "its Job j is gone: the garbage collection takes it",
  ],
  [
    "a ReplicaSet",
    podOf("a", STATUS.crashLoop, ownedBy("ReplicaSet", "r"), "Always"),
    [],
    "ReplicaSet r above it looks after it",
  ],
] as const)("a pod of %s stays", (_, pod, jobs, why) => {
  expect(planFor({ pods: [pod], jobs })).toEqual([
    expect.objectContaining({ action: "keep", name: "a", keptBecause: why }),
  ]);
});

describe("a Job by itself", () => {
  const labels = { "app.kubernetes.io/component": "migrate", "app.kubernetes.io/part-of": "r3a" };
  const schemaJob = (name: string, creationTimestamp: string, more: Partial<Required<Job>> = {}) =>
    jobOf(name, { ...more, metadata: { labels, creationTimestamp } });
  const ended = { status: endedAt(STARTED) };
  const overdue = { activeDeadlineSeconds: 200 };
  const met = { conditions: conditions("SuccessCriteriaMet") };
  const byClock = { "batch.kubernetes.io/cronjob-scheduled-timestamp": STARTED };
  const byHand = { "cronjob.kubernetes.io/instantiate": "manual" };

  test.each<[string, readonly Job[], readonly string[]]>([
    ["within its deadline", [jobOf("j", { spec: { activeDeadlineSeconds: 3_600 } })], []],
    [
      "long past its deadline and grace",
      [
        jobOf("j", {
          metadata: OURS,
          spec: { activeDeadlineSeconds: 200, template: { spec: { terminationGracePeriodSeconds: 10 } } },
        }),
      ],
      ["delete-job Job/j Overdue"],
    ],
    [
      "past its deadline for less than the delay",
      [jobOf("j", { spec: { activeDeadlineSeconds: 300 } })],
      ["keep Job/j Overdue"],
    ],
    ["suspended", [jobOf("j", { spec: { activeDeadlineSeconds: 200, suspend: true } })], []],
    ["of another controller", [jobOf("j", { spec: { activeDeadlineSeconds: 200, managedBy: "kueue" } })], []],
    ["finished, of nobody", [jobOf("j", ended)], []],
    [
      "finished, whose CronJob is gone",
      [jobOf("j", { ...ended, metadata: ownedBy("CronJob", "gone") })],
      ["delete-job Job/j Orphan"],
    ],
    [
      "unfinished, whose CronJob is gone",
      [jobOf("j", { metadata: ownedBy("CronJob", "gone"), status: { active: 0 } })],
      [],
    ],
    [
      "finished, whose CronJob was deleted without it",
      [jobOf("j", { ...ended, metadata: { annotations: byClock } })],
      ["delete-job Job/j Orphan"],
    ],
    [
      "finished, made by hand of a CronJob that is gone",
      [jobOf("j", { ...ended, metadata: { annotations: byHand } })],
      ["delete-job Job/j Orphan"],
    ],
    [
      "finished, named after its CronJob but not counted by it",
      [jobOf("j", { ...ended, metadata: ownedBy("CronJob", "c", false) })],
      ["delete-job Job/j Orphan"],
    ],
    ["finished, in its CronJob's history", [jobOf("j", { ...ended, metadata: ownedBy("CronJob", "c") })], []],
    [
      "finished, with a time to live",
      [jobOf("j", { ...ended, spec: { ttlSecondsAfterFinished: 60 }, metadata: { annotations: byClock } })],
      [],
    ],
    [
      "finished long ago",
      [jobOf("j", { metadata: ownedBy("CronJob", "c"), status: endedAt("2026-10-01T00:00:00Z") })],
      ["delete-job Job/j FinishedLongAgo"],
    ],
    ["that has succeeded and is ending", [jobOf("j", { spec: overdue, status: met })], []],
    [
      "the schema's, finished, where a newer one is there",
      [schemaJob("old", "2026-11-22T19:00:00Z", ended), schemaJob("new", "2026-11-22T20:00:00Z", ended)],
      ["delete-job Job/old OldSchemaJob"],
    ],
    [
      "the schema's newest, whatever became of it",
      [schemaJob("new", "2026-01-01T00:00:00Z", { status: endedAt("2026-01-01T00:00:00Z", "Failed") })],
      ["keep Job/new FinishedLongAgo"],
    ],
    ["the schema's, two of one second", [schemaJob("a", STARTED, ended), schemaJob("b", STARTED, ended)], []],
  ])("%s", (_, jobs, lines) => {
    const pods = jobs
      .filter(({ status }) => status?.active === 1)
      .map(({ metadata }) =>
        podOf(`${metadata?.name}-pod`, STATUS.running, ownedBy("Job", metadata?.name ?? "")),
      );
    expect(linesOf(planFor({ pods, jobs, cronJobs: [cronJobOf("c")] }))).toEqual(lines);
  });

  test("that says that it has a pod and has none, after the longest wait between two tries", () => {
    const jobs = [jobOf("j")];
    const at = (minutes: number) => Date.parse(STARTED) + minutes * 60_000;
    expect(linesOf(planFor({ jobs }, {}, at(22)))).toEqual(["delete-job Job/j NoLivePod"]);
    expect(linesOf(planFor({ jobs }, {}, at(20)))).toEqual(["keep Job/j NoLivePod"]);
    expect(planFor({ jobs, pods: [podOf("a", STATUS.running, ofJob)] }, {}, at(22))).toEqual([]);
  });

  test("that has ended, of nobody, goes once that is long enough ago, and not before the delay", () => {
    const jobs = [jobOf("j", ended)];
    const at = (seconds: number) => Date.parse(STARTED) + seconds * 1000;
    const lines = (finishedAfterMs: number, seconds: number) =>
      linesOf(planFor({ jobs }, { finishedAfterMs }, at(seconds)));
    expect(lines(3_600_000, 3_599)).toEqual([]);
    expect(lines(3_600_000, 3_600)).toEqual(["delete-job Job/j FinishedLongAgo"]);
    expect(lines(20_000, 899)).toEqual(["keep Job/j FinishedLongAgo"]);
  });

  test("takes its failed pods along, which then need no line of action of their own", () => {
    const job = jobOf("j", { ...ended, metadata: { annotations: byClock } });
    const plan = planFor({ jobs: [job], pods: [failed] });
    expect(linesOf(plan)).toEqual(["delete-job Job/j Orphan", "keep Pod/a Failed"]);
    expect(plan[0]?.pods).toEqual(["uid-a"]);
  });
});
