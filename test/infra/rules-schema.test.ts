import { describe, expect, test } from "vitest";
import {
  goodCronJob,
  goodDeployment,
  goodExternalSecret,
  goodNetworkPolicy,
  goodObjects,
  goodRole,
  withAnnotations,
  withChange,
} from "../support/kubernetes/manifests.ts";
import { SCHEMA_VERSIONS, schemaFaults } from "../support/kubernetes/schema.ts";
import { countStructs } from "../support/kubernetes/schema-28.ts";

const JOB = "spec/jobTemplate/spec";
const RUNNER = `${JOB}/template/spec/containers/0`;

test("the description of 1.28 is complete: every generated struct was read", () => {
  expect(countStructs()).toBe(440);
});

describe.each(SCHEMA_VERSIONS)("the schema of %s", (version) => {
  const faults = (path: string, value: unknown, object = goodCronJob()) =>
    schemaFaults(withChange(object, path, value), version);

  test("takes the good objects", () => {
    for (const object of goodObjects()) expect(schemaFaults(object, version)).toEqual([]);
  });

  test.each([
    ["extra", {}, /CronJob\.extra is unknown/],
    ["metadata/lables", {}, /CronJob\.metadata\.lables is unknown/],
    ["spec/activeDeadlineSeconds", 60, /CronJob\.spec\.activeDeadlineSeconds is unknown/],
    [`${JOB}/podFailurePolicyy`, {}, /spec\.podFailurePolicyy is unknown/],
    [`${JOB}/podFailurePolicy/rules/2/onExitCodes/value`, [3], /onExitCodes\.value is unknown/],
    [`${RUNNER}/env/1/valueFrom/secretKeyRef/keys`, "a", /secretKeyRef\.keys is unknown/],
    [`${RUNNER}/securityContext/capabilities/dropp`, [], /capabilities\.dropp is unknown/],
  ])("finds the unknown key %s", (path, value, message) => {
    expect(faults(path, value)).toEqual([expect.stringMatching(message)]);
  });

  test.each([
    ["spec/schedule", 5, /schedule.*string/],
    ["spec/schedule", undefined, /schedule|required/],
    ["spec/startingDeadlineSeconds", "300", /startingDeadlineSeconds.*(number|integer)/],
    [`${JOB}/backoffLimit`, true, /backoffLimit.*(number|integer)/],
    [`${JOB}/template/spec/containers`, {}, /containers.*(list|array)/],
    [`${JOB}/template/spec/securityContext`, [], /securityContext.*object/],
    [`${RUNNER}/args/0`, 7, /args.*string/],
    [`${RUNNER}/envFrom/0/configMapRef/optional`, "yes", /optional.*boolean/],
    [`${RUNNER}/resources/limits/memory`, "160 MB", /memory.*quantity/],
    [`${RUNNER}/ports`, [{}], /containerPort|required/],
  ])("finds the wrong value of %s: %j", (path, value, message) => {
    expect(faults(path, value).join("; ")).toMatch(message);
  });

  test("reads annotations, selectors and the names that jsii spells its own way", () => {
    expect(faults("metadata/annotations", { why: 3 }).join()).toMatch(/why.*string/);
    expect(schemaFaults(withAnnotations(goodCronJob(), { why: "a" }), version)).toEqual([]);
    expect(faults("spec/template/spec/hostPID", true, goodDeployment())).toEqual([]);
    expect(faults("spec/template/spec/hostPid", true, goodDeployment())).toHaveLength(1);
    expect(faults("spec/egress/0/ports/0/port", "https", goodNetworkPolicy())).toEqual([]);
    expect(faults("spec/egress/0/ports/0/port", {}, goodNetworkPolicy()).length).toBeGreaterThan(0);
    expect(faults("rules/0/verb", ["get"], goodRole())).toHaveLength(1);
  });

  test("refuses a kind or an API version that it does not know", () => {
    expect(faults("apiVersion", "batch/v1beta1")).toEqual([expect.stringMatching(/batch\/v1beta1 CronJob/)]);
    expect(faults("kind", "CronJobb")).toEqual([expect.stringMatching(/batch\/v1 CronJobb/)]);
  });

  test("checks the fields of an ExternalSecret that the chart uses", () => {
    const external = (path: string, value: unknown) => faults(path, value, goodExternalSecret());
    expect(external("spec/target/nam", "a")).toEqual(["ExternalSecret.spec.target.nam is unknown"]);
    expect(external("spec/data/0/remoteRef/key", 3)).toEqual([
      "ExternalSecret.spec.data[0].remoteRef.key must be a text",
    ]);
    expect(external("spec/secretStoreRef", undefined)).toHaveLength(1);
    expect(external("metadata/labels", { a: 1 })).toHaveLength(1);
  });
});

test("fields newer than 1.28 pass the newest schema alone", () => {
  const newer = withChange(goodCronJob(), `${JOB}/successPolicy`, { rules: [{ succeededCount: 1 }] });
  expect(schemaFaults(newer, "1.36")).toEqual([]);
  expect(schemaFaults(newer, "1.28")).toEqual(["CronJob.spec.jobTemplate.spec.successPolicy is unknown"]);
});
