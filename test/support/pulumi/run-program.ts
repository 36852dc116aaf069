import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { type RecordedLog, type RegisteredResource, startRecordingMonitor } from "./recording-monitor.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const PROGRAM = fileURLToPath(new URL("../../../infra/start.js", import.meta.url));
/** A run takes 2 to 4 s; this is for a machine that is busy with everything else. */
const LONGEST_RUN_MS = 60_000;

export type ProgramRun = {
  /** Without the `project:` of each key; objects as they stand in a stack file. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly stack: string;
  /** Which of the config's keys are encrypted in the stack file. */
  readonly secretKeys?: readonly string[];
  readonly program?: string;
  readonly nodeFlags?: readonly string[];
  readonly project?: string;
};

export type ProgramResult = {
  readonly registrations: readonly RegisteredResource[];
  /** Of the stack, as on the wire. */
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly logs: readonly RecordedLog[];
};

/** Runs a Pulumi program in a process of its own, started as the engine's language host starts it, and records it. */
export async function runProgram(run: ProgramRun): Promise<ProgramResult> {
  const { stack, config, secretKeys = [], program = PROGRAM, project = "r3a", nodeFlags = [] } = run;
  const monitor = await startRecordingMonitor(project, stack);
  const full = (key: string) => `${project}:${key}`;
  const values = Object.entries(config).map(([key, value]) => [
    full(key),
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  const start = createRequire(program).resolve("@pulumi/pulumi/cmd/run/index.js");
  try {
    const child = spawn(
      process.execPath,
      [
        ...nodeFlags,
        start,
        ...["--monitor", monitor.address, "--engine", monitor.address],
        ...["--project", project, "--stack", stack, "--parallel", "4"],
        ...["--root-directory", ROOT, "--pwd", dirname(program), program],
      ],
      {
        // nothing of the shell's: a kubeconfig in it would become an input of the provider
        env: {
          PATH: process.env.PATH,
          NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
          PULUMI_CONFIG: JSON.stringify(Object.fromEntries(values)),
          PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(secretKeys.map(full)),
          PULUMI_NODEJS_TYPESCRIPT: "false",
        },
        stdio: ["ignore", "pipe", "pipe"],
        timeout: LONGEST_RUN_MS,
      },
    );
    const [stdout, stderr] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      child.exitCode ?? once(child, "close"),
    ]);
    const root = monitor.registrations.find(({ type }) => type === "pulumi:pulumi:Stack");
    return {
      registrations: monitor.registrations,
      outputs: (root && monitor.outputs.get(root.urn)) ?? {},
      exitCode: child.exitCode,
      stdout,
      stderr,
      logs: monitor.logs,
    };
  } finally {
    monitor.stop();
  }
}
