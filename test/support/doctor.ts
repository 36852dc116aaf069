import { expect } from "vitest";
import type { Result } from "../../runner/src/doctor/check.ts";
import { runRunner } from "./runner.ts";

/** Runs `doctor --json`; a kubeconfig of whoever runs the tests must not count. */
export async function runDoctor(
  env: Readonly<Record<string, string>>,
  only?: string,
): Promise<{ code: number | null; checks: readonly Result[]; of: (name: string) => Result | undefined }> {
  const args = ["doctor", "--json", ...(only === undefined ? [] : ["--only", only])];
  const { code, stdout, stderr } = await runRunner(args, { HOME: "/nowhere", ...env });
  expect([stderr, stdout === ""]).toEqual(["", false]);
  const { checks }: { checks: readonly Result[] } = JSON.parse(stdout);
  return { code, checks, of: (name) => checks.find((check) => check.name === name) };
}
