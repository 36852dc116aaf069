import { describe, expect, test } from "vitest";
import { JOBS } from "../../infra/model/jobs.ts";
import { componentLabels } from "../../infra/model/labels.ts";
import type { Need } from "../../infra/model/need.ts";
import { NEEDS } from "../../infra/model/needs.ts";
import { renderObjects } from "../../infra/render.ts";
import { containersOf, podOf } from "../../infra/rules/pod.ts";
import { isSelected, type Selector } from "../../infra/rules/selector.ts";
import { SETTINGS } from "../../infra/settings/schema.ts";

const settings = SETTINGS.parse({
  exchangeSecretName: "r3a-binance",
  databaseCaConfigMap: "pg-ca",
  databaseCidr: "10.1.0.0/16",
  exchangeCidr: "10.2.0.0/16",
  apiServerCidr: "10.3.0.0/16",
  jobs: { "sync-1m": { runMode: "deployment" } },
});
const objects = renderObjects(settings);
type Policy = {
  readonly podSelector: Selector;
  readonly egress: readonly { readonly to: readonly { readonly ipBlock?: { readonly cidr: string } }[] }[];
};

/** All that a pod has of its needs: names of variables, sources and volumes, its account, its probes, its exits. */
function equipmentOf(name: string) {
  const object = objects.find(
    ({ kind, metadata }) => ["CronJob", "Deployment"].includes(kind) && metadata.name === `r3a-${name}`,
  );
  const pod = object === undefined ? null : podOf(object);
  if (pod === null) throw new Error(`no pod of ${name}`);
  const runner = containersOf(pod.spec).find((container) => container.name === "runner");
  const policies = objects
    .filter(({ kind }) => kind === "NetworkPolicy")
    .map(({ spec }) => spec as Policy)
    .filter(({ podSelector }) => isSelected(podSelector, componentLabels(name)));
  return {
    variables: runner?.env?.map((each) => each.name) ?? [],
    sources: runner?.envFrom?.map((each) => each.configMapRef?.name ?? each.secretRef?.name) ?? [],
    volumes: pod.spec.volumes?.map((volume) => volume.name).filter((each) => each !== "tmp") ?? [],
    account: pod.spec.serviceAccountName,
    hasToken: pod.spec.automountServiceAccountToken,
    hasProbe: runner?.livenessProbe !== undefined,
    exits: policies
      .flatMap(({ egress }) => egress.flatMap(({ to }) => to.flatMap(({ ipBlock }) => ipBlock?.cidr ?? [])))
      .filter((cidr) => !cidr.startsWith("169.254.")),
  };
}

describe("a pod has what its needs give it, and nothing else", () => {
  test.each(JOBS.map(({ name, needs }) => ({ name, needs })))("$name", ({ name, needs }) => {
    const all: readonly Need[] = name === "sync-1m" ? [...needs, "heartbeat"] : needs;
    const of = <Part>(need: Need, ...parts: readonly Part[]) => (all.includes(need) ? parts : []);
    const isShared = all.includes("database") || all.includes("exchange");
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
      // the shared policy is one for all that need the database or the exchange
      exits: [...(isShared ? ["10.1.0.0/16", "10.2.0.0/16"] : []), ...of("cluster", "10.3.0.0/16")],
    });
  });
});

test("a row of the table stands for something that a pod has", () => {
  const used = new Set<string>([...JOBS.flatMap(({ needs }) => needs), "heartbeat"]);
  expect([...used].sort()).toEqual(Object.keys(NEEDS).sort());
});
