import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { loadStack } from "../../infra/model/load.ts";
import { checkEnvironment } from "../../infra/programs/check-environment.ts";
import { renderObjects } from "../../infra/render.ts";
import { SETTINGS, type Settings } from "../../infra/settings/schema.ts";
import { listStacks } from "../../infra/settings/stack-files.ts";
import { SCHEMA_VERSIONS, schemaFaults } from "../support/kubernetes/schema.ts";
import { MODES, ROOT } from "../support/pulumi/stack-run.ts";

/** What is wrong with the objects of an environment: unknown fields, wrong values, errors of the rules. */
function faultsOf(settings: Settings): readonly string[] {
  const objects = renderObjects(settings);
  const errors = checkEnvironment(objects, settings).filter(({ level }) => level === "error");
  return [
    ...SCHEMA_VERSIONS.flatMap((version) =>
      objects.flatMap((object) => schemaFaults(object, version).map((fault) => `${version}: ${fault}`)),
    ),
    ...errors.map(({ rule, object, message }) => `${rule}: ${object}: ${message}`),
  ];
}

describe.each(listStacks(ROOT))("%s", (stack) => {
  const settings = loadStack(ROOT, stack);
  test.each(MODES)("with secrets %s: every object passes both schemas and all rules", (secretsMode) => {
    expect(faultsOf({ ...settings, secretsMode, registryUser: "deployer" })).toEqual([]);
  });
});

test("in every committed environment the log of a failure stays for at least a day", () => {
  for (const stack of listStacks(ROOT)) {
    const settings = loadStack(ROOT, stack);
    const found = checkEnvironment(renderObjects(settings), settings);
    expect([stack, found.filter(({ rule }) => rule === "failure-logs")]).toEqual([stack, []]);
  }
});

test("the objects of all accepted settings pass both schemas and all rules", () => {
  const quantity = fc.constantFrom("64Mi", "128Mi", "1Gi");
  const settings = fc.record({
    secretsMode: fc.constantFrom(...MODES),
    createNamespace: fc.boolean(),
    serviceAccountCreate: fc.boolean(),
    networkPolicy: fc.boolean(),
    waitDb: fc.boolean(),
    suspendAll: fc.boolean(),
    pullSecretName: fc.constantFrom("", "r3a-regcred"),
    exchangeSecretName: fc.constantFrom("", "r3a-binance"),
    priorityClassName: fc.constantFrom("", "batch"),
    ownerDbSecretName: fc.constantFrom("", "r3a-db-owner"),
    databaseCaConfigMap: fc.constantFrom("", "pg-ca"),
    ttlSecondsAfterFinished: fc.constantFrom(0, 1_800),
    symbols: fc.constantFrom([], ["BTCUSDT"]),
    memoryLimit: quantity,
    exchangeUrl: fc.constantFrom("https://api.binance.com", "http://10.0.0.7:8099"),
    jobs: fc.record({
      "sync-1m": fc.constantFrom({}, { shards: 3 }, { runMode: "deployment" as const }),
      "sync-1h": fc.constantFrom({}, { shards: 10, suspend: true }, { enabled: false }),
      verify: fc.constantFrom({}, { schedule: "5 4 * * 0", ttlSecondsAfterFinished: 60 }),
    }),
  });
  fc.assert(
    fc.property(settings, (given) => {
      expect(faultsOf(SETTINGS.parse({ ...given, imageDigest: `sha256:${"1".repeat(64)}` }))).toEqual([]);
    }),
    { numRuns: 40 },
  );
});
