import { describe, expect, test } from "vitest";
import { kindAndName, type Manifest } from "../../infra/manifest.ts";
import { JOBS } from "../../infra/model/jobs.ts";
import { podOf } from "../../infra/rules/pod.ts";
import type { Settings } from "../../infra/settings/schema.ts";
import { PROTECTED_SELECTORS } from "../../runner/src/contract/janitor.ts";
import { render } from "../support/render.ts";

const find = (objects: readonly Manifest[], key: string) =>
  objects.find((object) => kindAndName(object) === key);
/** Keys of what differs between two environments. */
const changed = (before: readonly Manifest[], after: readonly Manifest[]) =>
  [...new Set([...before, ...after].map(kindAndName))].filter(
    (key) => JSON.stringify(find(before, key)) !== JSON.stringify(find(after, key)),
  );
const texts = (objects: readonly Manifest[]) => JSON.stringify(objects);

test("every row of the table is one CronJob, after what it needs", () => {
  const keys = render().map(kindAndName);
  expect(keys.slice(0, 2)).toEqual(["Namespace/r3a", "ServiceAccount/r3a-sync-sa"]);
  expect(keys.filter((key) => key.startsWith("CronJob/"))).toEqual(
    JOBS.map(({ name }) => `CronJob/r3a-${name}`),
  );
  expect(keys.findIndex((key) => key.startsWith("Job/r3a-migrate-"))).toBeLessThan(
    keys.findIndex((key) => key.startsWith("CronJob/")),
  );
  expect(new Set(keys).size).toBe(keys.length);
});

describe("one change", () => {
  const before = render();

  test("of a schedule changes one object", () => {
    expect(changed(before, render({ jobs: { verify: { schedule: "50 3 * * *" } } }))).toEqual([
      "CronJob/r3a-verify",
    ]);
  });

  test("of a value in the ConfigMap changes the ConfigMap and, in each CronJob, only the hash of the ConfigMap", () => {
    const after = render({ universeSize: 61 });
    const stripped = (objects: readonly Manifest[]) =>
      JSON.parse(texts(objects).replace(/("r3a\.dev\/config-hash":)"\w+"/g, '$1""')) as Manifest[];
    expect(changed(stripped(before), stripped(after))).toEqual(["ConfigMap/r3a-sync-config"]);
    expect(changed(before, after)).toEqual([
      "ConfigMap/r3a-sync-config",
      ...JOBS.map(({ name }) => `CronJob/r3a-${name}`),
    ]);
  });

  test("of the image makes another schema Job, since the template of a Job cannot change", () => {
    const name = (objects: readonly Manifest[]) => objects.find(({ kind }) => kind === "Job")?.metadata.name;
    expect(name(render({ imageTag: "a" }))).not.toBe(name(render({ imageTag: "b" })));
    expect(name(render({ imageTag: "a" }))).toBe(name(render({ imageTag: "a" })));
  });
});

describe("traps of the libraries", () => {
  const objects = render();
  const cronJobs = objects.filter(({ kind }) => kind === "CronJob");

  test("no job has a starting deadline of 10 s, which loses a run a week", () => {
    expect(texts(cronJobs)).not.toContain('"startingDeadlineSeconds":10,');
  });

  test("the janitor's RoleBinding names the namespace of the account, and has a fixed name", () => {
    expect(find(objects, "RoleBinding/r3a-maint-janitor")).toMatchObject({
      subjects: [{ kind: "ServiceAccount", name: "r3a-janitor-sa", namespace: "r3a" }],
      roleRef: { kind: "Role", name: "r3a-maint-janitor" },
    });
  });

  test("Job and pod have the labels of the CronJob, and no label is a hash of a construct's path", () => {
    const label = '"app.kubernetes.io/component":"sync-1m"';
    expect(texts([find(objects, "CronJob/r3a-sync-1m") as Manifest]).split(label)).toHaveLength(4);
    expect(texts(objects)).not.toContain("cdk8s.io/");
  });
});

describe("the janitor", () => {
  const objects = render({ exchangeSecretName: "r3a-binance", janitorMode: "delete" });

  test("cleans its own namespace, and another namespace only if the settings name it", () => {
    const placesOf = (settings: Partial<Settings>) => {
      const all = render({ janitorMode: "delete", ...settings });
      const config = find(all, "ConfigMap/r3a-sync-config")?.data as Record<string, string>;
      const role = find(all, "Role/r3a-maint-janitor")?.metadata.namespace;
      const binding = find(all, "RoleBinding/r3a-maint-janitor")?.metadata.namespace;
      return [config.JANITOR_NAMESPACE, role, binding];
    };
    expect(placesOf({ namespace: "r3a-staging" })).toEqual(Array(3).fill("r3a-staging"));
    expect(placesOf({ namespace: "r3a-staging", janitorTargetNamespace: "r3a" })).toEqual(
      Array(3).fill("r3a"),
    );
  });

  test("gets its settings by the ConfigMap, and the setting without a variable as a flag", () => {
    expect(find(objects, "ConfigMap/r3a-sync-config")).toMatchObject({
      data: {
        JANITOR_MODE: "delete",
        JANITOR_NAMESPACE: "r3a",
        JANITOR_DELETE_AFTER_SECONDS: "900",
        JANITOR_FINISHED_AFTER_SECONDS: "3024000",
        JANITOR_MAX_DELETES: "20",
        JANITOR_MAX_PERCENT: "50",
        JANITOR_PROTECTED_SELECTORS: PROTECTED_SELECTORS.join(";"),
        JANITOR_SCOPE: "ours",
      },
    });
    const args = (settings: Partial<Settings>) =>
      podOf(find(render(settings), "CronJob/r3a-maint-janitor") as Manifest)?.spec.containers?.map(
        (container) => (container as { args?: readonly string[] }).args?.slice(0, -2),
      );
    expect(args({})).toEqual([["janitor"]]);
    expect(args({ janitorUnschedulable: true })).toEqual([["janitor", "--unschedulable"]]);
  });
});

test("the schema Job has no init container that waits for the schema", () => {
  const [job] = render({ waitDb: true }).filter(({ kind }) => kind === "Job");
  expect(texts([job as Manifest])).not.toContain("initContainers");
});

test("shards make an Indexed Job, and each pod gets the number of pods", () => {
  const job = find(render({ jobs: { "sync-1h": { shards: 4 } } }), "CronJob/r3a-sync-1h");
  expect(job).toMatchObject({
    spec: { jobTemplate: { spec: { completionMode: "Indexed", completions: 4, parallelism: 4 } } },
  });
  expect(texts([job as Manifest])).toContain('{"name":"R3A_SHARDS","value":"4"}');
});

test("runMode deployment makes one pod that repeats its command, and no CronJob", () => {
  const objects = render({ jobs: { "sync-1m": { runMode: "deployment" } } });
  expect(find(objects, "CronJob/r3a-sync-1m")).toBeUndefined();
  expect(find(objects, "Deployment/r3a-sync-1m")).toMatchObject({
    spec: { replicas: 1, strategy: { type: "Recreate" } },
  });
  expect(texts([find(objects, "Deployment/r3a-sync-1m") as Manifest])).toContain(
    '"args":["sync","1m","--every","60","--deadline","285"]',
  );
});

test("the chart names secrets and makes none; in mode externalSecret it asks the operator for each secret", () => {
  for (const secretsMode of ["existing", "pulumi", "externalSecret"] as const) {
    const objects = render({ secretsMode, exchangeSecretName: "r3a-binance" });
    expect(objects.filter(({ kind }) => kind === "Secret")).toEqual([]);
    expect(objects.filter(({ kind }) => kind === "ExternalSecret").map(kindAndName)).toEqual(
      secretsMode === "externalSecret"
        ? ["ExternalSecret/r3a-db", "ExternalSecret/r3a-binance", "ExternalSecret/r3a-regcred"]
        : [],
    );
  }
});

test("the chart does not make what other people own: namespace, account, credentials", () => {
  const objects = render({ createNamespace: false, serviceAccountCreate: false, pullSecretName: "" });
  expect(objects.filter(({ kind }) => kind === "Namespace")).toEqual([]);
  expect(find(objects, "ServiceAccount/r3a-sync-sa")).toBeUndefined();
  expect(texts(objects)).not.toContain("imagePullSecrets");
});

test("each policy opens one block at its ports: the database's, public addresses, the API server's", () => {
  const objects = render({ databaseCidr: "10.1.0.0/16", apiServerCidr: "10.0.0.1/32" });
  const egressOf = (name: string) =>
    (find(objects, `NetworkPolicy/${name}`)?.spec as { readonly egress?: unknown } | undefined)?.egress;
  const dns = {
    to: [
      { namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "kube-system" } } },
      { ipBlock: { cidr: "169.254.20.10/32" } },
    ],
    ports: [
      { port: 53, protocol: "UDP" },
      { port: 53, protocol: "TCP" },
    ],
  };
  const reaching = (ipBlock: object, ...ports: readonly number[]) => ({
    to: [{ ipBlock }],
    ports: ports.map((port) => ({ port, protocol: "TCP" })),
  });
  const world = { cidr: "0.0.0.0/0", except: expect.arrayContaining(["169.254.0.0/16", "10.0.0.0/8"]) };
  expect(egressOf("r3a-runner")).toBeUndefined();
  expect(egressOf("r3a-database")).toEqual([dns, reaching({ cidr: "10.1.0.0/16" }, 5432)]);
  expect(egressOf("r3a-exchange")).toEqual([dns, reaching(world, 443)]);
  expect(egressOf("r3a-cluster")).toEqual([reaching({ cidr: "10.0.0.1/32" }, 443, 6443)]);
});

test("IPv6 is closed unless the settings name an IPv6 block, and ::/0 leaves out the private ranges too", () => {
  const blocks = (settings: Partial<Settings>) =>
    texts([find(render(settings), "NetworkPolicy/r3a-exchange") as Manifest]);
  expect(blocks({})).not.toContain("::");
  expect(blocks({ exchangeCidr: "::/0" })).toContain('"fc00::/7"');
  expect(blocks({ exchangeCidr: "2600:9000::/28" })).not.toContain("except");
});
