import { describe, expect, test } from "vitest";
import type { Job, Metadata, Pod, SeenObjects } from "../../runner/src/cluster/objects.ts";
import { JANITOR_SCOPES } from "../../runner/src/contract/janitor.ts";
import {
  cronJobOf,
  endedAt,
  jobOf,
  linesOf,
  OURS,
  ownedBy,
  planFor,
  podOf,
  STATUS,
} from "../support/kubernetes/janitor-objects.ts";

const LONG_AGO = "2026-10-01T00:00:00Z";
const ofJob = ownedBy("Job", "j");
const owner = (apiVersion: string, kind: string, controller?: boolean) => ({
  ...{ apiVersion, kind, name: "x", uid: "uid-x" },
  ...(controller === undefined ? {} : { controller }),
});

/** A Job as it may stand anywhere, with a pod whose image cannot be pulled. */
const stuck = (metadata: Metadata, more: Partial<Required<Job>> = {}): Partial<SeenObjects> => ({
  jobs: [jobOf("j", { ...more, metadata })],
  pods: [podOf("a", STATUS.imagePull, ofJob)],
});
const finished = (metadata: Metadata, more: Partial<Required<Job>> = {}): Partial<SeenObjects> => ({
  jobs: [jobOf("j", { ...more, metadata, status: endedAt(LONG_AGO) })],
});
const ended = (metadata: Metadata): Partial<SeenObjects> => ({ pods: [podOf("a", STATUS.failed, metadata)] });

/** Asserts that it stays in each scope, with this reason, even with the label of the suite. */
function expectKept(
  make: (metadata: Metadata) => Partial<SeenObjects>,
  metadata: Metadata,
  why: RegExp,
): void {
  for (const scope of JANITOR_SCOPES)
    for (const labels of [{}, OURS.labels]) {
      const plan = planFor(make({ ...metadata, labels: { ...labels, ...metadata.labels } }), { scope });
      expect(plan.map(({ action }) => action)).toEqual(plan.map(() => "keep"));
      expect(plan[0]?.keptBecause).toMatch(why);
    }
}

describe("what an operator owns stays in each scope", () => {
  const operators = [
    owner("postgresql.cnpg.io/v1", "Cluster", true),
    owner("argoproj.io/v1alpha1", "Workflow", true),
    owner("argoproj.io/v1alpha1", "CronWorkflow"),
    owner("argoproj.io/v1alpha1", "Rollout", false),
    owner("tekton.dev/v1", "PipelineRun", true),
    owner("sparkoperator.k8s.io/v1beta2", "SparkApplication", true),
    owner("jobset.x-k8s.io/v1alpha2", "JobSet", true),
    owner("keda.sh/v1alpha1", "ScaledJob", true),
    // the same words in another group
    owner("batch.volcano.sh/v1alpha1", "Job", true),
    owner("example.com/v1", "CronJob", true),
  ];
  test.each(operators)("$apiVersion $kind", (reference) => {
    const why = new RegExp(`${reference.kind} x above it looks after it`);
    const ownerReferences = [reference];
    for (const make of [stuck, finished]) expectKept(make, { ownerReferences }, why);
    if (reference.kind !== "CronJob") expectKept(ended, { ownerReferences }, why);
  });

  test("beside a Job or CronJob, and above one", () => {
    const [cluster] = operators;
    const cronJob = { ...owner("batch/v1", "CronJob", true), name: "c", uid: "uid-c" };
    const ownerReferences = [cronJob, { ...owner("example.com/v1", "Backup"), uid: "uid-b" }];
    for (const make of [stuck, finished]) expectKept(make, { ownerReferences }, /Backup x above it/);
    const cronJobs = [cronJobOf("c", { ...OURS, ...(cluster && { ownerReferences: [cluster] }) })];
    const byOperator = (metadata: Metadata) => ({ ...stuck(metadata), cronJobs });
    expectKept(byOperator, ownedBy("CronJob", "c"), /Cluster x above it/);
    const grandchild = (metadata: Metadata): Partial<SeenObjects> => ({
      jobs: [jobOf("j", { metadata: ownedBy("Job", "parent") }), jobOf("parent", { metadata })],
      pods: [podOf("a", STATUS.imagePull, ofJob), podOf("b", STATUS.running, ownedBy("Job", "parent"))],
    });
    expectKept(grandchild, { ownerReferences: [owner("example.com/v1", "Backup")] }, /Backup x above it/);
  });

  test("of one pod of a Job: the whole Job stays, since the pod would go with it", () => {
    const second = { ...owner("example.com/v1", "Backup"), uid: "uid-b" };
    for (const [metadata, why] of [
      [{ ownerReferences: [...(ofJob.ownerReferences ?? []), second] }, /Backup x above it/],
      [{ ...ofJob, annotations: { "argocd.argoproj.io/tracking-id": "x" } }, /Argo looks after it/],
    ] as const) {
      const make = (labels: Metadata) => ({
        jobs: [jobOf("j", { metadata: labels, status: endedAt(LONG_AGO) })],
        pods: [podOf("a", STATUS.succeeded, metadata)],
      });
      expectKept(make, {}, why);
    }
  });

  test("two Jobs that name each other have no end above them, and make none here", () => {
    const jobs = [
      jobOf("j", { metadata: { ...OURS, ...ownedBy("Job", "k") } }),
      jobOf("k", { metadata: { ...OURS, ...ownedBy("Job", "j") } }),
    ];
    const pods = [podOf("a", STATUS.imagePull, ofJob), podOf("b", STATUS.running, ownedBy("Job", "k"))];
    expect(linesOf(planFor({ jobs, pods }))).toEqual(["fail-job Pod/a ImagePullBackOff"]);
  });

  test("spec.managedBy gives a Job to another controller, finished or not", () => {
    const more = { spec: { managedBy: "kueue.x-k8s.io/multikueue" } };
    for (const make of [stuck, finished])
      expectKept((metadata) => make(metadata, more), {}, /multikueue looks after it/);
  });

  test("the pod of a node, and its mirror without an owner", () => {
    expectKept(ended, { ownerReferences: [owner("v1", "Node", true)] }, /Node x above it/);
    expectKept(ended, { annotations: { "kubernetes.io/config.mirror": "0a1b" } }, /mirror of a static pod/);
  });
});

test.each<[string, string, RegExp]>([
  ["helm.sh/hook", "pre-upgrade", /Helm looks after it \(helm\.sh\/hook\)/],
  ["helm.sh/hook-weight", "-5", /Helm/],
  ["helm.sh/resource-policy", "keep", /Helm/],
  ["meta.helm.sh/release-name", "app", /Helm/],
  ["argocd.argoproj.io/tracking-id", "app:batch/Job:r3a/j", /Argo looks after it/],
  ["argocd.argoproj.io/instance", "app", /Argo/],
  ["argocd.argoproj.io/hook", "PreSync", /Argo/],
  ["kustomize.toolkit.fluxcd.io/name", "app", /Flux looks after it/],
  ["helm.toolkit.fluxcd.io/namespace", "flux-system", /Flux/],
  ["fluxcd.io/sync-checksum", "0a1b", /Flux/],
  ["fleet.cattle.io/bundle-id", "app", /Rancher Fleet/],
  ["configmanagement.gke.io/managed", "enabled", /Config Sync/],
  ["kapp.k14s.io/app", "1", /kapp/],
  ["applyset.kubernetes.io/part-of", "applyset-x", /kubectl apply --prune/],
  ["job.runner.gitlab.com/pod", "x", /GitLab Runner/],
])("%s stays in each scope, as a label and as an annotation", (key, value, why) => {
  for (const marks of [{ labels: { [key]: value } }, { annotations: { [key]: value } }])
    for (const make of [stuck, finished, ended]) expectKept(make, marks, why);
});

test("what a chart writes everywhere counts where no CronJob made the object, and not where one did", () => {
  for (const [key, value] of [
    ["app.kubernetes.io/managed-by", "Helm"],
    ["app.kubernetes.io/instance", "app"],
    ["helm.sh/chart", "app-1.2.3"],
  ] as const) {
    const labels = { [key]: value };
    for (const make of [stuck, finished, ended]) expectKept(make, { labels }, new RegExp(key));
    const made = { ...ownedBy("CronJob", "c"), labels: { ...labels, ...OURS.labels } };
    expect(linesOf(planFor({ ...stuck(made), cronJobs: [cronJobOf("c")] }, { scope: "ours" }))).toEqual([
      "fail-job Pod/a ImagePullBackOff",
    ]);
  }
});

test("a CronJob that GitOps or Helm deployed makes Jobs that are the suite's own", () => {
  const marks = { annotations: { "argocd.argoproj.io/tracking-id": "r3a:batch/CronJob:r3a/c" } };
  const cronJobs = [cronJobOf("c", { ...OURS, ...marks })];
  expect(linesOf(planFor({ ...stuck(ownedBy("CronJob", "c")), cronJobs }, { scope: "ours" }))).toEqual([
    "fail-job Pod/a ImagePullBackOff",
  ]);
});

describe("a stranger's Job in scope namespace", () => {
  const pods = (...states: readonly (keyof typeof STATUS)[]) =>
    states.map((state, index) => podOf(`p${index}`, STATUS[state], ofJob));
  const planOf = (all: readonly Pod[], metadata: Metadata = {}) =>
    planFor({ jobs: [jobOf("j", { spec: {}, metadata })], pods: all });

  test("stays while a pod of it is at work, or only begins to be stuck", () => {
    const why = expect.objectContaining({
      action: "keep",
      keptBecause: "4 of its pods are at work, and it is not of the suite",
    });
    expect(planOf(pods("imagePull", "running", "running", "creating", "crashedTwice"))).toEqual([why]);
    const young = podOf("young", { ...STATUS.imagePull, conditions: [], startTime: "2026-11-22T20:50:00Z" });
    const two = [...pods("imagePull"), { ...young, metadata: { ...young.metadata, ...ofJob } }];
    expect(planOf(two).map(({ action }) => action)).toEqual(["keep", "keep"]);
  });

  test("goes once none is, and one of the suite goes with those that are", () => {
    expect(linesOf(planOf(pods("imagePull", "failed", "succeeded")))[0]).toBe(
      "delete-job Job/j ImagePullBackOff",
    );
    expect(linesOf(planOf(pods("imagePull", "running"), OURS))).toEqual([
      "delete-job Job/j ImagePullBackOff",
    ]);
  });

  test("stays past its deadline while it runs", () => {
    const overdue = jobOf("j", { spec: { activeDeadlineSeconds: 200 } });
    expect(linesOf(planFor({ jobs: [overdue], pods: pods("running") }))).toEqual(["keep Job/j Overdue"]);
  });
});

test("a pod without an owner goes once it has failed, and in no other state", () => {
  for (const state of Object.keys(STATUS) as (keyof typeof STATUS)[]) {
    const plan = planFor({ pods: [podOf("a", STATUS[state], OURS, "Always")] });
    const isGone = plan.some(({ action }) => action === "delete-pod");
    expect([state, isGone]).toEqual([state, STATUS[state].phase === "Failed"]);
  }
});

test("a suspended Job with the label of the suite stays with its pods", () => {
  const plan = planFor(stuck(OURS, { spec: { suspend: true, activeDeadlineSeconds: 1 } }), { scope: "ours" });
  expect(plan.map(({ keptBecause }) => keptBecause)).toEqual(["its Job j is suspended or ending"]);
});
