import { beforeAll, describe, expect, test } from "vitest";
import { checkAdoption, importIdOf } from "../../infra/bridge/adopt.ts";
import type { ProgramResult } from "../support/run-program.ts";
import { changesOf, manifestOf, objectsOf, runStack, SECRET_VALUES } from "./stack-run.ts";

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

  test("means what it says: no other patterns, no other case, no part of a name", () => {
    for (const entry of ["*", "*/*", "CronJob", "cronjob/*", "CronJob/r3a-sync", "CronJob/r3a-*", "Job/*"])
      expect(importIdOf(SYNC, [entry]), entry).toBeUndefined();
  });

  test("that selects nothing is an error, all of them together", () => {
    expect(() => checkAdoption(OBJECTS, ["CronJob/*", "Namespace/r3a"])).not.toThrow();
    const check = () => checkAdoption(OBJECTS, ["CronJob/r3a-sync", "ConfigMap/*", "Role/*"]);
    const known = "CronJob/r3a-sync-1m, ConfigMap/r3a-config, Namespace/r3a";
    expect(check).toThrow(
      ["CronJob/r3a-sync", "Role/*"]
        .map((entry) => `r3a:adopt: "${entry}" selects nothing; write Kind/* or one of ${known}`)
        .join("\n"),
    );
  });
});

describe("the program", () => {
  const adopt = ["Namespace/r3a", "CronJob/*", "ConfigMap/r3a-sync-config", "Secret/r3a-db"];
  let adopting: ProgramResult;
  let mistaken: ProgramResult;
  beforeAll(async () => {
    const config = { ...changesOf("prod", "pulumi"), ...SECRET_VALUES };
    [adopting, mistaken] = await Promise.all([
      runStack("prod", { ...config, adopt }),
      runStack("prod", { ...config, adopt: [...adopt, "CronJob/r3a-nothing"] }),
    ]);
  }, 120_000);

  test("imports what Helm made, by the ids of the cluster, and creates the rest", () => {
    expect(adopting.exitCode).toBe(0);
    const objects = objectsOf(adopting);
    const cronJobs = objects.map(manifestOf).filter(({ kind }) => kind === "CronJob");
    expect(cronJobs.length).toBeGreaterThan(5);
    expect(
      objects
        .map(({ importId }) => importId)
        .filter((id) => id !== "")
        .toSorted(),
    ).toEqual(
      [
        "r3a",
        "r3a/r3a-db",
        "r3a/r3a-sync-config",
        ...cronJobs.map(({ metadata }) => `r3a/${metadata.name}`),
      ].toSorted(),
    );
    for (const object of objects.filter(({ importId }) => importId !== "")) {
      const { namespace, name } = manifestOf(object).metadata;
      expect(object.importId).toBe(namespace === undefined ? name : `${namespace}/${name}`);
    }
  });

  test("takes over the fields of what it imports, which belong to Helm", () => {
    const provider = adopting.registrations.find(({ type }) => type === "pulumi:providers:kubernetes");
    expect(provider?.inputs.enablePatchForce).toBe("true");
  });

  test("registers nothing where an entry selects nothing", () => {
    expect(mistaken.exitCode).not.toBe(0);
    expect(objectsOf(mistaken)).toEqual([]);
    const errors = mistaken.logs.filter(({ severity }) => severity > 0);
    expect(errors).toHaveLength(1);
    expect(errors[0]?.message).toMatch(
      /^r3a:adopt: "CronJob\/r3a-nothing" selects nothing; .*Secret\/r3a-db/,
    );
  });
});
