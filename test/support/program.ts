import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

export type Ended = { readonly code: number | null; readonly stdout: string; readonly stderr: string };
export type Started = {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** What stdout has so far. */
  readonly printed: () => string;
};

/** Starts `./r3a`, or another program of the clone, in a process group of its own, with nothing of this process's settings. */
export function startProgram(
  words: readonly string[],
  env: Readonly<Record<string, string>>,
  file = join(ROOT, "r3a"),
): Started {
  const child = spawn(file, words, {
    cwd: ROOT,
    detached: true,
    env: { PATH: process.env.PATH ?? "", HOME: process.env.HOME ?? "/", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk) => {
    stdout += chunk;
  });
  child.stderr.on("data", (chunk) => {
    stderr += chunk;
  });
  const ended = once(child, "close").then(([code]) => ({ code: code as number | null, stdout, stderr }));
  // a test that fails leaves it: `r3a db` would keep its server for ever
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGINT");
    await ended;
  });
  return { child, ended, printed: () => stdout };
}

/** As a terminal sends Ctrl-C: to each process of the group. */
export function interrupt({ child }: Pick<Started, "child">): void {
  if (child.pid !== undefined) process.kill(-child.pid, "SIGINT");
}
