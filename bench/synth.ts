import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { loadStack } from "../infra/model/load.ts";
import { renderObjects } from "../infra/render.ts";
import { listStacks } from "../infra/settings/stack-files.ts";
import { type Figure, median, round } from "./report.ts";

const ROUNDS = 7;
const TIMES = 10;
const run = promisify(execFile);
const root = fileURLToPath(new URL("..", import.meta.url));

/** All environments, from the start of the process to the files, against a bare cdk8s program with the same objects. */
export async function measureSynth(): Promise<readonly Figure[]> {
  const dir = await mkdtemp(join(tmpdir(), "r3a-synth-"));
  const objects = Object.fromEntries(
    listStacks(root).map((stack) => [stack, renderObjects(loadStack(root, stack))]),
  );
  await writeFile(join(dir, "objects.json"), JSON.stringify(objects));
  const time = async (args: readonly string[]) => {
    const startedAt = performance.now();
    const { stdout } = await run(process.execPath, args, {
      cwd: root,
      env: { ...process.env, CDK8S_OUTDIR: join(dir, "ours") },
    });
    return { ms: performance.now() - startedAt, stdout };
  };
  const [ours, bare, one, many]: [number[], number[], number[], number[]] = [[], [], [], []];
  for (let turn = 0; turn < ROUNDS; turn += 1) {
    ours.push((await time(["infra/programs/synth.js"])).ms);
    bare.push((await time(["bench/bare-synth.ts", join(dir, "objects.json"), join(dir, "bare")])).ms);
    one.push(Number((await time(["bench/many-jobs.ts", "1"])).stdout));
    many.push(Number((await time(["bench/many-jobs.ts", String(TIMES)])).stdout));
  }
  await rm(dir, { recursive: true });
  return [
    {
      claim: "synth of all environments against bare cdk8s",
      value: median(ours) / median(bare),
      unit: "x",
      most: 1.3,
      detail: `${round(median(ours))} against ${round(median(bare))} ms, process start included, median of ${ROUNDS}`,
    },
    {
      claim: `cost of a job at ${TIMES} times the jobs`,
      value: median(many) / TIMES / median(one),
      unit: "x",
      most: 1.2,
      detail: `${round(median(many))} against ${round(median(one))} ms, constructs alone`,
    },
  ];
}
