import { execFile } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { temporaryFolder } from "../folder.ts";

export const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

/** A folder of its own with all that infra needs, its own code included; removed after the test file. */
export function copyProject(): string {
  const dir = temporaryFolder();
  const stacks = readdirSync(ROOT).filter((name) => /^Pulumi.*\.yaml$/.test(name));
  for (const name of [
    "infra",
    "runner",
    "dev/ensure-installed.js",
    "dev/install",
    "package.json",
    "cdk8s.yaml",
    ...stacks,
  ])
    cpSync(join(ROOT, name), join(dir, name), {
      recursive: true,
      filter: (path) => !path.slice(ROOT.length).includes("node_modules"),
    });
  linkPackages(dir);
  return dir;
}

/** Links each package by itself: our own must be the copy's. */
function linkPackages(dir: string): void {
  mkdirSync(join(dir, "node_modules/@r3a"), { recursive: true });
  for (const name of readdirSync(join(ROOT, "node_modules")))
    if (name !== "@r3a") symlinkSync(join(ROOT, "node_modules", name), join(dir, "node_modules", name));
  for (const name of ["infra", "runner"]) symlinkSync(join(dir, name), join(dir, "node_modules/@r3a", name));
}

export type Ended = { readonly code: number; readonly stdout: string; readonly stderr: string };

/** Runs a program in a folder, without what the environment says of output folders. */
export function runIn(
  cwd: string,
  [program, ...args]: readonly [string, ...string[]],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  return new Promise((resolve) => {
    const { CDK8S_OUTDIR: _, ...inherited } = process.env;
    const child = execFile(program, args, { cwd, env: { ...inherited, ...env } }, (_error, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}
