import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { copyProject } from "../support/pulumi/project.ts";
import type { ProgramResult } from "../support/pulumi/run-program.ts";
import { changesOf, MODES, runStack, SECRET_VALUES, shownOf } from "../support/pulumi/stack-run.ts";

const CANARY = /canary/;
const faultsOf = (run: ProgramResult) => shownOf(run).flatMap(({ message }) => message.split("\n"));
const keysOf = (faults: readonly string[]) =>
  faults.map(
    (fault) => /^Pulumi\.dev\.yaml: r3a:(\w+): a secret in plain text; .*`pulumi config set/.exec(fault)?.[1],
  );

/** Nothing but the stack itself is registered, and no value is shown. */
function expectRefusal(run: ProgramResult): void {
  expect(run.exitCode).not.toBe(0);
  expect(run.registrations.map(({ type }) => type)).toEqual(["pulumi:pulumi:Stack"]);
  expect(`${run.stdout}${run.stderr}${faultsOf(run).join("\n")}`).not.toMatch(CANARY);
}

describe.each(MODES)("secrets %s", (mode) => {
  test("in plain text are refused by `up`, all together, before anything is registered", async () => {
    const run = await runStack("dev", { ...changesOf("dev", mode), ...SECRET_VALUES }, []);
    expectRefusal(run);
    expect(keysOf(faultsOf(run))).toEqual(["dbUrl", "binance", "registryToken"]);
  });
});

test("one in plain text beside encrypted ones is refused, with the other faults of the settings", async () => {
  const changes = { ...changesOf("dev", "existing"), ...SECRET_VALUES, universeSize: "many" };
  const run = await runStack("dev", changes, ["binance", "registryToken"]);
  expectRefusal(run);
  expect(faultsOf(run)).toEqual([
    expect.stringContaining("r3a:universeSize: has the wrong type"),
    expect.stringContaining("r3a:dbUrl: a secret in plain text"),
  ]);
});

test("a map of which one part is encrypted counts for the engine as a secret, and is found in the file", async () => {
  const root = copyProject();
  appendFileSync(
    join(root, "Pulumi.dev.yaml"),
    "  r3a:binance: { apiKey: { secure: AAAA }, apiSecret: canary-secret }\n",
  );
  const run = await runStack(
    "dev",
    { ...changesOf("dev", "existing"), binance: SECRET_VALUES.binance },
    undefined,
    root,
  );
  expectRefusal(run);
  expect(keysOf(faultsOf(run))).toEqual(["binance"]);
});
