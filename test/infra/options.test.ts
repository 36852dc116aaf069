import { describe, expect, test } from "vitest";
import { makerOf } from "../../infra/bridge/kinds.ts";
import { DELETION_PROPAGATION, optionsFor } from "../../infra/bridge/options-for.ts";
import { planChart } from "../../infra/bridge/register-chart.ts";
import { renderObjects } from "../../infra/render.ts";
import { DEFAULTS, type Settings } from "../../infra/settings/schema.ts";

const ORPHAN = { [DELETION_PROPAGATION]: "orphan" };

const GROUPS: Readonly<Record<string, string>> = {
  CronJob: "batch/v1",
  Job: "batch/v1",
  ExternalSecret: "external-secrets.io/v1",
};

function objectOf(kind: string, annotations: Readonly<Record<string, string>> = {}) {
  const namespace = kind === "Namespace" ? {} : { namespace: "r3a" };
  return {
    apiVersion: GROUPS[kind] ?? "v1",
    kind,
    metadata: { name: "r3a-Thing", ...namespace, annotations },
  };
}
const settings = (changes: Partial<Settings> = {}): Settings => ({ ...DEFAULTS, ...changes });

describe("optionsFor", () => {
  test("names by kind, namespace and name", () => {
    expect(optionsFor(objectOf("ConfigMap"), settings()).name).toBe("configmap/r3a/r3a-thing");
    expect(optionsFor(objectOf("Namespace"), settings()).name).toBe("namespace/r3a-thing");
  });

  test("gives the same options for the same object, and does not change the object", () => {
    const object = Object.freeze(objectOf("CronJob", ORPHAN));
    expect(optionsFor(object, settings())).toEqual(optionsFor(structuredClone(object), settings()));
  });

  test.each([
    ["Namespace", true, true],
    ["Secret", true, false],
    ["ExternalSecret", true, false],
    ["ConfigMap", false, false],
    ["CronJob", false, false],
    ["Job", false, false],
  ])(
    "with the setting, %s is protected: %s, and kept in the cluster: %s",
    (kind, protect, retainOnDelete) => {
      const object = objectOf(kind, ORPHAN);
      expect(optionsFor(object, settings({ protect: true }))).toMatchObject({ protect, retainOnDelete });
      expect(optionsFor(object, settings())).toMatchObject({ protect: false, retainOnDelete: false });
    },
  );

  test("refuses a CronJob whose deletion would kill its running Job, and a policy that the provider does not know", () => {
    const of = (kind: string, annotations = {}) => optionsFor(objectOf(kind, annotations), settings());
    for (const annotations of [{}, { [DELETION_PROPAGATION]: "background" }])
      expect(() => of("CronJob", annotations)).toThrow(
        "CronJob r3a/r3a-Thing: its running Job would be killed",
      );
    expect(() => of("Job", { [DELETION_PROPAGATION]: "background" })).not.toThrow();
    expect(() => of("Job", { [DELETION_PROPAGATION]: "Orphan" })).toThrow(
      'Job r3a/r3a-Thing: pulumi.com/deletionPropagationPolicy is "Orphan"; write foreground, background or orphan',
    );
  });

  test("refuses an object without a name, and a kind that is not in the table", () => {
    const nameless = { apiVersion: "v1", kind: "ConfigMap", metadata: { namespace: "r3a" } };
    expect(() => optionsFor(nameless, settings())).toThrow("ConfigMap without metadata.name");
    expect(() => optionsFor(objectOf("Gizmo"), settings())).toThrow(
      "Gizmo r3a/r3a-Thing: the bridge does not know v1/Gizmo; add it to KINDS in infra/bridge/kinds.ts",
    );
  });
});

describe("kinds", () => {
  test("are a closed table, without Secret", () => {
    const foreign = { apiVersion: "example.org/v1", kind: "Gizmo", metadata: { name: "a", namespace: "b" } };
    expect(() => makerOf(foreign)).toThrow(
      "Gizmo b/a: the bridge does not know example.org/v1/Gizmo; add it to KINDS in infra/bridge/kinds.ts",
    );
    expect(() => makerOf({ ...foreign, apiVersion: "batch/v1beta1", kind: "CronJob" })).toThrow(
      "batch/v1beta1",
    );
    expect(() => makerOf({ ...foreign, apiVersion: "v1", kind: "Secret" })).toThrow(
      "Secret b/a: no chart may hold a Secret",
    );
  });

  test("cover all that a chart can make", () => {
    const all = settings({
      imageTag: "dev",
      secretsMode: "externalSecret",
      jobs: { "sync-1m": { runMode: "deployment" } },
    });
    const objects = renderObjects(all);
    expect(new Set(objects.map(({ kind }) => kind))).toContain("Deployment");
    const plan = planChart(
      objects.map((object) => ({ object, make: makerOf(object) })),
      all,
    );
    expect(plan.flat()).toHaveLength(objects.length);
    expect(new Set(plan.flat().map(({ options }) => options.name)).size).toBe(objects.length);
  });
});
