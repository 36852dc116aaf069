import fc from "fast-check";
import { expect, test } from "vitest";
import type { Job, Metadata, Pod, SeenObjects } from "../../runner/src/cluster/objects.ts";
import { brakeOf, type Decision, isAction } from "../../runner/src/cluster/plan.ts";
import { renderPlan, renderPlanJson } from "../../runner/src/cluster/plan-text.ts";
import { parseSelectors } from "../../runner/src/selector.ts";
import {
  cronJobOf,
  endedAt,
  FAILS_BY_MARK,
  jobOf,
  LATER,
  OURS,
  ownedBy,
  planFor,
  podOf,
  STARTED,
  STATUS,
} from "../support/kubernetes/janitor-objects.ts";

const LONG_AGO = "2026-01-01T00:00:00Z";

/** Whatever a namespace may hold: names are drawn from so few that owners are often there, and often are not. */
const NAMES = ["a", "b", "c", "d"] as const;
const name = fc.constantFrom(...NAMES);
const labels = fc.constantFrom(
  {},
  {},
  { app: "postgres" },
  { "app.kubernetes.io/component": "maint-janitor" },
  { "app.kubernetes.io/component": "migrate", "app.kubernetes.io/part-of": "r3a" },
  OURS.labels,
  OURS.labels,
  { "app.kubernetes.io/managed-by": "Helm" },
  { "kustomize.toolkit.fluxcd.io/name": "apps" },
);
const annotations = fc.constantFrom<Record<string, string>>(
  {},
  {},
  { "r3a.dev/janitor": "ignore" },
  { "r3a.dev/janitor-delay": "1h" },
  { "cronjob.kubernetes.io/instantiate": "manual" },
  { "helm.sh/hook": "pre-upgrade" },
  { "argocd.argoproj.io/tracking-id": "a:batch/Job:r3a/j" },
);
const metadata = (owners: readonly string[]): fc.Arbitrary<Metadata> =>
  fc
    .record({
      labels,
      annotations,
      namespace: fc.constantFrom("r3a", "r3a", "r3a", "other"),
      owner: fc.option(fc.tuple(fc.constantFrom(...owners), name, fc.boolean())),
      deleted: fc.constantFrom(false, false, false, true),
    })
    .map(({ owner, deleted, ...rest }) => ({
      ...rest,
      ...(owner === null ? {} : ownedBy(owner[0], `${owner[0]}-${owner[1]}`.toLowerCase(), owner[2])),
      ...(deleted ? { deletionTimestamp: STARTED } : {}),
    }));
const pods = fc.array(
  fc
    .tuple(fc.constantFrom(...Object.values(STATUS)), metadata(["Job", "Job", "ReplicaSet", "Workflow"]))
    .map(([status, meta]) => ({ status, meta })),
  { maxLength: 8 },
);
const jobs = fc.uniqueArray(
  fc.record({
    name,
    metadata: metadata(["CronJob"]),
    spec: fc.constantFrom({}, FAILS_BY_MARK, { suspend: true }, { activeDeadlineSeconds: 60 }),
    status: fc.constantFrom({}, endedAt(STARTED), endedAt(STARTED, "Failed"), endedAt(LONG_AGO)),
  }),
  { maxLength: 4, selector: (job) => job.name },
);
const cronJobs = fc.uniqueArray(fc.record({ name, metadata: metadata(["X"]) }), {
  maxLength: 3,
  selector: (each) => each.name,
});
const seenObjects: fc.Arbitrary<SeenObjects> = fc.record({ pods, jobs, cronJobs }).map((drawn) => ({
  pods: drawn.pods.map(({ status, meta }, index) => podOf(`pod-${index}`, status, meta)),
  jobs: drawn.jobs.map((job) => jobOf(`job-${job.name}`, job)),
  cronJobs: drawn.cronJobs.map((each) => cronJobOf(`cronjob-${each.name}`, each.metadata)),
}));

const selectors = parseSelectors("app=postgres");
const plan = (seen: SeenObjects, now = LATER) => planFor(seen, { selectors, ownPodUid: "uid-pod-0" }, now);
const actionsOf = (decisions: readonly Decision[]) => decisions.filter(isAction);

const metaOf = (seen: SeenObjects, uid: string) =>
  [...seen.pods, ...seen.jobs].find((each) => each.metadata?.uid === uid)?.metadata;

test("never touches what is protected, its own, elsewhere, going already, or of another controller", () => {
  fc.assert(
    fc.property(seenObjects, (seen) => {
      for (const { uid, pods: gone } of actionsOf(plan(seen))) {
        const touched = [uid, ...gone].flatMap((each) => metaOf(seen, each) ?? []);
        for (const meta of touched) {
          expect(meta.namespace).toBe("r3a");
          expect(meta.labels).not.toMatchObject({ app: "postgres" });
          expect(meta.labels?.["app.kubernetes.io/component"]).not.toBe("maint-janitor");
          expect(meta.annotations?.["r3a.dev/janitor"]).toBeUndefined();
          expect(meta.uid).not.toBe("uid-pod-0");
          expect(meta.ownerReferences?.some(({ kind }) => kind === "ReplicaSet")).not.toBe(true);
        }
        expect(metaOf(seen, uid)?.deletionTimestamp).toBeUndefined();
      }
    }),
    { numRuns: 500 },
  );
});

/** What it stands for is not asked of the plan: only one kind of Job ended before everything else began. */
const stuckSinceAtTheEarliest = (seen: SeenObjects, uid: string) => {
  const job = seen.jobs.find(({ metadata: meta }) => meta?.uid === uid);
  const isOld = job?.status?.conditions?.some(({ lastTransitionTime: at }) => at === LONG_AGO) ?? false;
  return Date.parse(isOld ? LONG_AGO : STARTED);
};

test("never touches what is stuck for less than the delay, and says so of each that it keeps", () => {
  fc.assert(
    fc.property(seenObjects, fc.integer({ min: -100, max: 3_600 }), (seen, seconds) => {
      const now = Date.parse(STARTED) + seconds * 1000;
      const decisions = plan(seen, now);
      for (const { uid } of actionsOf(decisions))
        expect(now - stuckSinceAtTheEarliest(seen, uid)).toBeGreaterThanOrEqual(900_000);
      for (const { action, keptBecause } of decisions) expect(keptBecause === null).toBe(action !== "keep");
    }),
    { numRuns: 500 },
  );
});

/** The namespace after the plan: pods and Jobs gone, failed Jobs finished. */
function carriedOut(seen: SeenObjects, decisions: readonly Decision[]): SeenObjects {
  const actions = actionsOf(decisions);
  const gone = new Set(
    actions.flatMap(({ uid, action, pods: all }) => (action === "delete-pod" ? [uid] : [uid, ...all])),
  );
  const failed = new Set(
    actions.flatMap(({ action, owners }) => (action === "fail-job" ? [owners[0]?.uid] : [])),
  );
  const isLeft = ({ metadata: meta }: Pod | Job) => !gone.has(meta?.uid ?? "");
  const failedNow = endedAt(new Date(LATER).toISOString(), "Failed");
  return {
    pods: seen.pods.filter(isLeft),
    jobs: seen.jobs
      .filter(isLeft)
      .map((job) => (failed.has(job.metadata?.uid) ? { ...job, status: failedNow } : job)),
    cronJobs: seen.cronJobs,
  };
}

test("has nothing left to do after it was carried out, does each object once, and depends on no order", () => {
  fc.assert(
    fc.property(seenObjects, (seen) => {
      const decisions = plan(seen);
      expect(actionsOf(plan(carriedOut(seen, decisions)))).toEqual([]);
      const uids = actionsOf(decisions).map(({ uid }) => uid);
      expect(new Set(uids).size).toBe(uids.length);
      const turned = {
        pods: seen.pods.toReversed(),
        jobs: seen.jobs.toReversed(),
        cronJobs: seen.cronJobs.toReversed(),
      };
      expect(plan(turned).map((each) => ({ ...each, pods: each.pods.toSorted() }))).toEqual(
        decisions.map((each) => ({ ...each, pods: each.pods.toSorted() })),
      );
    }),
    { numRuns: 2_000 },
  );
});

test("is stopped by the brake exactly where more would go than it allows", () => {
  fc.assert(
    fc.property(
      seenObjects,
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 100 }),
      (seen, most, percent) => {
        const decisions = plan(seen);
        const actions = actionsOf(decisions);
        const gone = new Set(actions.flatMap(({ pods: all }) => all)).size;
        const isTooMuch = actions.length > most || (gone > 3 && gone / seen.pods.length > percent / 100);
        const brake = brakeOf(decisions, seen.pods.length, { maxDeletes: most, maxPercent: percent });
        expect(brake !== null).toBe(isTooMuch);
      },
    ),
    { numRuns: 500 },
  );
});

test("counts all the pods that go with a Job, and by their share only where they are more than three", () => {
  const limits = { maxDeletes: 20, maxPercent: 50 };
  const ofJob = (count: number) =>
    Array.from({ length: count }, (_, index) =>
      podOf(`p${index}`, index === 0 ? STATUS.imagePull : STATUS.running, ownedBy("Job", "j")),
    );
  const jobs = [jobOf("j", { metadata: OURS })];
  const brakeFor = (count: number) => brakeOf(planFor({ pods: ofJob(count), jobs }), count, limits);
  expect(actionsOf(planFor({ pods: ofJob(4), jobs }))).toHaveLength(1);
  expect([brakeFor(1), brakeFor(3)]).toEqual([null, null]);
  expect(brakeFor(4)).toMatch(/^4 of 4 pods would go, more than the 50 % of --max-percent/);
});

test("is printed with what was found, what is kept and why, and how much was looked at", () => {
  const seen = {
    pods: [
      podOf("a", STATUS.failed),
      podOf("b", STATUS.configError, ownedBy("Job", "j")),
      podOf("c", STATUS.running),
    ],
    jobs: [jobOf("j")],
    cronJobs: [],
  };
  const decisions = planFor(seen, {}, Date.parse("2026-11-22T20:47:10Z"));
  const shown = { namespace: "r3a", seen, decisions, brake: "1 of 3 pods would go" };
  const text = renderPlan(shown);
  expect(text).toMatch(/fail-job .* Pod\/b .*CreateContainerConfigError \(runner\).*no-such-secret/);
  expect(text).toMatch(/keep .* Pod\/a .*Failed.*its time comes at 2026-11-22T20:47:12Z/);
  expect(text).toContain("3 pods, 1 Jobs and 0 CronJobs in r3a: 1 to remove, 1 kept\nBRAKE: 1 of 3 pods");
  expect(JSON.parse(renderPlanJson(shown, "delete"))).toEqual({
    version: 1,
    command: "janitor",
    namespace: "r3a",
    looked: { pods: 3, jobs: 1, cronJobs: 0 },
    remove: 1,
    keep: 1,
    brake: "1 of 3 pods would go",
    decisions: [
      expect.objectContaining({ action: "fail-job", name: "b", since: "2026-11-22T20:32:10Z", pods: 1 }),
      expect.objectContaining({ action: "keep", name: "a" }),
    ],
  });
  expect(JSON.parse(renderPlanJson(shown, "scan"))).toMatchObject({ dryRun: true, remove: 1 });
});
