import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { STEPS } from "../test/cluster/pod-start.ts";
import { type Figure, median, round } from "./report.ts";

const E2E = fileURLToPath(new URL("../test/cluster/e2e.ts", import.meta.url));

/** On the real cluster (root, Go, Debian): what the image weighs, a pod's start costs, and the API server is asked at rest. */
export async function measureCluster(): Promise<readonly Figure[]> {
  const dir = await mkdtemp(join(tmpdir(), "r3a-cost-"));
  const file = join(dir, "figures.json");
  const child = spawn(process.execPath, [E2E, "--cost"], {
    env: { ...process.env, R3A_E2E_FIGURES: file },
    stdio: ["ignore", 2, 2],
  });
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0) throw new Error(`the cluster tests ended with ${code}: npm run test:e2e -- --cost`);
  const figures = new Map(Object.entries(JSON.parse(await readFile(file, "utf8")) as Record<string, number>));
  await rm(dir, { recursive: true });
  const valuesOf = (prefix: string) =>
    [...figures].flatMap(([name, value]) => (name.startsWith(prefix) ? [value] : []));
  const stepsOf = (label: string) =>
    STEPS.flatMap((step) => {
      const values = valuesOf(`${label}, ${step}, `);
      return values.length === 0 ? [] : [`${step} ${round(median(values))}`];
    }).join(", ");
  const [plain, withInit] = ["plain", "wait-db"].map((label) => median(valuesOf(`${label}, committed, `)));
  return [
    {
      claim: "image",
      value: figures.get("imageMb") ?? Number.NaN,
      unit: "MB",
      most: 130,
      detail: "all layers, uncompressed",
    },
    {
      claim: "Job created to last commit, with against without init container",
      value: (withInit ?? Number.NaN) / (plain ?? Number.NaN),
      unit: "x",
      most: 2.5,
      detail: `ms: ${stepsOf("plain")}; with wait-db ${stepsOf("wait-db")}`,
    },
    {
      claim: "requests to the API server at rest",
      value: figures.get("requests") ?? Number.NaN,
      unit: "a minute",
      most: 120,
      detail: "all CronJobs suspended; kubelet, controllers and scheduler of one node",
    },
  ];
}
