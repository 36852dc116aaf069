import { expect, test, vi } from "vitest";
import { diagnose } from "../../runner/src/doctor/diagnose.ts";
import { runDoctor } from "../support/doctor.ts";
import { named, ownPod, useInstallation } from "../support/installation.ts";
import { startAnswers } from "../support/kubernetes-answers.ts";
import { runRunner } from "../support/runner.ts";

const installation = useInstallation();
const { answers } = installation;
const signal = new AbortController().signal;
const DAY_MS = 86_400_000;
const CHECKS = "cluster,service-accounts,pull-secrets,secrets,config-maps,suspended,schedules,images,pods";
const look = (only = CHECKS) => runDoctor({ KUBECONFIG: installation.server.kubeconfig }, only);
const agoText = (ms: number) => new Date(Date.now() - ms).toISOString();

test("an installation as infra deploys it passes every check, and no secret's value is asked for", async () => {
  installation.server.requests.length = 0;
  const { code, checks } = await look();
  expect(checks.filter(({ status }) => status !== "pass")).toEqual([]);
  expect(code).toBe(0);
  expect(checks.map(({ name }) => name).join(",")).toBe(CHECKS);
  const asked = installation.server.requests.filter(({ path }) => path.endsWith("/secrets"));
  expect(asked.length).toBeGreaterThan(0);
  for (const { accept } of asked) expect(accept).toMatch(/^application\/json;as=PartialObjectMetadataList/);
});

test.each<[string, string, () => void, "warn" | "fail" | "skip", RegExp, RegExp]>([
  [
    "an account that is not there",
    "service-accounts",
    () => Object.assign(answers.lists, { serviceaccounts: named(["default"]) }),
    "fail",
    /ServiceAccount r3a-sync-sa is not there, and is that of r3a-/,
    /serviceAccountName/,
  ],
  [
    "the account `default`",
    "service-accounts",
    () => {
      installation.podSpec("r3a-sync-15m").serviceAccountName = "default";
    },
    "fail",
    /ServiceAccount default is nobody's own, and is that of r3a-sync-15m/,
    /serviceAccountName/,
  ],
  [
    "the account of the janitor on another job",
    "service-accounts",
    () => Object.assign(installation.podSpec("r3a-maint"), { serviceAccountName: "r3a-janitor-sa" }),
    "fail",
    /ServiceAccount r3a-janitor-sa has the janitor's rights, and is that of .*r3a-maint/,
    /serviceAccountName/,
  ],
  [
    "accounts that we may not see",
    "service-accounts",
    () => answers.forbidden.add("serviceaccounts"),
    "warn",
    /r3a-sync-sa, .*; not allowed to look/,
    /kubectl get serviceaccount/,
  ],
  [
    "a pull secret that is not there",
    "pull-secrets",
    () => Object.assign(answers.lists, { secrets: named(["r3a-db"]) }),
    "fail",
    /Secret r3a-regcred is not there/,
    /deploy\.md/,
  ],
  [
    "secrets that we may not see",
    "pull-secrets",
    () => answers.forbidden.add("secrets"),
    "skip",
    /not allowed to look at Secrets; the templates need r3a-regcred/,
    /^$/,
  ],
  [
    "the database's secret that is not there",
    "secrets",
    () => Object.assign(answers.lists, { secrets: named(["r3a-regcred"]) }),
    "fail",
    /Secret .*r3a-db.* is not there/,
    /deploy\.md/,
  ],
  [
    "a ConfigMap that is not there",
    "config-maps",
    () => Object.assign(answers.lists, { configmaps: [] }),
    "fail",
    /ConfigMap r3a-sync-config is not there/,
    /deploy again/,
  ],
  [
    "a suspended job",
    "suspended",
    () => {
      installation.cronJob("r3a-gaps").spec.suspend = true;
    },
    "warn",
    /suspended: r3a-gaps/,
    /kubectl patch cronjob/,
  ],
  [
    "a job that has not started for an hour",
    "schedules",
    () => {
      installation.cronJob("r3a-sync-1m").status.lastScheduleTime = agoText(3_600_000);
    },
    "fail",
    /r3a-sync-1m \(\* \* \* \* \*\) was due at .*, last started 20/,
    /kubectl create job/,
  ],
  [
    "a job that starts and fails for three days",
    "schedules",
    () => {
      installation.cronJob("r3a-verify").status.lastSuccessfulTime = agoText(3.5 * DAY_MS);
    },
    "fail",
    /r3a-verify .* last succeeded 20.*more than one run in a row failed/,
    /kubectl get jobs/,
  ],
  [
    "a job that never succeeded",
    "schedules",
    () => {
      delete installation.cronJob("r3a-sync-1h").status.lastSuccessfulTime;
    },
    "fail",
    /r3a-sync-1h .* last succeeded never/,
    /kubectl/,
  ],
  [
    "jobs of two releases",
    "images",
    () => {
      for (const each of installation.podSpec("r3a-sync-1m").containers)
        each.image = "ghcr.io/triplora/r3a-runner:0.9";
    },
    "warn",
    /2 images are in use/,
    /deploy once more/,
  ],
  [
    "a pod without its image",
    "pods",
    () =>
      Object.assign(answers.lists, {
        pods: [
          ownPod("Pending", {
            containerStatuses: [
              {
                name: "runner",
                restartCount: 0,
                state: { waiting: { reason: "ImagePullBackOff", message: "403 Forbidden" } },
              },
            ],
          }),
        ],
      }),
    "fail",
    /r3a-sync-1m-29 ImagePullBackOff.*403 Forbidden/,
    /kubectl describe pod/,
  ],
  [
    "a pod without a place",
    "pods",
    () =>
      Object.assign(answers.lists, {
        pods: [
          ownPod("Pending", {
            conditions: [
              { type: "PodScheduled", status: "False", reason: "Unschedulable", message: "0/1 nodes" },
            ],
          }),
        ],
      }),
    "fail",
    /Unschedulable.*0\/1 nodes/,
    /kubectl describe pod/,
  ],
  [
    "a pod that ran out of memory",
    "pods",
    () =>
      Object.assign(answers.lists, {
        pods: [
          ownPod("Failed", {
            containerStatuses: [
              {
                name: "runner",
                restartCount: 0,
                state: { terminated: { exitCode: 137, reason: "OOMKilled" } },
              },
            ],
          }),
        ],
      }),
    "warn",
    /OOMKilled/,
    /kubectl describe pod/,
  ],
])("%s", async (_, name, spoil, status, found, remedy) => {
  spoil();
  const { kubeconfig: KUBECONFIG } = installation.server;
  vi.stubEnv("KUBECONFIG", KUBECONFIG); // the client reads the process itself
  const results = await diagnose({ env: { KUBECONFIG }, namespace: null, signal }, [name]);
  vi.unstubAllEnvs();
  expect(results.find((each) => each.name === name)).toEqual({
    name,
    status,
    found: expect.stringMatching(found),
    remedy: expect.stringMatching(remedy),
  });
});

test("CronJobs that we may not see are a failure, and what needs them is passed over", async () => {
  answers.forbidden.add("cronjobs");
  const { code, of } = await look();
  expect(code).toBe(1);
  expect(of("cluster")).toMatchObject({
    status: "fail",
    found: expect.stringMatching(/not allowed to look at CronJobs in namespace r3a: 403/),
    remedy: expect.stringMatching(/auth can-i list cronjobs/),
  });
  expect(of("pods")).toMatchObject({ status: "skip", found: "needs cluster, see there" });
});

test("a namespace without us is passed over, one that was asked for is a failure; an API that is away is one too", async () => {
  answers.lists.cronjobs = [];
  expect((await look("cluster")).of("cluster")).toMatchObject({
    status: "skip",
    found: expect.stringMatching(/no CronJob of r3a/),
  });
  const env = { HOME: "/nowhere", KUBECONFIG: installation.server.kubeconfig };
  const elsewhere = await runRunner(["doctor", "--only", "cluster", "--namespace", "r3a-dev"], env);
  expect([elsewhere.code, elsewhere.stdout]).toEqual([
    1,
    expect.stringMatching(/fail {2}cluster {2}namespace r3a-dev at .* has no CronJob/),
  ]);
  await installation.server.stop();
  const again = await startAnswers(answers);
  await again.stop();
  const away = await runDoctor({ KUBECONFIG: again.kubeconfig }, "cluster");
  expect([away.code, away.of("cluster")?.status]).toEqual([1, "fail"]);
  installation.server = await startAnswers(answers);
});
