import { beforeAll, describe, expect, test } from "vitest";
import { checkAdoption, importIdOf } from "../../infra/bridge/adopt.ts";
import { settingsFrom } from "../../infra/model/load.ts";
import type { ProgramResult } from "../support/pulumi/run-program.ts";
import {
  changesOf,
  manifestOf,
  objectsOf,
  runStack,
  SECRET_VALUES,
  shownOf,
} from "../support/pulumi/stack-run.ts";
import { sourceOf } from "../support/settings-source.ts";

const SYNC = { apiVersion: "batch/v1", kind: "CronJob", metadata: { name: "r3a-sync-1m", namespace: "r3a" } };
const CONFIG = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "r3a-config", namespace: "r3a" } };
const NAMESPACE = { apiVersion: "v1", kind: "Namespace", metadata: { name: "r3a" } };
const OBJECTS = [SYNC, CONFIG, NAMESPACE];

describe("an entry of adopt", () => {
  test("lists one object, or selects all of a kind", () => {
    expect(importIdOf(SYNC, ["CronJob/r3a-sync-1m"])).toBe("r3a/r3a-sync-1m");
    expect(importIdOf(SYNC, ["CronJob/*"])).toBe("r3a/r3a-sync-1m");
    expect(importIdOf(NAMESPACE, ["Namespace/r3a"])).toBe("r3a");
    expect(importIdOf(CONFIG, ["CronJob/*", "Namespace/*"])).toBeUndefined();
    expect(importIdOf(SYNC, [])).toBeUndefined();
  });

  test("has no other patterns, no other case, and no part of a name", () => {
    for (const entry of ["*", "*/*", "CronJob", "cronjob/*", "CronJob/r3a-sync", "CronJob/r3a-*", "Job/*"])
      expect(importIdOf(SYNC, [entry]), entry).toBeUndefined();
  });

  test("that selects nothing is an error, all of them together", () => {
    expect(() => checkAdoption(OBJECTS, ["ConfigMap/*", "Namespace/r3a"])).not.toThrow();
    const check = () => checkAdoption(OBJECTS, ["ServiceAccount/*", "ConfigMap/*", "ConfigMap/r3a-conf"]);
    const known = "ConfigMap/r3a-config, Namespace/r3a";
    expect(check).toThrow(
      [0, 2]
        .map((index) => `r3a:adopt[${index}]: selects nothing; write Kind/* or one of ${known}`)
        .join("\n"),
    );
  });

  test.each([
    ["CronJob/*", "delete cronjob NAME --cascade=orphan"],
    ["CronJob/r3a-sync-1m", "delete cronjob NAME --cascade=orphan"],
    ["Secret/r3a-db", "delete secret NAME"],
    ["Role/*", "delete KIND NAME"],
    ["Job/r3a-migrate-1", "delete KIND NAME"],
    ["configmap/x", "delete KIND NAME"],
    ["*", "delete KIND NAME"],
    ["/a", "delete KIND NAME"],
  ])("of another kind is refused by both loaders, with what to do: %s", (entry, command) => {
    const attempt = () =>
      settingsFrom(sourceOf({ imageTag: "a", requireDigest: false, adopt: ["Namespace/r3a", entry] }, "f"));
    expect(attempt).toThrow(
      `f: r3a:adopt[1]: only Namespace, ServiceAccount, ConfigMap can be adopted, as Kind/name or Kind/*; delete it by \`kubectl -n r3a ${command}\``,
    );
  });
});

describe("the program", () => {
  const adopt = ["Namespace/r3a", "ConfigMap/*", "ServiceAccount/r3a-sync-sa"];
  let adopting: ProgramResult;
  let mistaken: ProgramResult;
  beforeAll(async () => {
    const config = { ...changesOf("prod", "pulumi"), ...SECRET_VALUES };
    [adopting, mistaken] = await Promise.all([
      runStack("prod", { ...config, adopt }),
      runStack("prod", { ...config, adopt: [...adopt, "ServiceAccount/r3a-nothing"] }),
    ]);
  }, 120_000);

  test("imports the objects that Helm made, by the ids of the cluster, and creates the others", () => {
    expect(adopting.exitCode).toBe(0);
    const objects = objectsOf(adopting);
    expect(
      objects
        .map(({ importId }) => importId)
        .filter((id) => id !== "")
        .toSorted(),
    ).toEqual(["r3a", "r3a/r3a-sync-config", "r3a/r3a-sync-sa"]);
    for (const object of objects.filter(({ importId }) => importId !== "")) {
      const { namespace, name } = manifestOf(object).metadata;
      expect(object.importId).toBe(namespace === undefined ? name : `${namespace}/${name}`);
    }
  });

  test("registers nothing where an entry selects nothing", () => {
    expect(mistaken.exitCode).not.toBe(0);
    expect(objectsOf(mistaken)).toEqual([]);
    const errors = shownOf(mistaken);
    expect(errors).toHaveLength(1);
    expect(errors[0]?.message).toMatch(
      /^r3a:adopt\[3\]: selects nothing; .*Namespace\/r3a, ServiceAccount\/r3a-sync-sa, .*ConfigMap/,
    );
  });
});
