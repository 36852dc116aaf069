import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { diagnoseCluster, runDoctor } from "../support/doctor/doctor.ts";
import { startAnswers } from "../support/kubernetes/answers.ts";
import { named, useInstallation } from "../support/kubernetes/installation.ts";
import { runRunner } from "../support/runner.ts";

const installation = useInstallation();
const { answers } = installation;
const CHECKS =
  "cluster,service-accounts,rights,pull-secrets,secrets,config-maps,suspended,schedules,images,pods";
const look = (only = CHECKS) => runDoctor({ KUBECONFIG: installation.server.kubeconfig }, only);

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
    /ServiceAccount r3a-sync-sa does not exist; it is the account of r3a-/,
    /serviceAccountName/,
  ],
  [
    "the account `default`",
    "service-accounts",
    () => {
      installation.podSpec("r3a-sync-15m").serviceAccountName = "default";
    },
    "fail",
    /ServiceAccount default is shared by all pods of the namespace; it is the account of r3a-sync-15m/,
    /serviceAccountName/,
  ],
  [
    "the account of the janitor on another job",
    "service-accounts",
    () => Object.assign(installation.podSpec("r3a-maint"), { serviceAccountName: "r3a-janitor-sa" }),
    "fail",
    /ServiceAccount r3a-janitor-sa has the janitor's rights; it is the account of .*r3a-maint/,
    /serviceAccountName/,
  ],
  [
    "accounts that we may not see",
    "service-accounts",
    () => answers.forbidden.add("serviceaccounts"),
    "warn",
    /r3a-sync-sa, .*; no right to see/,
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
    "a mounted ConfigMap that is not there, as of a certificate authority",
    "config-maps",
    () => {
      const volume = { name: "database-ca", configMap: { name: "pg-ca" } };
      installation.podSpec("r3a-sync-1h").volumes = [volume];
    },
    "fail",
    /ConfigMap pg-ca is not there/,
    /deploy again/,
  ],
  [
    "a mounted Secret that is not there",
    "secrets",
    () => {
      const volume = { name: "database-ca", secret: { secretName: "pg-ca" } };
      installation.podSpec("r3a-sync-1h").volumes = [volume];
    },
    "fail",
    /Secret pg-ca is not there/,
    /deploy\.md/,
  ],
  [
    "a right of the janitor that is missing",
    "rights",
    () => answers.denied.add("patch pods/status"),
    "fail",
    /system:serviceaccount:r3a:r3a-janitor-sa may not patch pods\/status in namespace r3a/,
    /r3a-maint-janitor/,
  ],
  [
    "a Role that is missing, where we may not ask for others",
    "rights",
    () => {
      answers.forbidden.add("localsubjectaccessreviews");
      answers.lists.roles = [];
    },
    "fail",
    /may not anything: Role r3a-maint-janitor is not there/,
    /deploy again/,
  ],
  [
    "a RoleBinding to another account, where we may not ask for others",
    "rights",
    () => {
      answers.forbidden.add("localsubjectaccessreviews");
      const [binding] = answers.lists.rolebindings as { subjects: { namespace: string }[] }[];
      for (const subject of binding?.subjects ?? []) subject.namespace = "default";
    },
    "fail",
    /RoleBinding r3a-maint-janitor does not give it that Role/,
    /deploy again/,
  ],
  [
    "a Role without one of its rules, where we may not ask for others",
    "rights",
    () => {
      answers.forbidden.add("localsubjectaccessreviews");
      const [role] = answers.lists.roles as { rules: object[] }[];
      role?.rules.shift();
    },
    "fail",
    /may not list pods; delete pods in namespace r3a/,
    /deploy again/,
  ],
  [
    "rights that we may not see at all",
    "rights",
    () => {
      for (const name of ["localsubjectaccessreviews", "roles", "rolebindings"]) answers.forbidden.add(name);
    },
    "skip",
    /not allowed to ask .*: kubectl auth can-i --list -n r3a --as system:serviceaccount:r3a:r3a-janitor-sa/,
    /^$/,
  ],
])("%s", async (_, name, spoil, status, output, remedy) => {
  spoil();
  expect(await diagnoseCluster(installation.server.kubeconfig, name)).toEqual({
    name,
    status,
    output: expect.stringMatching(output),
    remedy: expect.stringMatching(remedy),
  });
});

test("what a pod can start without is not missed, and a Role that can be read is enough", async () => {
  answers.forbidden.add("localsubjectaccessreviews");
  for (const each of installation.podSpec("r3a-sync-1m").containers)
    each.env = [
      { name: "A", valueFrom: { secretKeyRef: { name: "not-there", key: "a", optional: true } } },
      { name: "B", valueFrom: { configMapKeyRef: { name: "not-there", key: "b", optional: true } } },
    ];
  const { of } = await look("secrets,config-maps,rights");
  expect(["secrets", "config-maps", "rights"].map((name) => of(name)?.status)).toEqual([
    "pass",
    "pass",
    "pass",
  ]);
});

test("a kubeconfig that cannot be read is told by path, line and reason, and its secrets are not shown", async () => {
  const dir = await mkdtemp(join(tmpdir(), "r3a-broken-"));
  const KUBECONFIG = join(dir, "config");
  for (const broken of ["  user:\n    token: tok-canary\n  bad: [\n", "  user: *tok-canary\n"]) {
    await writeFile(KUBECONFIG, `apiVersion: v1\nusers:\n- name: me\n${broken}`);
    const { of } = await runDoctor({ KUBECONFIG }, "cluster");
    expect(of("cluster")).toMatchObject({
      status: "error",
      output: expect.stringMatching(/the kubeconfig .*config cannot be read in line \d: /),
    });
    expect(JSON.stringify(of("cluster"))).not.toMatch(/canary|\\n/);
  }
  await rm(dir, { recursive: true });
});

test("CronJobs that we may not see are a failure, and what needs them is passed over", async () => {
  answers.forbidden.add("cronjobs");
  const { code, of } = await look();
  expect(code).toBe(1);
  expect(of("cluster")).toMatchObject({
    status: "fail",
    output: expect.stringMatching(/not allowed to look at CronJobs in namespace r3a: 403/),
    remedy: expect.stringMatching(/auth can-i list cronjobs/),
  });
  expect(of("pods")).toMatchObject({ status: "skip", output: "needs cluster, see there" });
});

test("a namespace without us is passed over, one that was asked for is a failure; an API that is away is one too", async () => {
  answers.lists.cronjobs = [];
  expect((await look("cluster")).of("cluster")).toMatchObject({
    status: "skip",
    output: expect.stringMatching(/no CronJob of r3a/),
  });
  const env = { HOME: "/nowhere", KUBECONFIG: installation.server.kubeconfig };
  const elsewhere = await runRunner(["doctor", "--only", "cluster", "--namespace", "r3a-dev"], env);
  expect([elsewhere.code, elsewhere.stdout]).toEqual([
    1,
    expect.stringMatching(/fail {3}cluster {2}namespace r3a-dev at .* has no CronJob/),
  ]);
  await installation.server.stop();
  const again = await startAnswers(answers);
  await again.stop();
  const away = await runDoctor({ KUBECONFIG: again.kubeconfig }, "cluster");
  expect([away.code, away.of("cluster")?.status]).toEqual([1, "error"]);
  installation.server = await startAnswers(answers);
});
