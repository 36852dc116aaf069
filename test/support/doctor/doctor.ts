import { expect, vi } from "vitest";
import type { Result } from "../../../runner/src/doctor/check.ts";
import { diagnose } from "../../../runner/src/doctor/diagnose.ts";
import { runRunner } from "../runner.ts";

/** Runs `doctor --json`; the kubeconfig of the person who runs the tests must not count. */
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

/** The check `name` on the cluster of a kubeconfig, in this process; undefined where there is no such check. */
export async function diagnoseCluster(KUBECONFIG: string, name: string): Promise<Result | undefined> {
  vi.stubEnv("KUBECONFIG", KUBECONFIG); // the client reads the process itself
  try {
    const place = { env: { KUBECONFIG }, namespace: null, signal: new AbortController().signal };
    return (await diagnose(place, [name])).find((each) => each.name === name);
  } finally {
    vi.unstubAllEnvs();
  }
}
