import { beforeAll, describe, expect, test } from "vitest";
import type { ProgramResult } from "../support/pulumi/run-program.ts";
import {
  changesOf,
  MODES,
  type Mode,
  runStack,
  SECRET_VALUES,
  shownOf,
  synthObjects,
} from "../support/pulumi/stack-run.ts";
import { withoutMarks, withoutSecrets } from "../support/pulumi/wire-values.ts";

/** The secret values themselves, and the form in which a registry's credentials hold one of them. */
const CANARIES = [
  "canary-db",
  SECRET_VALUES.binance.apiKey,
  SECRET_VALUES.binance.apiSecret,
  SECRET_VALUES.registryToken,
  Buffer.from(`puller:${SECRET_VALUES.registryToken}`).toString("base64"),
];
/** Values under keys of the wrong shape, and settings that are wrong beside them. */
const BROKEN = {
  binance: '{"apiKey": "canary-key", "apiSecret": canary-secret',
  universeSize: "many",
  weightLimit: 5,
};
/** A secret under a key that is none. */
const MISPLACED = { registrytoken: "canary-token", logLevel: "canary-key", adopt: "canary-secret" };

const runs = new Map<Mode, ProgramResult>();
const failures: ProgramResult[] = [];
beforeAll(async () => {
  for (const mode of MODES)
    runs.set(mode, await runStack("dev", { ...changesOf("dev", mode), ...SECRET_VALUES }));
  for (const changes of [BROKEN, MISPLACED, { adopt: ["ConfigMap/r3a-nothing"] }])
    failures.push(await runStack("dev", { ...changesOf("dev", "pulumi"), ...SECRET_VALUES, ...changes }));
}, 180_000);

/**
 * Everything that a person, a state file or a log could see of a run. The SDK's own debug messages are left out: they
 * quote each answer of the engine, which holds the secrets it was sent, and the engine shows them with --debug alone,
 * after masking the values of its encrypted settings.
 */
function visible(run: ProgramResult): string {
  const { registrations, outputs, stdout, stderr } = run;
  return JSON.stringify({
    registrations: registrations.map((each) => ({ ...each, inputs: withoutSecrets(each.inputs) })),
    outputs: withoutMarks(outputs),
    stdout,
    stderr,
    logs: shownOf(run),
  });
}

const found = (text: string) => CANARIES.filter((canary) => text.includes(canary));

test("the test can find the canaries: they are on the wire, within secrets", () => {
  const all = JSON.stringify(runs.get("pulumi")?.registrations.map(({ inputs }) => withoutMarks(inputs)));
  expect(found(all)).toEqual(CANARIES);
});

describe.each(MODES)("secrets %s", (mode) => {
  test("no secret value is in plain inputs, outputs, logs or the terminal", () => {
    const run = runs.get(mode);
    expect(run?.exitCode).toBe(0);
    expect(run && found(visible(run))).toEqual([]);
  });

  test("no secret value, and no Secret, is in the synth output", () => {
    const objects = synthObjects("dev", changesOf("dev", mode));
    expect(objects.filter(({ kind }) => kind === "Secret")).toEqual([]);
    expect(found(JSON.stringify(objects))).toEqual([]);
  });
});

test("in the modes that make no secret, none is sent at all", () => {
  for (const mode of ["existing", "externalSecret"] as const)
    expect(found(JSON.stringify(runs.get(mode)))).toEqual([]);
});

test("a program that fails shows no secret value either", () => {
  expect(failures.map(({ exitCode }) => exitCode === 0)).toEqual([false, false, false]);
  for (const failure of failures) {
    expect(shownOf(failure)).toHaveLength(1);
    expect(found(visible(failure))).toEqual([]);
  }
});

test("the fault of a malformed secret says what to do, and does not have its text", () => {
  const [error] = failures.slice(0, 1).flatMap(shownOf);
  expect(error?.message).toContain(
    "Pulumi.dev.yaml: r3a:binance: is no object {apiKey, apiSecret} of two texts; " +
      "set it: `pulumi config set --path --secret r3a:binance.apiKey`, then the same for apiSecret",
  );
  expect(error?.message).toContain("r3a:universeSize");
  expect(error?.message).toContain("r3a:weightLimit");
});
