import { describe, expect, test } from "vitest";
import { listOutputs } from "../../infra/model/outputs.ts";
import { checkEnvironment } from "../../infra/programs/check-environment.ts";
import { renderObjects } from "../../infra/render.ts";
import { containersOf, podOf } from "../../infra/rules/pod.ts";
import { checkSettings } from "../../infra/settings/check.ts";
import { SETTINGS, type Settings } from "../../infra/settings/schema.ts";
import {
  changesOf,
  manifestOf,
  objectsOf,
  runStack,
  SECRET_VALUES,
  shownOf,
} from "../support/pulumi/stack-run.ts";

const settingsOf = (changes: Partial<Settings>) =>
  SETTINGS.parse({ requireDigest: false, imageTag: "a", ...changes });
const OWN = { ownerDbSecretName: "r3a-db-owner", readerDbSecretName: "r3a-db-reader" };
const DEPLOYED = { "sync-1m": { runMode: "deployment" as const } };

/** Every container with its pod, by `object/container`. */
function podsOf(settings: Settings) {
  return renderObjects(settings).flatMap((object) => {
    const pod = podOf(object);
    const name = (object.metadata.name ?? "").replace(/-[0-9a-f]{10}$/, "");
    return pod === null ? [] : [{ name, spec: pod.spec, containers: containersOf(pod.spec) }];
  });
}

/** The secrets that the containers of each pod log in with. */
const loginsOf = (settings: Settings) =>
  Object.fromEntries(
    podsOf(settings).map(({ name, containers }) => {
      const keys = containers.flatMap(({ env = [] }) =>
        env.flatMap(({ valueFrom }) => valueFrom?.secretKeyRef ?? []),
      );
      expect(keys.filter(({ key }) => key !== "DB_URL")).toEqual([]);
      return [name, [...new Set(keys.map((key) => key.name))]];
    }),
  );

describe("a pod logs in to the database", () => {
  test("by the one secret if the settings name no other", () => {
    const { "r3a-maint-janitor": janitor, ...others } = loginsOf(settingsOf({ jobs: DEPLOYED }));
    expect(janitor).toEqual([]);
    expect(new Set(Object.values(others).map(String))).toEqual(new Set(["r3a-db"]));
  });

  test("as the role with the least rights that its command can work with, its init container too", () => {
    expect(loginsOf(settingsOf({ ...OWN, jobs: DEPLOYED }))).toEqual({
      "r3a-migrate": ["r3a-db-owner"],
      "r3a-maint": ["r3a-db-owner"],
      "r3a-maint-vacuum-hot": ["r3a-db-owner"],
      "r3a-health": ["r3a-db-reader"],
      "r3a-maint-janitor": [],
      ...Object.fromEntries(
        ["sync-1m-top", "sync-1m", "sync-15m", "sync-1h", "sync-4h", "sync-1d"].map((name) => [
          `r3a-${name}`,
          ["r3a-db"],
        ]),
      ),
      "r3a-maint-refresh-lastts": ["r3a-db"],
      "r3a-gaps": ["r3a-db"],
      "r3a-verify": ["r3a-db"],
    });
  });

  test("by a secret that is listed, requested from the operator, or made from an encrypted setting", async () => {
    const names = ["r3a-db", "r3a-db-owner", "r3a-db-reader", "r3a-regcred"];
    const settings = settingsOf({ ...OWN, secretsMode: "externalSecret" });
    const objects = renderObjects(settings);
    const external = objects.filter(({ kind }) => kind === "ExternalSecret");
    expect(external.map(({ metadata }) => metadata.name)).toEqual(names);
    expect(listOutputs(settings, objects).requiredSecrets.map(({ name }) => name)).toEqual(names);

    const config = {
      ...changesOf("dev", "pulumi"),
      ...SECRET_VALUES,
      ...OWN,
      ownerDbUrl: "postgres://o@h/d",
    };
    const incomplete = await runStack("dev", config);
    expect(shownOf(incomplete).map(({ message }) => message)).toEqual([
      "Pulumi.dev.yaml: r3a:readerDbUrl: missing, and secretsMode is pulumi; set it: `pulumi config set --secret r3a:readerDbUrl`",
    ]);
    const run = await runStack("dev", { ...config, readerDbUrl: "postgres://r@h/d" });
    const secrets = objectsOf(run)
      .map(manifestOf)
      .filter(({ kind }) => kind === "Secret");
    expect(
      Object.fromEntries(secrets.map(({ metadata, stringData }) => [metadata.name, stringData])),
    ).toMatchObject({
      "r3a-db": { DB_URL: SECRET_VALUES.dbUrl },
      "r3a-db-owner": { DB_URL: "postgres://o@h/d" },
      "r3a-db-reader": { DB_URL: "postgres://r@h/d" },
    });
  });

  test.each([
    [{ ownerDbSecretName: "r3a-db" }, "ownerDbSecretName: is the name of dbSecretName too"],
    [
      { ownerDbSecretName: "a", readerDbSecretName: "a" },
      "readerDbSecretName: is the name of ownerDbSecretName",
    ],
    [{ pullSecretName: "r3a-db" }, "pullSecretName: is the name of dbSecretName"],
    [
      { databaseCaConfigMap: "a", databaseCaSecret: "b" },
      "databaseCaSecret: stands beside databaseCaConfigMap",
    ],
  ])("and is refused where %j", (changes, fault) => {
    const faults = checkSettings(settingsOf(changes));
    expect(faults.map(({ key, message }) => `${key}: ${message}`)).toEqual([expect.stringContaining(fault)]);
  });
});

describe("a database with a certificate authority of its own", () => {
  const FILE = "/etc/r3a/database-ca/ca.crt";
  test.each([
    ["databaseCaConfigMap", { configMap: { name: "pg-ca", items: [{ key: "root.pem", path: "ca.crt" }] } }],
    ["databaseCaSecret", { secret: { secretName: "pg-ca", items: [{ key: "root.pem", path: "ca.crt" }] } }],
  ])(
    "by %s: every container that logs in believes the file, read-only; the janitor's does not",
    (name, source) => {
      const settings = settingsOf({ [name]: "pg-ca", databaseCaKey: "root.pem", jobs: DEPLOYED });
      const pods = podsOf(settings);
      expect(pods.length).toBeGreaterThan(13);
      for (const pod of pods) {
        const isJanitor = pod.name === "r3a-maint-janitor";
        expect(
          pod.spec.volumes?.filter((volume) => volume.name === "database-ca"),
          pod.name,
        ).toEqual(isJanitor ? [] : [{ name: "database-ca", ...source }]);
        for (const container of pod.containers) {
          const { volumeMounts = [] } = container as { volumeMounts?: readonly { name: string }[] };
          expect(volumeMounts.filter((mount) => mount.name === "database-ca")).toEqual(
            isJanitor ? [] : [{ name: "database-ca", mountPath: "/etc/r3a/database-ca", readOnly: true }],
          );
          expect(container.env?.filter((each) => each.name === "NODE_EXTRA_CA_CERTS")).toEqual(
            isJanitor ? [] : [{ name: "NODE_EXTRA_CA_CERTS", value: FILE }],
          );
        }
      }
      const errors = checkEnvironment(renderObjects(settings), settings).filter(
        ({ level }) => level === "error",
      );
      expect(errors).toEqual([]);
      const { requiredSecrets } = listOutputs(settings, renderObjects(settings));
      const authority = { name: "pg-ca", type: "Opaque", keys: ["root.pem"] };
      expect(requiredSecrets.filter((each) => each.name === "pg-ca")).toEqual(
        name === "databaseCaSecret" ? [authority] : [],
      );
    },
  );

  test("is no part of the objects unless a setting names it", () => {
    expect(JSON.stringify(renderObjects(settingsOf({})))).not.toMatch(/database-ca|NODE_EXTRA_CA_CERTS/);
  });

  test("asks the operator for no authority: it belongs to whoever runs the database", () => {
    const objects = renderObjects(settingsOf({ secretsMode: "externalSecret", databaseCaSecret: "pg-ca" }));
    expect(
      objects.filter(({ kind, metadata }) => kind === "ExternalSecret" && metadata.name === "pg-ca"),
    ).toEqual([]);
  });
});
