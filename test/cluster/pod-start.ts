import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { type CronJob, createObject, getObject, kubectl, NAMESPACE, waitForSuccess } from "./kubectl.ts";
import { record, say } from "./report.ts";
import type { Servers } from "./servers.ts";

/** From the creation of a Job, in their order. "image": the kubelet has it, pulled or already there; "run opened": Node runs and is logged in. */
export const STEPS = [
  "scheduled",
  "image",
  "init started",
  "runner started",
  "run opened",
  "first request",
  "committed",
] as const;
type Step = (typeof STEPS)[number];

/** What kubectl prints at each change of the pod: scheduled, then the states of init container and runner. */
const PROGRESS =
  '{.status.conditions[?(@.type=="PodScheduled")].status}|{.status.initContainerStatuses[0].state}|{.status.containerStatuses[0].state}{"\\n"}';

const EVENTS = '{.involvedObject.name}|{.reason}{"\\n"}';

/** Runs kubectl with `--watch` until it is told to stop. */
function watch(args: readonly string[], onLine: (line: string) => void): () => void {
  const child = spawn("kubectl", ["-n", NAMESPACE, "get", ...args], { stdio: ["ignore", "pipe", "ignore"] });
  createInterface({ input: child.stdout }).on("line", onLine);
  return () => child.kill();
}

/** Listens to a Job's pod and notes when each step was seen, in ms of this machine's clock. */
function watchPod(job: string, seen: Map<Step, number>): () => void {
  const note = (step: Step, happened: boolean) => {
    if (happened && !seen.has(step)) seen.set(step, Date.now());
  };
  const selector = `batch.kubernetes.io/job-name=${job}`;
  const stops = [
    watch(["pod", "-l", selector, "--watch", "-o", `jsonpath=${PROGRESS}`], (line) => {
      const [scheduled, init = "", runner = ""] = line.split("|");
      note("scheduled", scheduled === "True");
      note("init started", /running|terminated/.test(init));
      note("runner started", /running|terminated/.test(runner));
    }),
    watch(["events", "--watch-only", "-o", `jsonpath=${EVENTS}`], (line) => {
      const [name = "", reason] = line.split("|");
      note("image", name.startsWith(`${job}-`) && reason === "Pulled");
    }),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}

const RUN = `
  select extract(epoch from started_at) * 1000 as opened, extract(epoch from finished_at) * 1000 as closed
  from r3a.run where host = $1`;

/** One Job of the minute sync, from its creation to its last commit, in ms. */
async function timeJob(servers: Servers, name: string, waitDb: boolean): Promise<ReadonlyMap<Step, number>> {
  const source = waitDb ? "r3a-sync-15m" : "r3a-sync-1m";
  const { spec } = await getObject<CronJob>("cronjob", source);
  const seen = new Map<Step, number>();
  const stop = watchPod(name, seen);
  await sleep(1_000); // the watch is on before there is something to see
  const requestsBefore = servers.exchange.requests.length;
  const createdAt = Date.now();
  await createObject({
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name, namespace: NAMESPACE },
    spec: spec.jobTemplate.spec,
  });
  await waitForSuccess(name, 90);
  stop();
  const host = (
    await kubectl([
      "get",
      "pod",
      "-l",
      `batch.kubernetes.io/job-name=${name}`,
      "-o",
      "jsonpath={.items[0].metadata.name}",
    ])
  ).trim();
  const [run] = await servers.query<{ opened: string; closed: string }>(RUN, [host]);
  const request = servers.exchange.requests.slice(requestsBefore).find(({ path }) => path.endsWith("/time"));
  if (run !== undefined) {
    seen.set("run opened", Number(run.opened));
    seen.set("committed", Number(run.closed));
  }
  if (request !== undefined) seen.set("first request", request.at);
  return new Map([...seen].map(([step, at]) => [step, at - createdAt]));
}

/** Requests a minute that the API server gets while the suite is suspended and nobody asks. */
async function countRequests(): Promise<number> {
  const total = async () => {
    const metrics = await kubectl(["get", "--raw", "/metrics"]);
    return [...metrics.matchAll(/^apiserver_request_total\{[^}]*\} (\S+)$/gm)].reduce(
      (sum, [, n]) => sum + Number(n),
      0,
    );
  };
  const before = await total();
  await sleep(30_000);
  return ((await total()) - before) * 2;
}

/** For a median: single starts differ by a half. */
const ROUNDS = 5;

/** Prints what a pod costs, without and with the init container, and how busy the API server is at rest. */
export async function printPodStart(servers: Servers): Promise<void> {
  for (let round = 1; round <= ROUNDS; round += 1)
    for (const [label, waitDb] of [
      ["plain", false],
      ["wait-db", true],
    ] as const) {
      const times = await timeJob(servers, `start-${label}-${round}`, waitDb);
      for (const [step, ms] of times) record(`${label}, ${step}, ${round}`, ms);
      const steps = STEPS.flatMap((step) =>
        times.has(step) ? [`${step} ${Math.round(times.get(step) ?? 0)}`] : [],
      );
      say(
        `  ${waitDb ? "sync 15m, with wait-db" : "sync 1m, without init container"}: ${steps.join(", ")} ms`,
      );
    }
  const requests = await countRequests();
  say(`  API server: ${Math.round(requests)} requests a minute`);
  record("requests", requests);
}
