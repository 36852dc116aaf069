import { Command } from "commander";
import { EXIT } from "../runner/src/contract/exits.ts";
import { parseCommandLine } from "./command-line.ts";
import { catchSignals, runChild } from "./install/run-child.js";
import { ROOT } from "./local/kinds.ts";

/** `npm run check`: what must hold before a commit, step by step; the first step that fails ends it. */

const STEPS: readonly (readonly [string, readonly string[]])[] = [
  ["types", ["node_modules/typescript/bin/tsc", "--noEmit"]],
  [
    "form and lint (npm run fix mends most)",
    ["node_modules/@biomejs/biome/bin/biome", "check", "--error-on-warnings"],
  ],
  [
    "imports and files",
    ["node_modules/vitest/vitest.mjs", "run", "test/architecture.test.ts", "test/conventions.test.ts"],
  ],
  ["pages made from the code", ["dev/docs/main.ts", "--check"]],
  ["rules on every Kubernetes object", ["infra/programs/check.ts"]],
];

async function check(): Promise<number> {
  const signals = catchSignals();
  let isReaderGone = false;
  process.stdout.on("error", () => {
    isReaderGone = true;
    signals.hear("SIGTERM");
  });
  for (const [name, args] of STEPS) {
    process.stdout.write(`==> ${name}\n`);
    // through this process where nobody watches: a step must not write into the pipe of a reader that is gone
    const stdout = process.stdout.isTTY ? "inherit" : "pipe";
    const { code, stdout: said } = await runChild(process.execPath, args, {
      cwd: ROOT,
      stdio: ["ignore", stdout, "inherit"],
      signals,
    });
    process.stdout.write(said);
    if (signals.first !== undefined) return EXIT.terminated;
    if (isReaderGone) {
      process.stderr.write("nobody reads the output any more: the check ends before it is complete\n");
      return EXIT.failed;
    }
    if (code !== EXIT.done) return code;
  }
  process.stdout.write("ok\n");
  return EXIT.done;
}

const program = new Command("npm run check --")
  .description(`Checks, one after the other: ${STEPS.map(([name]) => name).join("; ")}.`)
  .action(() => {});
process.exitCode = (await parseCommandLine(program, process.argv.slice(2))) ?? (await check());
