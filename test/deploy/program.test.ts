import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import type { Manifest } from "../../infra/manifest.ts";
import { loadStack } from "../../infra/model/load.ts";
import { temporaryFolder } from "../support/folder.ts";
import type { ProgramResult } from "../support/pulumi/run-program.ts";
import {
  byKey,
  changesOf,
  keyOf,
  MODES,
  type Mode,
  manifestOf,
  objectsOf,
  ROOT,
  runStack,
  SECRET_VALUES,
  STACKS,
  type Stack,
  shownOf,
  synthObjects,
} from "../support/pulumi/stack-run.ts";
import { secretPaths } from "../support/pulumi/wire-values.ts";

const RUNS_TIMEOUT_MS = 240_000;
const CASES = STACKS.flatMap((stack) => MODES.map((mode) => ({ stack, mode })));
const runs = new Map<string, ProgramResult>();
let committed: ProgramResult;
let synthYaml: string;
let unreleased: ProgramResult;
let incomplete: ProgramResult;

function runOf(stack: Stack, mode: Mode): ProgramResult {
  const run = runs.get(`${stack} ${mode}`);
  if (run === undefined) throw new Error(`no run of ${stack} in mode ${mode}`);
  return run;
}

beforeAll(async () => {
  // one process of 2 s and 150 MB at a time for each stack
  await Promise.all(
    STACKS.map(async (stack) => {
      for (const mode of MODES) {
        const secrets = mode === "pulumi" ? SECRET_VALUES : {};
        runs.set(`${stack} ${mode}`, await runStack(stack, { ...changesOf(stack, mode), ...secrets }));
      }
    }),
  );
  const outdir = temporaryFolder();
  execFileSync(process.execPath, [join(ROOT, "infra/programs/synth.js"), "--stack", "dev"], {
    env: { ...process.env, CDK8S_OUTDIR: outdir },
    stdio: "pipe",
  });
  synthYaml = readFileSync(join(outdir, "dev/r3a.yaml"), "utf8");
  committed = await runStack("dev", {});
  [unreleased, incomplete] = await Promise.all([
    runStack("prod", {}),
    runStack("prod", { ...changesOf("prod", "pulumi"), imageDigest: "", registryUser: "" }),
  ]);
}, RUNS_TIMEOUT_MS);

describe.each(CASES)("$stack, secrets $mode", ({ stack, mode }) => {
  test("ends with 0 and prints nothing", () => {
    const run = runOf(stack, mode);
    expect(run).toMatchObject({ exitCode: 0, stdout: "", stderr: "" });
    expect(shownOf(run)).toEqual([]);
  });

  test("registers the objects of the synth YAML, field by field, and secrets beside them", () => {
    const registered = objectsOf(runOf(stack, mode)).map(manifestOf);
    const expected = synthObjects(stack, changesOf(stack, mode));
    const chart = registered.filter(({ kind }) => kind !== "Secret");
    expect(byKey(chart)).toEqual(byKey(expected));
    const beside = registered.filter(({ kind }) => kind === "Secret").map(({ metadata }) => metadata.name);
    expect(beside.toSorted()).toEqual(mode === "pulumi" ? ["r3a-binance", "r3a-db", "r3a-regcred"] : []);
    const external = expected.filter(({ kind }) => kind === "ExternalSecret");
    expect(external).toHaveLength(mode === "externalSecret" ? 3 : 0);
  });

  test("is a tree: stack, suite, and below it one provider that everything names", () => {
    const { registrations } = runOf(stack, mode);
    const [root, suite, provider] = [
      "pulumi:pulumi:Stack",
      "r3a:batch:Suite",
      "pulumi:providers:kubernetes",
    ].map((type) => registrations.filter((each) => each.type === type));
    expect([root?.length, suite?.length, provider?.length]).toEqual([1, 1, 1]);
    expect(suite?.map(({ parent, inputs }) => ({ parent, inputs }))).toEqual([
      { parent: root?.[0]?.urn, inputs: { namespace: loadStack(ROOT, stack).namespace } },
    ]);
    const objects = objectsOf(runOf(stack, mode));
    expect(new Set([...objects, ...(provider ?? [])].map(({ parent }) => parent))).toEqual(
      new Set([suite?.[0]?.urn]),
    );
    expect(new Set(objects.map((object) => object.provider))).toEqual(
      new Set([`${provider?.[0]?.urn}::${provider?.[0]?.name}`]),
    );
    expect(provider?.[0]?.inputs).toEqual({
      ...(stack === "prod" ? { context: "r3a-prod" } : {}),
      namespace: loadStack(ROOT, stack).namespace,
      enableServerSideApply: "true",
      enableSecretMutable: "true",
      enableConfigMapMutable: "true",
      enablePatchForce: "true",
    });
  });

  test("registers what a kind needs before the kind, by dependencies", () => {
    const objects = objectsOf(runOf(stack, mode));
    const byUrn = new Map(objects.map((object) => [object.urn, object]));
    const reach = (urn: string): readonly string[] =>
      (byUrn.get(urn)?.dependencies ?? []).flatMap((each) => [each, ...reach(each)]);
    const order = [
      ["Namespace"],
      ["ServiceAccount", "ConfigMap", "Secret", "ExternalSecret"],
      ["Role", "NetworkPolicy"],
      ["RoleBinding"],
      ["Job"],
      ["CronJob", "Deployment"],
    ];
    const rankOf = (type: string) => order.findIndex((kinds) => kinds.includes(type.split(":").at(-1) ?? ""));
    for (const { urn, type } of objects) {
      const earlier = objects.filter((other) => rankOf(other.type) < rankOf(type));
      expect([...new Set(reach(urn))].toSorted(), urn).toEqual(earlier.map((each) => each.urn).toSorted());
    }
  });

  test("protects in production the namespace and its secrets, and nothing else", () => {
    const objects = objectsOf(runOf(stack, mode));
    const kindsOf = (option: "protect" | "retainOnDelete") =>
      [...new Set(objects.filter((each) => each[option]).map((each) => manifestOf(each).kind))].toSorted();
    const secret = { existing: [], pulumi: ["Secret"], externalSecret: ["ExternalSecret"] }[mode];
    expect(kindsOf("protect")).toEqual(stack === "prod" ? [...secret, "Namespace"].toSorted() : []);
    expect(kindsOf("retainOnDelete")).toEqual(stack === "prod" ? ["Namespace"] : []);
    expect(objects.filter(({ importId }) => importId !== "")).toEqual([]);
  });

  test("marks the data of secrets as secret, and nothing else", () => {
    const { registrations, outputs } = runOf(stack, mode);
    const marked = registrations
      .filter(({ inputs }) => secretPaths(inputs).length > 0)
      .map((each) => [keyOf(manifestOf(each)), secretPaths(each.inputs)]);
    const namespace = loadStack(ROOT, stack).namespace;
    const names = mode === "pulumi" ? ["r3a-binance", "r3a-db", "r3a-regcred"] : [];
    expect(marked.toSorted()).toEqual(names.map((name) => [`Secret/${namespace}/${name}`, ["stringData"]]));
    expect(secretPaths(outputs)).toEqual([]);
  });

  test("outputs names, schedules, images, required secrets and the hash of the settings", () => {
    const { outputs } = runOf(stack, mode);
    const objects = synthObjects(stack, changesOf(stack, mode));
    expect(outputs.names).toEqual(
      expect.arrayContaining(objects.map(({ kind, metadata }) => `${kind}/${metadata.name}`)),
    );
    expect(Object.keys(outputs).toSorted()).toEqual([
      "images",
      "names",
      "requiredSecrets",
      "schedules",
      "settingsHash",
    ]);
  });
});

test("dev as it is committed registers what `npm run synth` writes", () => {
  expect(committed.exitCode).toBe(0);
  const written = parseAllDocuments(synthYaml).map((document) => document.toJS() as Manifest);
  expect(written.length).toBeGreaterThan(10);
  expect(byKey(objectsOf(committed).map(manifestOf))).toEqual(byKey(written));
});

test("the secrets of mode pulumi hold what the jobs and the kubelet read", () => {
  const secrets = objectsOf(runOf("prod", "pulumi"))
    .map(manifestOf)
    .filter(({ kind }) => kind === "Secret");
  expect(byKey(secrets).map(({ type, stringData }) => ({ type, stringData }))).toEqual([
    {
      type: "Opaque",
      stringData: { BINANCE_API_KEY: "canary-key", BINANCE_API_SECRET: "canary-secret" },
    },
    { type: "Opaque", stringData: { DB_URL: SECRET_VALUES.dbUrl } },
    { type: "kubernetes.io/dockerconfigjson", stringData: { ".dockerconfigjson": expect.any(String) } },
  ]);
  const data = secrets.find(({ metadata }) => metadata.name === "r3a-regcred")?.stringData;
  expect(JSON.parse((data as Record<string, string>)[".dockerconfigjson"] ?? "")).toEqual({
    auths: {
      "ghcr.io": {
        username: "puller",
        password: "canary-token",
        auth: Buffer.from("puller:canary-token").toString("base64"),
      },
    },
  });
});

describe("refuses", () => {
  test("the digest of prod that no release has written yet, before anything is registered", () => {
    expect(unreleased.exitCode).not.toBe(0);
    expect(unreleased.registrations.map(({ type }) => type)).toEqual(["pulumi:pulumi:Stack"]);
    expect(shownOf(unreleased)).toEqual([
      {
        severity: 3,
        message:
          "Pulumi.prod.yaml: r3a:imageDigest: all zeros: no image has been released for this stack yet; " +
          "release one, or set what the registry shows: pulumi config set imageDigest sha256:...",
      },
    ]);
  });

  test("a stack without the values that its mode needs, all of them in one error", () => {
    expect(incomplete.exitCode).not.toBe(0);
    expect(incomplete.registrations.map(({ type }) => type)).toEqual(["pulumi:pulumi:Stack"]);
    const errors = shownOf(incomplete);
    expect(errors).toHaveLength(1);
    const lines = errors[0]?.message.split("\n") ?? [];
    expect(lines.map((line) => /^Pulumi\.prod\.yaml: r3a:(\w+): .+; .+/.exec(line)?.[1])).toEqual([
      "imageDigest",
      "registryUser",
      "dbUrl",
      "binance",
      "registryToken",
    ]);
  });
});
