import { setTimeout as sleep } from "node:timers/promises";
import { MINUTE_MS } from "../../runner/src/time.ts";
import {
  type CronJob,
  createObject,
  getObject,
  kubectl,
  listPodsOf,
  NAMESPACE,
  type Pod,
  waitFor,
  waitForEnd,
} from "./kubectl.ts";
import { check, say } from "./report.ts";
import { runTool } from "./run-tool.ts";
import type { Servers } from "./servers.ts";

/** Next full minute, a start, a run: what "right again within the next run" means for a minute job. */
const NEXT_RUN_SECONDS = 150;
const OUTAGE_SECONDS = 120;

/** Of the symbols that are synced now: one that left the universe stays where it was. */
const NEWEST = `
  select min(extract(epoch from l.last_ts) * 1000)::float8 as newest
  from r3a_util.last_ts_by_coin_interval l join r3a.universe_member m on m.coin_id = l.coin_id
  join r3a.coin c on c.id = m.coin_id and c.status = 'TRADING' where l."interval" = '1m'`;

/** Seconds until every 1m series has the candle of a minute that closed after `from`. */
async function timeUntilCurrent(servers: Servers, from: number): Promise<string> {
  const startedAt = performance.now();
  await waitFor("a current candle in every 1m series", NEXT_RUN_SECONDS, async () => {
    const [row] = await servers.query<{ newest: number | null }>(NEWEST).catch(() => []);
    return row?.newest != null && row.newest + MINUTE_MS >= from ? row : null;
  });
  return `${((performance.now() - startedAt) / 1_000).toFixed(0)} s`;
}

/** A Job made by hand from a CronJob, changed as `change` says. */
async function startChanged(cronJob: string, name: string, change: (job: string) => string): Promise<void> {
  const { spec } = await getObject<CronJob>("cronjob", cronJob);
  const job = {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name, namespace: NAMESPACE },
    spec: spec.jobTemplate.spec,
  };
  await createObject(JSON.parse(change(JSON.stringify(job))) as object);
}

async function waitForRunningPod(job: string): Promise<Pod> {
  return waitFor(`a running pod of ${job}`, 60, async () => {
    const [pod] = await listPodsOf(job);
    return pod?.status.phase === "Running" ? pod : null;
  });
}

const reasonsOf = (pods: readonly Pod[]) =>
  pods.flatMap(
    ({ status }) => status.containerStatuses?.map(({ state }) => state.terminated?.reason ?? "") ?? [],
  );

/** Faults of a cluster's everyday life; after each, the next runs of the controller's clock make it right by themselves. */
export async function checkRecovery(servers: Servers, restartApi: string | undefined): Promise<void> {
  await check("a pod killed in the middle loses nothing", async () => {
    servers.exchange.set({ latencyMs: 2_000 });
    await startChanged("r3a-sync-1h", "killed", (job) => job);
    const pod = await waitForRunningPod("killed");
    await kubectl(["delete", "pod", pod.metadata.name, "--force", "--grace-period=0"]);
    servers.exchange.set({ latencyMs: 0 });
    await waitForEnd("killed", 120);
    return `killed ${pod.metadata.name}; current again after ${await timeUntilCurrent(servers, Date.now())}`;
  });

  await check("a pod killed for memory fails its Job and no other", async () => {
    await startChanged("r3a-sync-1m", "small", (job) =>
      job
        .replace(/("limits":\{[^}]*"memory":")[^"]+/, "$120Mi")
        .replace(/("requests":\{[^}]*"memory":")[^"]+/, "$120Mi"),
    );
    await waitForEnd("small", 90);
    const reasons = reasonsOf(await listPodsOf("small"));
    if (!reasons.includes("OOMKilled")) throw new Error(`the pod ended with ${reasons.join(", ")}`);
    return `OOMKilled; current again after ${await timeUntilCurrent(servers, Date.now())}`;
  });

  await check("a drained node is right again when it is back", async () => {
    const [node = ""] = (await kubectl(["get", "nodes", "-o", "name"])).trim().split("\n");
    const drained = [
      "drain",
      node.replace("node/", ""),
      "--ignore-daemonsets",
      "--delete-emptydir-data",
      "--force",
      "--timeout=60s",
    ];
    await kubectl(drained);
    await sleep(5_000);
    const from = Date.now();
    await kubectl(["uncordon", node.replace("node/", "")]);
    return `current again ${await timeUntilCurrent(servers, from)} after it came back`;
  });

  await check(
    `the database away for ${OUTAGE_SECONDS} s: runs end with 75 and the next ones make it right`,
    async () => {
      await servers.stopDatabase();
      await sleep(OUTAGE_SECONDS * 1_000);
      await servers.startDatabase();
      return `current again ${await timeUntilCurrent(servers, Date.now())} after it came back`;
    },
  );

  if (restartApi === undefined) return say("  not run: nothing here can restart this cluster's API server");
  await check("an API server that is started again", async () => {
    await runTool("sh", ["-c", restartApi]);
    return `current again after ${await timeUntilCurrent(servers, Date.now())}`;
  });
}
