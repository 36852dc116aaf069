import fc from "fast-check";
import { expect, test } from "vitest";
import { JOBS } from "../../infra/model/jobs.ts";
import { countPodsInScope } from "../../runner/src/cluster/decide.ts";
import type { CronJob, Job, Pod, SeenObjects } from "../../runner/src/cluster/objects.ts";
import { CRON_JOBS } from "../../runner/src/contract/names.ts";
import {
  cronJobOf,
  endedAt,
  jobOf,
  linesOf,
  OURS,
  ownedBy,
  POLICY,
  planFor,
  podOf,
  STARTED,
  STATUS,
} from "../support/kubernetes/janitor-objects.ts";

const NOT_OURS = "is not of the suite; scope namespace takes it in";
const byClock = { annotations: { "batch.kubernetes.io/cronjob-scheduled-timestamp": STARTED } };
const ended = endedAt("2026-10-01T00:00:00Z");
const finished = (name: string, metadata = {}) => jobOf(name, { metadata, status: ended });
const seen = (
  jobs: readonly Job[],
  pods: readonly Pod[] = [],
  cronJobs: readonly CronJob[] = [],
): SeenObjects => ({
  ...{ jobs, pods, cronJobs },
});

test.each<[string, SeenObjects]>([
  ["a Job with the label", seen([finished("j", OURS)])],
  [
    "a Job of a CronJob with the label",
    seen([finished("j", ownedBy("CronJob", "c"))], [], [cronJobOf("c", OURS)]),
  ],
  [
    "a Job that a person made from a CronJob with the label",
    seen([finished("j", ownedBy("CronJob", "c", false))], [], [cronJobOf("c", OURS)]),
  ],
  [
    "a Job of a CronJob that has a name of the suite and no label, as in the old charts",
    seen([finished("j", ownedBy("CronJob", "r3a-sync-1h"))], [], [cronJobOf("r3a-sync-1h")]),
  ],
  ["the same whose CronJob is gone", seen([finished("j", ownedBy("CronJob", "r3a-sync-1h"))])],
  ["the same whose CronJob was deleted without it", seen([finished("r3a-sync-1h-29401260", byClock)])],
  ["a failed pod with the label", seen([], [podOf("a", STATUS.failed, OURS)])],
])("scope ours takes %s", (_, all) => {
  const plan = planFor(all, { scope: "ours" });
  expect(plan.map(({ action }) => action)).toEqual([all.jobs.length > 0 ? "delete-job" : "delete-pod"]);
});

test.each<[string, SeenObjects]>([
  ["a Job of nobody", seen([finished("j")])],
  ["a Job of a stranger's CronJob", seen([finished("j", ownedBy("CronJob", "c"))], [], [cronJobOf("c")])],
  ["a Job named like ours that no CronJob made", seen([finished("r3a-sync-1h-29401260")])],
  ["a Job named like ours by a stranger's clock", seen([finished("r3a-sync-1h-x-29401260", byClock)])],
  [
    "a Job named like ours that a stranger's CronJob made",
    seen(
      [finished("r3a-sync-1h-29401260", { ...byClock, ...ownedBy("CronJob", "c") })],
      [],
      [cronJobOf("c")],
    ),
  ],
  [
    "a Job with another part-of",
    seen([finished("j", { labels: { "app.kubernetes.io/part-of": "r3a-staging" } })]),
  ],
  ["a failed pod of nobody", seen([], [podOf("a", STATUS.failed)])],
  [
    "a Job of a stranger, whose pod alone has the label",
    seen([jobOf("j")], [podOf("a", STATUS.imagePull, { ...ownedBy("Job", "j"), ...OURS })]),
  ],
])("scope ours leaves %s, which scope namespace takes", (_, all) => {
  expect(planFor(all, { scope: "ours" }).map(({ action, keptBecause }) => [action, keptBecause])).toEqual([
    ["keep", NOT_OURS],
  ]);
  expect(planFor(all, { scope: "namespace" }).some(({ action }) => action !== "keep")).toBe(true);
});

test("the names of the contract are those of the table of jobs", () => {
  expect([...CRON_JOBS]).toEqual(JOBS.map(({ name }) => `r3a-${name}`));
});

test("the brake's share is one of the pods in the scope", () => {
  const own = [podOf("a", STATUS.failed, OURS), podOf("b", STATUS.running, ownedBy("Job", "j"))];
  const others = ["c", "d", "e"].map((name) => podOf(name, STATUS.running));
  const all = seen([jobOf("j", { metadata: OURS })], [...own, ...others]);
  expect(countPodsInScope(all, { ...POLICY, scope: "ours" })).toBe(2);
  expect(countPodsInScope(all, POLICY)).toBe(5);
});

test("scope ours never does what scope namespace would not, but for a Job of the suite that is at work", () => {
  const label = fc.constantFrom({}, OURS.labels, { "app.kubernetes.io/managed-by": "Helm" });
  const owner = fc.constantFrom(
    {},
    ownedBy("CronJob", "c"),
    ownedBy("CronJob", "r3a-gaps"),
    ownedBy("Cluster", "pg"),
  );
  const jobs = fc.array(fc.record({ labels: label, owner, isEnded: fc.boolean() }), { maxLength: 4 });
  const pods = fc.array(
    fc.record({ labels: label, status: fc.constantFrom(...Object.values(STATUS)), job: fc.nat(5) }),
    { maxLength: 8 },
  );
  fc.assert(
    fc.property(jobs, pods, (someJobs, somePods) => {
      const all = seen(
        someJobs.map(({ labels, owner: made, isEnded }, index) =>
          jobOf(`j${index}`, { metadata: { labels, ...made }, ...(isEnded ? { status: ended } : {}) }),
        ),
        somePods.map(({ labels, status, job }, index) =>
          podOf(`p${index}`, status, { labels, ...(job > 3 ? {} : ownedBy("Job", `j${job}`)) }),
        ),
        [cronJobOf("c", OURS)],
      );
      const wide = new Set(linesOf(planFor(all)));
      const narrow = planFor(all, { scope: "ours" }).filter(({ action }) => action !== "keep");
      for (const line of linesOf(narrow)) expect(wide).toContain(line);
      for (const { uid } of narrow) {
        const { metadata } = [...all.jobs, ...all.pods].find((each) => each.metadata?.uid === uid) ?? {};
        expect(metadata?.ownerReferences?.some(({ kind }) => kind === "Cluster")).not.toBe(true);
      }
    }),
    { numRuns: 1_000 },
  );
});
