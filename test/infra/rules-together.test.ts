import { describe, expect, test } from "vitest";
import { loadStack } from "../../infra/model/load.ts";
import { checkEnvironment } from "../../infra/programs/check-environment.ts";
import { renderObjects } from "../../infra/render.ts";
import { checkObjects } from "../../infra/rules/check-objects.ts";
import { SETTINGS, type Settings } from "../../infra/settings/schema.ts";
import { insteadOf, rulesOf, without } from "../support/kubernetes/found-rules.ts";
import {
  goodCronJob,
  goodNetworkPolicy,
  goodObjects,
  goodServiceAccount,
  withAnnotations,
  withChange,
} from "../support/kubernetes/manifests.ts";
import { listSecretReferences } from "../support/kubernetes/secret-references.ts";
import { ROOT } from "../support/pulumi/project.ts";

const POD = "spec/jobTemplate/spec/template/spec";

const [, ...OTHERS] = goodObjects();

/** A job of little time, so that only its start matters. */
const job = (name: string, schedule: string) =>
  withChange(goodCronJob(name, schedule), "spec/jobTemplate/spec/activeDeadlineSeconds", 31);

describe("objects together", () => {
  test("two objects with one name are found, but not in two namespaces or of two kinds", () => {
    expect(rulesOf([...goodObjects(), goodServiceAccount()])).toEqual(["unique-names"]);
    const elsewhere = withChange(goodServiceAccount(), "metadata/namespace", "other");
    expect(rulesOf([...goodObjects(), elsewhere])).toEqual([]);
  });

  test("each pod is selected by a policy of its namespace, for both directions", () => {
    const policy = goodNetworkPolicy();
    const found = ["network-policy"];
    expect(rulesOf(without("NetworkPolicy"))).toEqual(found);
    expect(rulesOf(without("NetworkPolicy"), { externalNetworkPolicy: true })).toEqual([]);
    expect(rulesOf(insteadOf(withChange(policy, "spec/policyTypes", ["Ingress"])))).toEqual(found);
    expect(rulesOf(insteadOf(withChange(policy, "metadata/namespace", "other")))).toEqual(found);
    expect(rulesOf(insteadOf(withChange(policy, "spec/podSelector", {})))).toEqual([]);
    const of = (change: string, value: unknown) => rulesOf(insteadOf(withChange(policy, change, value)));
    expect(of("spec/podSelector/matchLabels", { "app.kubernetes.io/name": "other" })).toEqual(found);
    expect(of("spec/podSelector/matchExpressions/0/values", ["sync-15m"])).toEqual(found);
    expect(of("spec/podSelector/matchExpressions/0/operator", "In")).toEqual(found);
    expect(of("spec/podSelector/matchExpressions/1/key", "other")).toEqual(found);
    expect(of("spec/podSelector/matchExpressions/2/key", "app.kubernetes.io/name")).toEqual(found);
  });

  test("pods need labels themselves: they do not get those of the CronJob", () => {
    const bare = withChange(goodCronJob(), "spec/jobTemplate/spec/template/metadata", {});
    expect(rulesOf(insteadOf(bare))).toEqual(["network-policy", "pod-labels"]);
    expect(rulesOf(insteadOf(bare), { externalNetworkPolicy: true })).toEqual(["pod-labels"]);
  });

  test("a ServiceAccount exists or is declared as someone else's", () => {
    const left = without("ServiceAccount");
    expect(rulesOf(left)).toEqual(["binding-subject", "service-account-exists"]);
    expect(rulesOf(left, { externalServiceAccounts: ["r3a-sync-sa"] })).toEqual([]);
  });

  test.each([
    ["15 * * * *", "15 * * * *"],
    ["7,37 * * * *", "37 4 * * *"],
    ["0 2 * * *", "0 */2 * * *"],
    ["0 6 * * *", "0 1-7/5 * * 0"],
  ])("heavy jobs at %s and %s start together", (one, other) => {
    const pair = [job("r3a-maint", one), job("r3a-verify", other)];
    expect(rulesOf([...pair, ...OTHERS])).toEqual(["minute-offset"]);
    expect(checkObjects([...pair, ...OTHERS], { requireDigest: true })[0]?.message).toMatch(
      /^starts at \d\d:\d\d as CronJob\/r3a-maint does/,
    );
  });

  test.each([
    ["r3a-maint", "15 * * * *", "r3a-verify", "40 3 * * *"],
    ["r3a-maint", "0 2 * * *", "r3a-verify", "0 3-23/4 * * *"],
    ["r3a-maint", "10 * * * *", "r3a-janitor", "*/5 * * * *"],
    ["r3a-maint", "15 * * * *", "r3a-refresh", "1-59/2 * * * *"],
    ["r3a-sync-1m", "* * * * *", "r3a-sync-1m-top", "* * * * *"],
    ["r3a-sync-1h", "0 * * * *", "r3a-sync-4h", "0 1 * * *"],
    ["r3a-sync-1h", "0 * * * *", "r3a-backup", "0 2 * * *"],
  ])("%s at %s and %s at %s do not", (name, schedule, otherName, otherSchedule) => {
    const pair = [job(name, schedule), job(otherName, otherSchedule)].map((object) =>
      withChange(object, `${POD}/terminationGracePeriodSeconds`, 20),
    );
    expect(rulesOf([...pair, ...OTHERS])).toEqual([]);
  });
});

describe("the pod with a token", () => {
  const reason = "it asks the Kubernetes API";
  const withToken = withAnnotations(withChange(goodCronJob(), `${POD}/automountServiceAccountToken`, true), {
    "r3a.dev/waive-no-token": reason,
  });
  const reaching = (cidr: string) => [{ to: [{ ipBlock: { cidr } }], ports: [{ port: 443 }] }];
  const rulesFor = (egress: unknown, job = withToken) => {
    const policy = withChange(goodNetworkPolicy(), "spec/egress", egress);
    return rulesOf(insteadOf(job, policy));
  };

  test.each(["0.0.0.0/0", "::/0", "0.0.0.0/1", "2000::/3"])("may not reach %s", (cidr) => {
    expect(rulesFor(reaching(cidr))).toEqual(["api-server-egress"]);
    expect(rulesFor(reaching(cidr), goodCronJob())).toEqual([]);
  });

  test.each(["10.0.0.0/8", "10.96.0.1/32", "fd00:1::/48"])("may reach %s", (cidr) => {
    expect(rulesFor(reaching(cidr))).toEqual([]);
  });

  test("may not reach every address by a rule without addresses, nor by one block of several", () => {
    expect(rulesFor([{ ports: [{ port: 443 }] }])).toEqual(["api-server-egress"]);
    expect(rulesFor([...reaching("10.0.0.0/16"), ...reaching("0.0.0.0/0")])).toEqual(["api-server-egress"]);
  });
});

test("the rule warns of the default block, and prod names the block of its API server", () => {
  const warningsOf = (settings: Settings) =>
    checkEnvironment(renderObjects(settings), settings).filter(({ rule }) => rule === "api-server-egress");
  expect(warningsOf(SETTINGS.parse({ imageDigest: `sha256:${"1".repeat(64)}` }))).toEqual([
    {
      rule: "api-server-egress",
      level: "warn",
      object: "NetworkPolicy/r3a-cluster",
      message: expect.stringContaining("reach 0.0.0.0/0; set apiServerCidr"),
    },
  ]);
  expect(warningsOf(loadStack(ROOT, "prod"))).toEqual([]);
});

describe("waivers", () => {
  const hasToken = withChange(goodCronJob(), `${POD}/automountServiceAccountToken`, true);

  test("with a reason suppress the finding on that object, and no other finding", () => {
    const reason = "the janitor talks to the Kubernetes API";
    const waived = withAnnotations(hasToken, { "r3a.dev/waive-no-token": reason });
    expect(rulesOf(insteadOf(hasToken))).toEqual(["no-token"]);
    expect(rulesOf(insteadOf(waived))).toEqual([]);
    expect(rulesOf(insteadOf(withChange(waived, "spec/timeZone", undefined)))).toEqual(["time-zone"]);
    const onAnother = withAnnotations(goodServiceAccount(), { "r3a.dev/waive-no-token": reason });
    expect(rulesOf(insteadOf(hasToken, onAnother))).toEqual(["no-token"]);
  });

  test("of a rule about all objects count on the object that the rule names", () => {
    const waived = goodObjects().map((object) =>
      withAnnotations(object, { "r3a.dev/waive-network-policy": "the mesh isolates this namespace" }),
    );
    expect(rulesOf(waived.filter(({ kind }) => kind !== "NetworkPolicy"))).toEqual([]);
  });

  test("without a reason waive nothing and are findings themselves", () => {
    const empty = withAnnotations(hasToken, { "r3a.dev/waive-no-token": " " });
    expect(rulesOf(insteadOf(empty))).toEqual(["no-token", "waiver-reason"]);
  });

  test("of a rule that does not exist are findings", () => {
    const typo = withAnnotations(goodCronJob(), { "r3a.dev/waive-no-tokens": "a typing error" });
    expect(rulesOf(insteadOf(typo))).toEqual(["waiver-rule"]);
    const other = withAnnotations(goodCronJob(), { "r3a.dev/why": "", "example.com/waive-x": "" });
    expect(rulesOf(insteadOf(other))).toEqual([]);
  });

  test("may-overrun with a reason allows a run to take longer than its period", () => {
    const minute = withChange(goodCronJob(), "spec/schedule", "* * * * *");
    expect(rulesOf(insteadOf(minute))).toEqual(["time-budget"]);
    const allowed = withAnnotations(minute, { "r3a.dev/may-overrun": "after an outage it fetches hours" });
    expect(rulesOf(insteadOf(allowed))).toEqual([]);
    const empty = withAnnotations(minute, { "r3a.dev/may-overrun": "" });
    expect(rulesOf(insteadOf(empty))).toEqual(["time-budget", "waiver-reason"]);
  });
});

test("secret references are collected by name, with keys and users, never a value", () => {
  const optional = withChange(goodCronJob(), `${POD}/containers/0/envFrom/1`, {
    secretRef: { name: "r3a-exchange", optional: true },
  });
  const withFile = withChange(optional, `${POD}/volumes/1`, {
    name: "files",
    secret: { secretName: "r3a-files" },
  });
  const account = withChange(goodServiceAccount(), "imagePullSecrets", [{ name: "r3a-regcred" }]);
  const user = "CronJob/r3a-sync-15m";
  expect(listSecretReferences([withFile, account])).toEqual([
    { name: "r3a-db", keys: ["DB_URL"], isOptional: false, usedBy: [user] },
    { name: "r3a-exchange", keys: [], isOptional: true, usedBy: [user] },
    { name: "r3a-files", keys: [], isOptional: false, usedBy: [user] },
    { name: "r3a-regcred", keys: [], isOptional: false, usedBy: [user, "ServiceAccount/r3a-sync-sa"] },
  ]);
});
