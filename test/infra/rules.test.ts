import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Manifest } from "../../infra/manifest.ts";
import { CHART_RULES } from "../../infra/rules/chart-rules.ts";
import { checkObjects, SINGLE_RULES } from "../../infra/rules/check-objects.ts";
import { insteadOf, rulesOf } from "../support/kubernetes/found-rules.ts";
import {
  goodConfigMap,
  goodCronJob,
  goodDeployment,
  goodNamespace,
  goodNetworkPolicy,
  goodObjects,
  goodRole,
  goodRoleBinding,
  withChange,
} from "../support/kubernetes/manifests.ts";

const JOB = "spec/jobTemplate/spec";
const POD = `${JOB}/template/spec`;
const RUNNER = `${POD}/containers/0`;
const WAIT = `${POD}/initContainers/0`;
const TAGGED = "ghcr.io/triplora/r3a-runner:1.2.3";
const FAILURE = `${JOB}/podFailurePolicy/rules`;

/** [rule that must find it, what is changed in a CronJob, to what] */
const CRON_JOB_BREACHES: readonly [string, string, unknown][] = [
  ["run-as-non-root", `${POD}/securityContext/runAsNonRoot`, undefined],
  ["run-as-non-root", `${POD}/securityContext/runAsUser`, 1000],
  ["run-as-non-root", `${POD}/securityContext/runAsGroup`, undefined],
  ["run-as-non-root", `${RUNNER}/securityContext/runAsNonRoot`, false],
  ["no-privilege-escalation", `${RUNNER}/securityContext/allowPrivilegeEscalation`, undefined],
  ["no-privilege-escalation", `${WAIT}/securityContext/privileged`, true],
  ["drop-all-capabilities", `${RUNNER}/securityContext/capabilities`, undefined],
  ["drop-all-capabilities", `${WAIT}/securityContext/capabilities/add`, ["NET_RAW"]],
  ["seccomp", `${POD}/securityContext/seccompProfile`, undefined],
  ["seccomp", `${RUNNER}/securityContext/seccompProfile`, { type: "Unconfined" }],
  ["read-only-root", `${RUNNER}/securityContext/readOnlyRootFilesystem`, false],
  ["temporary-size", `${POD}/volumes/0/emptyDir`, {}],
  ["no-host", `${POD}/hostNetwork`, true],
  ["no-host", `${POD}/hostPID`, true],
  ["no-host", `${POD}/volumes/1`, { name: "socket", hostPath: { path: "/var/run/docker.sock" } }],
  ["no-host", `${RUNNER}/ports`, [{ containerPort: 80, hostPort: 80 }]],
  ["resources", `${RUNNER}/resources/requests/cpu`, undefined],
  ["resources", `${RUNNER}/resources/requests/memory`, undefined],
  ["resources", `${WAIT}/resources/limits/memory`, undefined],
  ["ephemeral-storage", `${RUNNER}/resources/limits/ephemeral-storage`, undefined],
  ["service-account", `${POD}/serviceAccountName`, undefined],
  ["service-account-exists", `${POD}/serviceAccountName`, "r3a-other"],
  ["no-token", `${POD}/automountServiceAccountToken`, undefined],
  ["no-plain-secret", `${RUNNER}/env/0`, { name: "BINANCE_API_KEY", value: "abc" }],
  ["no-plain-secret", `${RUNNER}/env/0`, { name: "WHERE", value: "postgresql://me:pass@db/r3a" }],
  ["priority-class", `${POD}/priorityClassName`, undefined],
  ["image-digest", `${RUNNER}/image`, TAGGED],
  ["image-released", `${RUNNER}/image`, `ghcr.io/triplora/r3a-runner@sha256:${"0".repeat(64)}`],
  ["pull-policy", `${RUNNER}/imagePullPolicy`, "Always"],
  ["pull-policy", `${RUNNER}/imagePullPolicy`, undefined],
  ["active-deadline", `${JOB}/activeDeadlineSeconds`, undefined],
  ["grace-below-deadline", `${JOB}/activeDeadlineSeconds`, 30],
  ["pod-failure-policy", `${JOB}/podFailurePolicy`, undefined],
  ["pod-failure-policy", `${FAILURE}/2/onExitCodes/values`, [64, 78]],
  ["pod-failure-policy", `${FAILURE}/2/onExitCodes/values`, [3, 64, 75, 78]],
  ["pod-failure-policy", `${FAILURE}/1/onPodConditions/0/type`, "Other"],
  ["pod-failure-policy", `${FAILURE}/0/action`, "Count"],
  ["restart-never", `${POD}/restartPolicy`, "OnFailure"],
  ["backoff-limit", `${JOB}/backoffLimit`, undefined],
  ["cron-name-length", "metadata/name", `r3a-${"n".repeat(49)}`],
  ["valid-name", "metadata/name", "r3a-Plan_1h"],
  ["valid-name", "metadata/name", "r3a-plan.1h"],
  ["schedule", "spec/schedule", "99 * * * *"],
  ["schedule", "spec/schedule", undefined],
  ["time-zone", "spec/timeZone", undefined],
  ["time-zone", "spec/timeZone", "Mars/X"],
  ["forbid-concurrency", "spec/concurrencyPolicy", "Allow"],
  ["starting-deadline", "spec/startingDeadlineSeconds", undefined],
  ["starting-deadline", "spec/startingDeadlineSeconds", 9],
  ["starting-deadline", "spec/startingDeadlineSeconds", 90_000],
  ["time-budget", `${JOB}/activeDeadlineSeconds`, 880],
  ["time-budget", `${POD}/terminationGracePeriodSeconds`, 100],
  ["history", "spec/failedJobsHistoryLimit", undefined],
  ["failure-logs", `${JOB}/ttlSecondsAfterFinished`, 1_800],
  ["failure-logs", "spec/failedJobsHistoryLimit", 0],
  ["explicit-name", "metadata/name", "r3a-sync-c8d24f1a"],
  ["explicit-name", "metadata/name", undefined],
  ["config-map-exists", `${RUNNER}/envFrom/0/configMapRef/name`, "r3a-other"],
  ["config-map-exists", `${POD}/volumes/1`, { name: "config", configMap: { name: "r3a-other" } }],
];

/** [rule that must find it, the object that breaks it] */
const OBJECT_BREACHES: readonly [string, Manifest][] = [
  ["liveness", withChange(goodDeployment(), "spec/template/spec/containers/0/livenessProbe", undefined)],
  ["namespace", withChange(goodRole(), "metadata/namespace", "default")],
  ["namespace", withChange(goodRole(), "metadata/namespace", undefined)],
  ["restricted-namespace", withChange(goodNamespace(), "metadata/labels", {})],
  ["valid-name", withChange(goodNamespace(), "metadata/name", "n".repeat(64))],
  ["valid-name", withChange(goodDeployment(), "metadata/name", "-r3a")],
  ["valid-name", withChange(goodRole(), "metadata/name", "r3a/janitor")],
  ["valid-name", withChange(goodNetworkPolicy(), "metadata/name", "r3a_egress")],
  ["valid-name", withChange(goodNetworkPolicy(), "metadata/name", "n".repeat(254))],
  [
    "no-secret-object",
    { apiVersion: "v1", kind: "Secret", metadata: { name: "a", namespace: "r3a" }, data: {} },
  ],
  ["no-config-secret", withChange(goodConfigMap(), "data/DB_URL", "postgresql://db/r3a")],
  ["no-config-secret", withChange(goodConfigMap(), "data/EXTRA", "https://me:pass@host")],
  ["role-wildcard", withChange(goodRole(), "rules/0/verbs", ["*"])],
  ["role-wildcard", withChange(goodRole(), "rules/0/resources", ["*"])],
  ["role-pods", withChange(goodRole(), "rules/0/verbs", ["create"])],
  ["role-pods", withChange(goodRole(), "rules/0/resources", ["pods/exec"])],
  ["role-secrets", withChange(goodRole(), "rules/0/resources", ["secrets"])],
  ["role-plural", withChange(goodRole(), "rules/0/resources", ["cronjob"])],
  ["no-cluster-admin", withChange(goodRoleBinding(), "roleRef/name", "cluster-admin")],
  ["binding-subject", withChange(goodRoleBinding(), "subjects/0/namespace", "default")],
  ["binding-subject", withChange(goodRoleBinding(), "subjects/0/name", "r3a-other")],
];

test("the name of most kinds may have dots, that of a role colons too", () => {
  expect(rulesOf(insteadOf(withChange(goodNetworkPolicy(), "metadata/name", "r3a.egress")))).toEqual([]);
  expect(rulesOf(insteadOf(withChange(goodRole(), "metadata/name", "system:r3a")))).toEqual([]);
});

test("good objects have no finding", () => {
  expect(checkObjects(goodObjects(), { requireDigest: true })).toEqual([]);
});

test.each(CRON_JOB_BREACHES)("%s finds it, and alone: %s = %j", (rule, path, value) => {
  expect(rulesOf(insteadOf(withChange(goodCronJob(), path, value)))).toEqual([rule]);
});

test.each(OBJECT_BREACHES)("%s finds it, and alone: %#", (rule, object) => {
  expect(rulesOf(insteadOf(object))).toEqual([rule]);
});

test("the rules check the pods of a Deployment, a Job and a bare Pod too", () => {
  const path = "spec/template/spec/containers/0/securityContext/readOnlyRootFilesystem";
  expect(rulesOf(insteadOf(withChange(goodDeployment(), path, false)))).toEqual(["read-only-root"]);
  const { jobTemplate } = goodCronJob().spec as {
    jobTemplate: { spec: { template: { metadata: object; spec: object } } };
  };
  const { template } = jobTemplate.spec;
  const metadata = { name: "r3a-migrate", namespace: "r3a" };
  const job: Manifest = { apiVersion: "batch/v1", kind: "Job", metadata, spec: jobTemplate.spec };
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { ...metadata, ...template.metadata },
    spec: template.spec,
  };
  const found = [
    job,
    withChange(job, "spec/activeDeadlineSeconds", undefined),
    withChange(job, path, false),
    pod,
    withChange(pod, "spec/hostNetwork", true),
  ].map((object) => rulesOf([...goodObjects(), object]));
  expect(found).toEqual([[], ["active-deadline"], ["read-only-root"], [], ["no-host"]]);
});

test("an image without a digest needs a tag, and one only where requireDigest is not set", () => {
  const free = { requireDigest: false };
  const tagged = (image: string) => insteadOf(withChange(goodCronJob(), `${RUNNER}/image`, image));
  expect(rulesOf(tagged(TAGGED), free)).toEqual([]);
  expect(rulesOf(tagged("ghcr.io:5000/r3a-runner"), free)).toEqual(["image-tag"]);
  expect(rulesOf(tagged("r3a-runner:latest"), free)).toEqual(["image-tag"]);
  const always = withChange(
    withChange(goodCronJob(), `${RUNNER}/image`, TAGGED),
    `${RUNNER}/imagePullPolicy`,
    "Always",
  );
  expect(rulesOf(insteadOf(always), free)).toEqual([]);
});

test("an object without content has findings, and no rule throws", () => {
  const metadata = { name: "a", namespace: "r3a" };
  const kinds = ["CronJob", "Job", "Deployment", "Pod", "Role", "RoleBinding", "ConfigMap", "NetworkPolicy"];
  const bare = kinds.map((kind) => ({ apiVersion: "v1", kind, metadata }));
  expect(rulesOf(bare)).toEqual(expect.arrayContaining(["active-deadline", "schedule", "no-token"]));
});

test("the rules know Kubernetes objects alone: neither cdk8s nor Pulumi", () => {
  const folder = new URL("../../infra/rules/", import.meta.url);
  const imports = readdirSync(folder).flatMap((name) =>
    [...readFileSync(new URL(name, folder), "utf8").matchAll(/from "([^"]+)"/g)].map((match) => match[1]),
  );
  const foreign = imports.filter((target) => !/^(\.\/|@r3a\/runner\/contract\/)/.test(target ?? ""));
  expect([...new Set(foreign)].sort()).toEqual([
    "../manifest.ts",
    "../model/job-times.ts",
    "../model/schedule.ts",
    "../settings/dns-name.ts",
    "../settings/secret-text.ts",
    "../settings/unreleased.ts",
  ]);
});

describe("the rule table", () => {
  const rules = [...SINGLE_RULES, ...CHART_RULES];

  test("has unique ids that can be annotations, and texts", () => {
    const ids = rules.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { id, why } of rules) {
      // the part of an annotation's name behind the slash has 63 characters at most
      expect(`waive-${id}`).toMatch(/^[a-z][a-z-]{0,61}[a-z]$/);
      expect(why).toMatch(/[.)]$/);
    }
  });

  test("has a breach for each rule, here or in rules-together.test.ts", () => {
    const elsewhere = [
      "image-tag",
      "api-server-egress",
      "pod-labels",
      "network-policy",
      "unique-names",
      "minute-offset",
    ];
    const broken = [
      ...CRON_JOB_BREACHES.map(([id]) => id),
      ...OBJECT_BREACHES.map(([id]) => id),
      ...elsewhere,
    ];
    expect([...new Set(broken)].sort()).toEqual(rules.map(({ id }) => id).sort());
  });

  test("a finding says level, object, rule, fault and remedy", () => {
    const [finding] = checkObjects(insteadOf(withChange(goodCronJob(), "spec/timeZone", undefined)), {
      requireDigest: true,
    });
    expect(finding).toEqual({
      level: "error",
      object: "CronJob/r3a-sync-15m",
      rule: "time-zone",
      message: "has no timeZone, so the controller's own counts; set timeZone: Etc/UTC",
    });
  });
});
