import { type ChildProcess, spawn } from "node:child_process";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { credentials } from "@grpc/grpc-js";
import type { Policies, ResourceValidationArgs, StackValidationArgs } from "@pulumi/policy";
import { afterEach, expect, test } from "vitest";
import type { Manifest } from "../../infra/manifest.ts";
import { manifestOf, policiesFor } from "../../infra/policy-pack/policies.ts";
import {
  goodConfigMap,
  goodCronJob,
  goodObjects,
  withAnnotations,
  withChange,
} from "../support/kubernetes/manifests.ts";

const PACK = fileURLToPath(new URL("../../infra/policy-pack/", import.meta.url));
const require = createRequire(import.meta.url);
const TOKEN = "spec/jobTemplate/spec/template/spec/automountServiceAccountToken";

/** The type that Pulumi gives an object: kubernetes:batch/v1:CronJob, kubernetes:core/v1:ConfigMap. */
const typeOf = ({ apiVersion, kind }: Manifest) =>
  `kubernetes:${apiVersion.includes("/") ? apiVersion : `core/${apiVersion}`}:${kind}`;

/** What the policies report on objects, as the engine would call them. */
async function reportsOf(
  policies: Policies,
  objects: readonly Manifest[],
  config: object = {},
): Promise<string[]> {
  const reports: string[] = [];
  const resources = objects.map((object) => ({
    type: typeOf(object),
    props: object,
    urn: `urn:${object.kind}`,
  }));
  for (const policy of policies) {
    const report = (message: string, urn?: string) => reports.push(`${policy.name} ${urn ?? "-"} ${message}`);
    if ("validateStack" in policy) {
      await policy.validateStack(
        { resources, getConfig: () => config } as unknown as StackValidationArgs,
        report,
      );
    } else if ("validateResource" in policy && typeof policy.validateResource === "function") {
      for (const one of resources) {
        await policy.validateResource(one as unknown as ResourceValidationArgs, report);
      }
    }
  }
  return reports;
}

test("the type of a resource gives apiVersion and kind, other resources are no objects", () => {
  const props = { metadata: { name: "a" } };
  expect(manifestOf("kubernetes:core/v1:ConfigMap", props)).toEqual({
    ...props,
    apiVersion: "v1",
    kind: "ConfigMap",
  });
  expect(manifestOf("kubernetes:batch/v1:CronJob", {})).toEqual({
    metadata: {},
    apiVersion: "batch/v1",
    kind: "CronJob",
  });
  const others = ["pulumi:providers:kubernetes", "r3a:batch:Suite", "pulumi:pulumi:Stack"];
  for (const type of others) expect(manifestOf(type, {})).toBeNull();
});

test("good objects pass, a bad one is reported by the policy of its rule, a waived one is not", async () => {
  const policies = policiesFor(true);
  expect(await reportsOf(policies, goodObjects())).toEqual([]);
  const bad = withChange(goodCronJob(), TOKEN, true);
  const [, ...others] = goodObjects();
  expect(await reportsOf(policies, [bad, ...others])).toEqual([
    "no-token - CronJob/r3a-sync-15m: set automountServiceAccountToken: false",
  ]);
  const waived = withAnnotations(bad, { "r3a.dev/waive-no-token": "it talks to the API" });
  expect(await reportsOf(policies, [waived, ...others])).toEqual([]);
});

test("rules about all objects see the stack and the pack's configuration", async () => {
  const policies = policiesFor(true);
  const left = goodObjects().filter(({ kind }) => kind !== "NetworkPolicy");
  const reports = await reportsOf(policies, left);
  expect(reports).toHaveLength(4);
  expect(reports[0]).toMatch(/^network-policy urn:CronJob CronJob\/r3a-sync-15m: no NetworkPolicy/);
  expect(await reportsOf(policies, left, { externalNetworkPolicy: true })).toEqual([]);
});

test("errors are mandatory in production, warnings and other stacks get advice", () => {
  const levels = (isMandatory: boolean) =>
    new Map(policiesFor(isMandatory).map(({ name, enforcementLevel }) => [name, enforcementLevel]));
  expect(levels(true).get("no-token")).toBe("mandatory");
  expect(levels(true).get("priority-class")).toBe("advisory");
  expect(new Set(levels(false).values())).toEqual(new Set(["advisory"]));
  // in secretsMode `pulumi` the stack, unlike the chart, has Secrets
  expect(levels(true).has("no-secret-object")).toBe(false);
});

let child: ChildProcess | undefined;
afterEach(() => void child?.kill("SIGKILL"));

/** Starts the pack and reads the port that it prints first. */
async function startPack(args: readonly string[], stack: string): Promise<number> {
  const env = { PATH: process.env.PATH, PULUMI_NODEJS_STACK: stack };
  child = spawn(process.execPath, args, { cwd: PACK, env, stdio: ["ignore", "pipe", "inherit"] });
  if (!child.stdout) throw new Error("the pack has no output");
  for await (const line of createInterface(child.stdout)) return Number(line);
  throw new Error("the pack ended without a port");
}

/** The messages of the pack on an object, each with its enforcement level, asked as the engine asks. */
async function analyze(port: number, object: Manifest): Promise<string[]> {
  const { AnalyzerClient } = require("@pulumi/pulumi/proto/analyzer_grpc_pb.js");
  const { AnalyzeRequest, AnalyzerResourceOptions } = require("@pulumi/pulumi/proto/analyzer_pb.js");
  const { Struct } = require("google-protobuf/google/protobuf/struct_pb.js");
  const request = new AnalyzeRequest();
  request.setType(typeOf(object));
  request.setName(object.metadata.name);
  request.setUrn("urn:pulumi:prod::r3a::kubernetes:batch/v1:CronJob::a");
  request.setOptions(new AnalyzerResourceOptions());
  request.setProperties(Struct.fromJavaScript(object));
  const client = new AnalyzerClient(`127.0.0.1:${port}`, credentials.createInsecure());
  const { promise, resolve, reject } = Promise.withResolvers<string[]>();
  type Diagnostic = { getPolicyname(): string; getEnforcementlevel(): number };
  client.analyze(request, (error: Error | null, response: { getDiagnosticsList(): Diagnostic[] }) => {
    if (error) reject(error);
    else
      resolve(
        response.getDiagnosticsList().map((one) => `${one.getPolicyname()} ${one.getEnforcementlevel()}`),
      );
  });
  try {
    return await promise;
  } finally {
    client.close();
  }
}

test("pack.ts starts a server and prints its port", async () => {
  expect(await startPack(["pack.ts"], "prod")).toBeGreaterThan(0);
});

test.each([
  ["prod", "no-token 1"],
  ["dev", "no-token 0"],
])("the engine's loader starts the pack of stack %s, which analyses over gRPC", async (stack, diagnostic) => {
  const port = await startPack(
    [require.resolve("@pulumi/pulumi/cmd/run-policy-pack"), "127.0.0.1:1", "."],
    stack,
  );
  expect(await analyze(port, goodConfigMap())).toEqual([]);
  expect(await analyze(port, goodCronJob())).toEqual([]);
  expect(await analyze(port, withChange(goodCronJob(), TOKEN, true))).toEqual([diagnostic]);
});
