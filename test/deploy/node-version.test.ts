import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { runProgram } from "../support/pulumi/run-program.ts";
import { committedConfig, shownOf } from "../support/pulumi/stack-run.ts";

const require = createRequire(import.meta.url);
const PACK = fileURLToPath(new URL("../../infra/policy-pack/", import.meta.url));
/** This Node, as one that is too old to run TypeScript. */
const TOO_OLD = "--no-experimental-strip-types";
const FAULT =
  `Node ${process.version} cannot run TypeScript: 22.18 or newer must come first on the PATH. ` +
  'npm ci installs one in this folder: PATH="$PWD/node_modules/.bin:$PATH" ';

test("`up` names a Node that cannot run TypeScript, shows the line that helps, and registers nothing", async () => {
  const run = await runProgram({ stack: "dev", config: committedConfig("dev"), nodeFlags: [TOO_OLD] });
  expect(run.exitCode).not.toBe(0);
  expect(shownOf(run)).toEqual([{ severity: 3, message: `${FAULT}pulumi up` }]);
  expect(run.registrations.map(({ type }) => type)).toEqual(["pulumi:pulumi:Stack"]);
});

test("the policy pack says the same before it serves", async () => {
  const loader = require.resolve("@pulumi/pulumi/cmd/run-policy-pack");
  const started = promisify(execFile)(process.execPath, [TOO_OLD, loader, "127.0.0.1:1", "."], {
    cwd: PACK,
    env: { PATH: process.env.PATH },
  });
  await expect(started).rejects.toMatchObject({
    stdout: "",
    stderr: `${FAULT}pulumi preview --policy-pack infra/policy-pack\n`,
  });
});
