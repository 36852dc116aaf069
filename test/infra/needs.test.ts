import { describe, expect, test } from "vitest";
import { JOBS, SCHEMA_JOB } from "../../infra/model/jobs.ts";
import { COMPONENT_LABEL, componentLabels } from "../../infra/model/labels.ts";
import type { Need } from "../../infra/model/need.ts";
import { NEEDS } from "../../infra/model/needs.ts";
import { containersOf, podOf } from "../../infra/rules/pod.ts";
import { isSelected, type Selector } from "../../infra/rules/selector.ts";
import { render } from "../support/render.ts";

const objects = render({
  exchangeSecretName: "r3a-binance",
  databaseCaConfigMap: "pg-ca",
  databaseCidr: "10.1.0.0/16",
  exchangeCidr: "10.2.0.0/16",
  apiServerCidr: "10.3.0.0/16",
  jobs: { "sync-1m": { runMode: "deployment" } },
});
type Policy = {
  readonly podSelector: Selector;
  readonly policyTypes: readonly string[];
  readonly egress?: readonly {
    readonly to: readonly { readonly ipBlock?: { readonly cidr: string } }[];
    readonly ports: readonly { readonly port: number }[];
  }[];
};

const policies = objects.flatMap(({ kind, spec }) => (kind === "NetworkPolicy" ? [spec as Policy] : []));

/** The blocks that the pods of a job may connect to, and `DNS`, by all policies that select these pods. */
function exitsOf(component: string): readonly string[] {
  const rules = policies
    .filter(({ podSelector }) => isSelected(podSelector, componentLabels(component)))
    .flatMap(({ egress = [] }) => egress);
  const blocks = rules.flatMap(({ to, ports }) =>
    ports.some(({ port }) => port === 53)
      ? ["DNS"]
      : to.map(({ ipBlock }) => ipBlock?.cidr ?? "every address"),
  );
  return [...new Set(blocks)].sort();
}

/** All that a pod has of its needs: names of variables, sources and volumes, its account, its probes, its exits. */
function equipmentOf(name: string) {
  const object = objects.find(
    ({ kind, metadata }) =>
      ["CronJob", "Deployment", "Job"].includes(kind) && metadata.labels?.[COMPONENT_LABEL] === name,
  );
  const pod = object === undefined ? null : podOf(object);
  if (pod === null) throw new Error(`no pod of ${name}`);
  const runner = containersOf(pod.spec).find((container) => container.name === "runner");
  return {
    variables: runner?.env?.map((each) => each.name) ?? [],
    sources: runner?.envFrom?.map((each) => each.configMapRef?.name ?? each.secretRef?.name) ?? [],
    volumes: pod.spec.volumes?.map((volume) => volume.name).filter((each) => each !== "tmp") ?? [],
    account: pod.spec.serviceAccountName,
    hasToken: pod.spec.automountServiceAccountToken,
    hasProbe: runner?.livenessProbe !== undefined,
    exits: exitsOf(name),
  };
}

describe("a pod has what its needs give it, and nothing else", () => {
  test.each<{ name: string; needs: readonly Need[] }>([...JOBS, SCHEMA_JOB])("$name", ({ name, needs }) => {
    const all: readonly Need[] = name === "sync-1m" ? [...needs, "heartbeat"] : needs;
    const of = <Part>(need: Need, ...parts: readonly Part[]) => (all.includes(need) ? parts : []);
    expect(equipmentOf(name)).toEqual({
      variables: [
        ...of("database", "DB_URL", "NODE_EXTRA_CA_CERTS"),
        ...of("config", "R3A_RUN_ORIGIN"),
        ...of("freshnessLimits", "FRESHNESS_LIMITS"),
        ...of("heartbeat", "R3A_HEARTBEAT_FILE", "R3A_HEARTBEAT_MAX_AGE"),
      ],
      sources: [...of("config", "r3a-sync-config"), ...of("exchange", "r3a-binance")],
      volumes: [...of("database", "database-ca"), ...of("heartbeat", "heartbeat")],
      account: all.includes("cluster") ? "r3a-janitor-sa" : "r3a-sync-sa",
      hasToken: all.includes("cluster"),
      hasProbe: all.includes("heartbeat"),
      exits: [
        ...of("database", "10.1.0.0/16"),
        ...of("exchange", "10.2.0.0/16"),
        ...of("cluster", "10.3.0.0/16"),
        ...of("database", "DNS"),
      ],
    });
  });
});

test("a pod connects only where its needs say: maint to no exchange, the janitor to no database and no DNS", () => {
  expect(exitsOf("maint")).toEqual(["10.1.0.0/16", "DNS"]);
  expect(exitsOf("sync-1m")).toEqual(["10.1.0.0/16", "10.2.0.0/16", "DNS"]);
  expect(exitsOf("maint-janitor")).toEqual(["10.3.0.0/16"]);
});

test("a pod of no job reaches nothing, and all policies deny what they do not name, both ways", () => {
  expect(exitsOf("by-hand")).toEqual([]);
  const selecting = policies.filter(({ podSelector }) => isSelected(podSelector, componentLabels("by-hand")));
  expect(selecting).toHaveLength(1);
  for (const { policyTypes } of policies) expect(policyTypes).toEqual(["Ingress", "Egress"]);
});

test("some pod has each need of the table", () => {
  const used = new Set<string>([...JOBS.flatMap(({ needs }) => needs), "heartbeat"]);
  expect([...used].sort()).toEqual(Object.keys(NEEDS).sort());
});
