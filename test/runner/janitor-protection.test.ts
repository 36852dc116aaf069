import { describe, expect, test } from "vitest";
import { PROTECTED_SELECTORS } from "../../runner/src/contract/janitor.ts";
import { parseSelectors } from "../../runner/src/selector.ts";
import {
  cronJobOf,
  FAILS_BY_MARK,
  jobOf,
  linesOf,
  ownedBy,
  planFor,
  podOf,
  STATUS,
} from "../support/kubernetes/janitor-objects.ts";

const ofJob = ownedBy("Job", "j");
const stuck = podOf("a", STATUS.imagePull, ofJob);

describe("what is protected", () => {
  const keep = { labels: { app: "postgres" } };
  const ignore = { annotations: { "r3a.dev/janitor": "ignore" } };
  const selectors = parseSelectors("tier=x;app in (postgres, redis)");
  const levels = (pod: object, job: object, cronJob: object) => ({
    pods: [podOf("a", STATUS.imagePull, { ...ofJob, ...pod })],
    jobs: [jobOf("j", { metadata: { ...ownedBy("CronJob", "c"), ...job } })],
    cronJobs: [cronJobOf("c", cronJob)],
  });

  const templated = (metadata: object) => ({
    pods: [stuck],
    jobs: [jobOf("j", { spec: { ...FAILS_BY_MARK, template: { metadata } } })],
  });

  test.each([
    ["the selector of the pod", levels(keep, {}, {}), "protected by the selector app in (postgres, redis)"],
    ["the selector of its Job", levels({}, keep, {}), "protected by the selector app in (postgres, redis)"],
    [
      "the selector of its CronJob",
      levels({}, {}, keep),
      "protected by the selector app in (postgres, redis)",
    ],
    [
      "the selector of its Job's template",
      templated(keep),
      "protected by the selector app in (postgres, redis)",
    ],
    ["the annotation of the pod", levels(ignore, {}, {}), "protected by the annotation r3a.dev/janitor"],
    ["the annotation of its CronJob", levels({}, {}, ignore), "protected by the annotation r3a.dev/janitor"],
    [
      "an annotation that is not understood",
      levels({}, { annotations: { "r3a.dev/janitor": "ignored" } }, {}),
      "the annotation r3a.dev/janitor: ignored is not understood; write ignore",
    ],
    [
      "a delay that is not understood",
      levels({ annotations: { "r3a.dev/janitor-delay": "soon" } }, {}, {}),
      "the annotation r3a.dev/janitor-delay: soon is not understood; write e.g. 30m",
    ],
  ])("stays by %s", (_, seen, why) => {
    expect(planFor(seen, { selectors })).toEqual([
      expect.objectContaining({ action: "keep", keptBecause: why }),
    ]);
  });

  test.each([
    ["app.kubernetes.io/name", "postgresql"],
    ["app.kubernetes.io/name", "postgresql-ha"],
    ["app.kubernetes.io/name", "mariadb"],
    ["app.kubernetes.io/component", "database"],
    ["app", "postgresql"],
    ["name", "postgresql"],
    ["application", "spilo"],
    ["cnpg.io/cluster", "pg"],
    ["postgres-operator.crunchydata.com/cluster", "pg"],
    ["stackgres.io/cluster-name", "pg"],
    ["app.kubernetes.io/instance", "ingress-nginx"],
  ])("is by default what has %s=%s, on the pod and on its Job", (label, value) => {
    const usual = parseSelectors(PROTECTED_SELECTORS.join(";"));
    const labels = { labels: { [label]: value } };
    for (const seen of [levels(labels, {}, {}), levels({}, labels, {}), levels({}, {}, labels)])
      expect(planFor(seen, { selectors: usual })).toEqual([
        expect.objectContaining({ keptBecause: expect.stringMatching(/^protected by the selector/) }),
      ]);
  });

  test("keeps a whole Job for the label of one of its pods", () => {
    const job = jobOf("j", { spec: {} });
    const pods = [stuck, podOf("b", STATUS.running, { ...ofJob, ...keep })];
    expect(linesOf(planFor({ pods, jobs: [job] }, { selectors }))).toEqual(["keep Pod/a ImagePullBackOff"]);
  });

  test("has a delay of its own, the nearest one", () => {
    const delay = (text: string) => ({ annotations: { "r3a.dev/janitor-delay": text } });
    const lines = (seen: ReturnType<typeof levels>) => linesOf(planFor(seen));
    expect(lines(levels(delay("21m"), {}, {}))).toEqual(["keep Pod/a ImagePullBackOff"]);
    expect(lines(levels(delay("1m"), {}, delay("1h")))).toEqual(["fail-job Pod/a ImagePullBackOff"]);
    expect(lines(levels({}, {}, delay("1h")))).toEqual(["keep Pod/a ImagePullBackOff"]);
  });

  test("is the janitor itself, and every run of it", () => {
    const seen = levels({}, {}, {});
    const own = podOf("own", STATUS.running, ownedBy("Job", "mine"));
    const mine = jobOf("mine", { metadata: ownedBy("CronJob", "c") });
    const withOwn = { ...seen, pods: [...seen.pods, own], jobs: [...seen.jobs, mine] };
    const why = expect.objectContaining({ name: "a", keptBecause: "belongs to the janitor" });
    expect(planFor(withOwn, { ownPodUid: "uid-own" })).toEqual([why]);
    const labels = { "app.kubernetes.io/component": "maint-janitor" };
    expect(planFor({ ...seen, jobs: [jobOf("j", { spec: FAILS_BY_MARK, metadata: { labels } })] })).toEqual([
      why,
    ]);
  });

  test("lies in another namespace: it is not even looked at", () => {
    expect(planFor({ pods: [podOf("a", STATUS.failed, { namespace: "other" })] })).toEqual([]);
  });
});
