import { Config, runtime } from "@pulumi/pulumi";
import { describe, expect, test } from "vitest";
import { loadStack, settingsFrom } from "../../infra/model/load.ts";
import { readPulumiConfig } from "../../infra/settings/pulumi-config.ts";
import { DEFAULTS } from "../../infra/settings/schema.ts";
import { SECRET_SETTINGS } from "../../infra/settings/secret-keys.ts";
import { isUnreleased, UNRELEASED } from "../../infra/settings/unreleased.ts";
import { committedConfig, ROOT, STACKS } from "../support/pulumi/stack-run.ts";
import { faultsOf as faultsIn, sourceOf } from "../support/settings-source.ts";

const RELEASED = { imageDigest: `sha256:${"a".repeat(64)}` };

/** All faults of raw settings, without the file's name. */
function faultsOf(raw: Readonly<Record<string, unknown>>, base: object = RELEASED): readonly string[] {
  const faults = faultsIn(() => settingsFrom(sourceOf({ ...base, ...raw }, "Pulumi.prod.yaml")));
  for (const fault of faults) expect(fault).toMatch(/^Pulumi\.prod\.yaml: r3a:[\w.[\]-]+: .+(; |e\.g\. )./);
  return faults.map((fault) => fault.replace("Pulumi.prod.yaml: r3a:", ""));
}

test("defaults with a digest are right", () => {
  expect(faultsOf({})).toEqual([]);
});

describe("one wrong setting is one fault with key and remedy", () => {
  const pinned = (digit: string) => `a/b@sha256:${digit.repeat(64)}`;
  test.each([
    [{ nameSpace: "x" }, /^nameSpace: unknown; did you mean namespace\?/],
    [{ dbURL: "x" }, /^dbURL: unknown; did you mean dbUrl\?/],
    [{ qqqqqqqqqq: "x" }, /^qqqqqqqqqq: unknown; docs\/settings\.md/],
    [{ protect: "maybe" }, /^protect: .*true or false/],
    [{ universeSize: "many" }, /^universeSize: .*number/],
    [{ universeSize: 0 }, /^universeSize: .*at least 1/],
    [{ universeSize: 2.5 }, /^universeSize: .*whole number/],
    [{ weightLimit: 1.5 }, /^weightLimit: .*at most 1/],
    [{ weightLimit: 0 }, /^weightLimit: .*more than 0/],
    [{ namespace: "R3A" }, /^namespace: .*DNS label/],
    [{ pullSecretName: "A b" }, /^pullSecretName: .*DNS name/],
    [{ logLevel: "loud" }, /^logLevel: .*fatal, error, warn/],
    [{ syncIntervals: ["1m", "2m"] }, /^syncIntervals\[1\]: .*1m, 15m/],
    [{ syncIntervals: [] }, /^syncIntervals: .*at least 1/],
    [{ symbols: "BTCUSDT" }, /^symbols: .*a list/],
    [{ jobs: ["a"] }, /^jobs: .*a map/],
    [{ fallbackStart: "2130-01-01" }, /^fallbackStart: .*must not lie in the future/],
    [{ fallbackStart: "01.01.2020" }, /^fallbackStart: .*YYYY-MM-DD/],
    [{ exchangeUrl: "ftp://a" }, /^exchangeUrl: .*http/],
    [{ exchangeUrl: "https://u:p@h.example" }, /^exchangeUrl: holds a user, a query.*; write the base/],
    [{ exchangeUrl: "https://u@h.example" }, /^exchangeUrl: holds a user/],
    [{ exchangeUrl: "https://h.example/?apiKey=x" }, /^exchangeUrl: holds a user, a query/],
    [{ exchangeUrl: "https://h.example/#x" }, /^exchangeUrl: holds a user, a query or a fragment/],
    [
      { exchangeUrl: "http://api.binance.com" },
      /^exchangeUrl: is plain http to a public host.*; write https/,
    ],
    [{ exchangeUrl: "http://8.8.8.8:80" }, /^exchangeUrl: is plain http/],
    [{ exchangeUrl: "http://[2001:db8::1]/" }, /^exchangeUrl: is plain http/],
    [{ databaseCidr: "0.0.0.0/0" }, /^databaseCidr: opens the database's port to most of the world; write/],
    [{ databaseCidr: "128.0.0.0/1" }, /^databaseCidr: opens/],
    [{ databaseCidr: "::/0" }, /^databaseCidr: opens/],
    [{ registryServer: "https://u:p@ghcr.io" }, /^registryServer: .*must be a host, e\.g\. ghcr\.io/],
    [{ registryUser: "u:p" }, /^registryUser: .*without a colon/],
    [{ symbols: ["https://u:p@h"] }, /^symbols\[0\]: .*must be a symbol/],
    [{ symbols: ["BTC/USDT", "foo bar"] }, /^symbols\[1\]: .*must be a symbol/],
    [{ symbols: ["BTCUSDT", "-/-"] }, /^symbols\[1\]: .*must be a symbol/],
    [
      { kubeContext: "postgresql://u:secret@h/db" },
      /^kubeContext: holds a password, key or token; take it out/,
    ],
    [{ requireDigest: false, waitDbImage: "u:p@h/i" }, /^waitDbImage: is no image; write/],
    [{ databaseCidr: "10.0.0.1" }, /^databaseCidr: .*CIDR/],
    [{ databaseCidr: "" }, /^databaseCidr: .*CIDR/],
    [{ memoryLimit: "lots" }, /^memoryLimit: .*128Mi/],
    [{ memoryRequest: "1Gi" }, /^memoryRequest: .*1Gi is above the limit of 160Mi; lower/],
    [{ imageDigest: "latest" }, /^imageDigest: .*64 hex digits/],
    [{ imageDigest: "", imageTag: "v1" }, /^imageTag: a tag can move.*set imageDigest/],
    [{ imageDigest: "" }, /^imageDigest: is missing.*sha256:0{64}/],
    [{ imageTag: "v1" }, /^imageTag: stands beside imageDigest; remove one/],
    [{ image: "ghcr.io/a/b:v1" }, /^image: .*leave out tag and digest/],
    [{ image: pinned("a") }, /^image: .*leave out tag and digest/],
    [{ waitDbImage: "postgres:16-alpine" }, /^waitDbImage: has no digest.*@sha256/],
    [{ jobs: { "sync-1m": { image: "a/b:v1" } } }, /^jobs\.sync-1m\.image: has no digest.*@sha256/],
    [{ jobs: { "sync-1m": { image: "" } } }, /^jobs\.sync-1m\.image: is empty; leave it out/],
    [
      { janitorProtectedSelectors: ["app=a", ""] },
      /^janitorProtectedSelectors\[1\]: an empty selector.*app=/,
    ],
    [{ janitorProtectedSelectors: [] }, /^janitorProtectedSelectors: is empty; leave it out.*nothing/],
    [{ janitorTargetNamespace: "kube-system" }, /^janitorTargetNamespace: kube-\* belongs.*; name another/],
    [{ namespace: "kube-public" }, /^namespace: kube-\* belongs.*; name another/],
    [{ janitorScope: "all" }, /^janitorScope: .*ours, namespace/],
    [{ janitorMaxPercent: 101 }, /^janitorMaxPercent: .*at most 100/],
    [{ janitorFinishedAfterSeconds: 0 }, /^janitorFinishedAfterSeconds: .*at least 1/],
    [{ janitorProtectedSelectors: ["app in a"] }, /^janitorProtectedSelectors\[0\]: .*brackets/],
    [{ secretsMode: "pulumi" }, /^registryUser: .*set pullSecretName/],
    [{ jobs: { "sync-1m": { schedule: "* * * *" } } }, /^jobs\.sync-1m\.schedule: /],
    [{ jobs: { "sync-1m": { schedul: "" } } }, /^jobs\.sync-1m\.schedul: unknown; did you mean schedule/],
    [
      { jobs: { gaps: { resources: { memoryLimit: "1Mi" } } } },
      /^jobs\.gaps\.resources\.memoryLimit: .*lower the request/,
    ],
  ])("%j", (raw, expected) => {
    const faults = faultsOf(raw);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(expected);
  });
});

test.each([
  "http://127.0.0.1:8080",
  "http://10.244.0.1:41234",
  "http://172.31.0.9",
  "http://exchange:80/base",
  "http://exchange.r3a.svc.cluster.local",
  "http://[fd00::1]:80",
  "https://data-api.binance.vision",
])("an exchange at %s is near, or encrypted", (exchangeUrl) => {
  expect(faultsOf({ exchangeUrl })).toEqual([]);
});

test("without a network policy the database's block limits nothing, and may be any", () => {
  expect(faultsOf({ databaseCidr: "0.0.0.0/0", networkPolicy: false })).toEqual([]);
});

test("a tag is accepted without requireDigest, and a job's own image with a digest always", () => {
  expect(faultsOf({ requireDigest: false, imageTag: "dev" }, {})).toEqual([]);
  expect(faultsOf({ jobs: { gaps: { image: `a/b@${UNRELEASED}` } } })).toEqual([]);
});

test("an environment is unreleased as long as one of its images has the digest of zeros", () => {
  const pinned = { ...DEFAULTS, ...RELEASED };
  expect(isUnreleased(pinned)).toBe(false);
  for (const changes of [
    { imageDigest: UNRELEASED },
    { waitDbImage: `a/b@${UNRELEASED}` },
    { jobs: { gaps: { image: `a/b@${UNRELEASED}` } } },
  ])
    expect(isUnreleased({ ...pinned, ...changes })).toBe(true);
});

test("all faults come at once: of the schema, between settings, and of the jobs", () => {
  const keys = faultsOf({
    nameSpace: "x",
    logLevel: "loud",
    imageTag: "v1",
    janitorProtectedSelectors: ["!"],
    jobs: { "sync-1m": { schedul: "x", schedule: "nonsense" }, gaps: { shards: 2 }, nope: {} },
  }).map((fault) => fault.replace(/: .*/, ""));
  expect(keys.sort()).toEqual([
    "imageTag",
    "janitorProtectedSelectors[0]",
    "jobs.gaps.shards",
    "jobs.nope",
    "jobs.sync-1m.schedul",
    "jobs.sync-1m.schedule",
    "logLevel",
    "nameSpace",
  ]);
});

test("a wrong time is one fault: the default in its place makes no second one", () => {
  const faults = faultsOf({ jobs: { gaps: { schedule: "* * * * *", activeDeadlineSeconds: "short" } } });
  expect(faults).toEqual([expect.stringMatching(/^jobs\.gaps\.activeDeadlineSeconds: .*number/)]);
});

test("no fault repeats a value, because the value may be a secret under a wrong key", () => {
  const canary = "postgresql://u:canary@h/db";
  const raw = Object.fromEntries(Object.keys(DEFAULTS).map((name) => [name, canary]));
  const faults = [
    ...faultsOf({ ...raw, dbURL: canary }),
    ...faultsOf({ jobs: { gaps: { schedule: canary, image: canary } }, adopt: [canary], symbols: [canary] }),
    ...["canary in canary", canary, "canary canary"].flatMap((text) =>
      faultsOf({ janitorProtectedSelectors: [text], syncIntervals: [text] }),
    ),
  ];
  expect(faults.length).toBeGreaterThan(40);
  expect(faults.join("\n")).not.toContain("canary");
});

describe("the engine's config", () => {
  /** What the engine hands a program: scalars as text, the rest as JSON, defaults under the stack's values. */
  const configOf = (stack: (typeof STACKS)[number]): Record<string, string> =>
    Object.fromEntries(
      Object.entries(committedConfig(stack)).map(([key, value]) => [
        `r3a:${key}`,
        typeof value === "string" ? value : JSON.stringify(value),
      ]),
    );

  test.each(STACKS)("gives the settings that the files of %s give", (stack) => {
    runtime.setAllConfig(configOf(stack));
    expect(settingsFrom(readPulumiConfig(new Config("r3a"), stack))).toEqual(loadStack(ROOT, stack));
  });

  test("may hold secrets, which are not read, and no unknown key", () => {
    const canary = "canary-1f0c";
    const secrets = Object.fromEntries(Object.keys(SECRET_SETTINGS).map((name) => [`r3a:${name}`, canary]));
    const config = configOf("prod");
    runtime.setAllConfig({ ...config, ...secrets }, Object.keys(secrets));
    expect(JSON.stringify(settingsFrom(readPulumiConfig(new Config("r3a"), "prod")))).not.toContain(canary);
    runtime.setAllConfig({ ...config, ...secrets, "r3a:universSize": canary, "r3a:protect": canary });
    const attempt = () => settingsFrom(readPulumiConfig(new Config("r3a"), "prod"));
    expect(attempt).toThrow("Pulumi.prod.yaml: r3a:universSize: unknown; did you mean universeSize?");
    expect(attempt).toThrow("Pulumi.prod.yaml: r3a:protect: has the wrong type; write true or false");
    expect(attempt).not.toThrow(canary);
  });
});
