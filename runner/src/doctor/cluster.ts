import type { Cluster } from "../cluster/cluster.ts";
import { openCluster } from "../cluster/connect.ts";
import { listNames, listOwnPods, listScheduledJobs, type ScheduledJob } from "../cluster/installation.ts";
import type { Pod } from "../cluster/objects.ts";
import { type StuckState, stuckStateOf } from "../cluster/stuck-pod.ts";
import { ClusterRefusal } from "../cluster/transport.ts";
import { commandLine } from "../program-name.ts";
import { type Environment, parseSettings } from "../settings/parse.ts";
import { MINUTE_MS, renderDuration, renderTime } from "../time.ts";
import { isJanitor, judgeAccounts, lookAtRights } from "./accounts.ts";
import { type Check, type Finding, fail, listSome, pass, skip, warn } from "./check.ts";
import { listLastStarts } from "./last-starts.ts";

/** The controller of Kubernetes starts jobs every ten seconds, and later if it is busy. */
const LATE_MS = 3 * MINUTE_MS;
/** The client of Kubernetes has 2 MB of code: it loads in half a second, and in many seconds on a busy machine. */
const LOADING_MS = 20_000;
/** Health reports failed runs. For these reasons the pod itself says more. */
const REPORTED = /Evicted|OOMKilled/;

/** The checks of the objects in the cluster. `namespace` null: that of the current context, or of this pod. */
export function clusterChecks(
  env: Environment,
  namespace: string | null,
  signal: AbortSignal,
): readonly Check[] {
  let seen: { cluster: Cluster; namespace: string; jobs: readonly ScheduledJob[] } | null = null;
  const onCluster = (
    name: string,
    look: (cluster: Cluster, namespace: string, jobs: readonly ScheduledJob[]) => Finding | Promise<Finding>,
  ): Check => ({
    name,
    needs: ["cluster"],
    look: async () => {
      if (seen === null) throw new Error("the cluster was not looked at");
      return look(seen.cluster, seen.namespace, seen.jobs);
    },
  });
  const onNames = (
    name: string,
    kind: "Secret" | "ConfigMap",
    of: (job: ScheduledJob) => readonly string[],
  ): Check =>
    onCluster(name, async (cluster, where, jobs) => {
      const wanted = namesOf(jobs, of);
      if (wanted.length > 0)
        return judgeNames(wanted, await listNames(cluster, where, kind), { kind, where });
      return pass(
        name === "pull-secrets"
          ? "no template names a pull secret: the image is public, or the nodes know it"
          : `no template needs a ${kind}`,
      );
    });
  return [
    {
      name: "cluster",
      needs: [],
      limitMs: LOADING_MS,
      look: async () => {
        const cluster = await openCluster({ env, signal });
        if (cluster === null) return skip("no cluster is configured: neither a pod's token nor a kubeconfig");
        const where = namespace ?? cluster.namespace;
        try {
          seen = { cluster, namespace: where, jobs: await listScheduledJobs(cluster, where) };
        } catch (error) {
          if (!(error instanceof ClusterRefusal) || error.status !== 403) throw error;
          return fail(
            `not allowed to look at CronJobs in namespace ${where}: ${error.message}`,
            `kubectl auth can-i list cronjobs -n ${where}; ask for the right, or use another context`,
          );
        }
        return judgeJobs(seen.jobs, `namespace ${where} at ${cluster.server}`, namespace !== null);
      },
    },
    onCluster("service-accounts", async (cluster, where, jobs) =>
      judgeAccounts(jobs, await listNames(cluster, where, "ServiceAccount"), where),
    ),
    onCluster("rights", (cluster, where, jobs) =>
      lookAtRights(cluster, jobs.find(isJanitor)?.account ?? null, where, readTarget(env) ?? where),
    ),
    onNames("pull-secrets", "Secret", ({ pullSecrets }) => pullSecrets),
    onNames("secrets", "Secret", ({ secrets }) => secrets),
    onNames("config-maps", "ConfigMap", ({ configMaps }) => configMaps),
    onCluster("suspended", (_cluster, where, jobs) => judgeSuspended(jobs, where)),
    onCluster("schedules", (_cluster, where, jobs) => judgeSchedules(jobs, Date.now(), where)),
    onCluster("images", (_cluster, _where, jobs) => judgeImages(jobs)),
    onCluster("pods", async (cluster, where) =>
      judgePods(await listOwnPods(cluster, where), Date.now(), where),
    ),
  ];
}

/** The namespace that the janitor cleans. Null: its own. Also null for a wrong setting, which the check `settings` reports. */
function readTarget(env: Environment): string | null {
  try {
    return parseSettings(env, ["janitorNamespace"]).janitorNamespace;
  } catch {
    return null;
  }
}

const namesOf = (jobs: readonly ScheduledJob[], of: (job: ScheduledJob) => readonly string[]) => [
  ...new Set(jobs.flatMap(of)),
];

function judgeJobs(jobs: readonly ScheduledJob[], where: string, isNamed: boolean): Finding {
  if (jobs.length > 0) return pass(`${jobs.length} CronJobs in ${where}`);
  // the kubeconfig of a person can lead to any cluster
  if (!isNamed) return skip(`${where} has no CronJob of r3a; --namespace NAME looks elsewhere`);
  return fail(`${where} has no CronJob of r3a`, "deploy it: docs/deploy.md, or correct --namespace");
}

function judgeNames(
  wanted: readonly string[],
  known: ReadonlySet<string> | null,
  { kind, where }: { readonly kind: string; readonly where: string },
): Finding {
  if (known === null)
    return skip(
      `not allowed to look at ${kind}s; the templates need ${wanted.join(", ")}: kubectl get ${kind.toLowerCase()} -n ${where}`,
    );
  const missing = wanted.filter((name) => !known.has(name));
  if (missing.length === 0) return pass(`${kind} ${wanted.join(", ")}: there`);
  return fail(
    `${kind} ${missing.join(", ")} is not there, so pods wait without end`,
    kind === "Secret"
      ? "make it: docs/deploy.md, part secrets"
      : "deploy again; it belongs to the objects of the chart",
  );
}

function judgeSuspended(jobs: readonly ScheduledJob[], where: string): Finding {
  const names = jobs.filter(({ isSuspended }) => isSuspended).map(({ name }) => name);
  if (names.length === 0) return pass("no job is suspended");
  return warn(
    `suspended: ${listSome(names, 12)}`,
    `if this is not intended: kubectl patch cronjob NAME -n ${where} -p '{"spec":{"suspend":false}}', and the setting suspendAll or jobs.NAME.suspend`,
  );
}

/** A job must have started when it was due. A job that was due twice since must have succeeded once. */
function judgeSchedules(jobs: readonly ScheduledJob[], now: number, where: string): Finding {
  const active = jobs.filter(({ isSuspended }) => !isSuspended);
  const late = active.flatMap((job) => {
    const fault = faultOfTimes(job, now);
    return fault === null ? [] : [`${job.name} (${job.schedule}) ${fault}`];
  });
  if (late.length === 0) return pass(`${active.length} jobs started and succeeded as their schedules say`);
  return fail(
    listSome(late),
    `kubectl get jobs,events -n ${where}; try one now: kubectl create job -n ${where} --from=cronjob/NAME NAME-now`,
  );
}

function faultOfTimes(
  { schedule, timeZone, concurrencyPolicy, createdAt, lastSchedule, lastSuccess }: ScheduledJob,
  now: number,
): string | null {
  if (timeZone !== null && !/^(Etc\/)?UTC$/.test(timeZone))
    return `is scheduled in zone ${timeZone} instead of Etc/UTC`;
  if (concurrencyPolicy !== "Forbid")
    return `has concurrencyPolicy ${concurrencyPolicy} instead of Forbid, so one run may meet or end another`;
  const [due, , before] = listLastStarts(schedule, now - LATE_MS, 3);
  if (due === undefined) return "has a schedule that cannot be read";
  const isOlder = (start: number | undefined) => start !== undefined && (createdAt ?? 0) < start;
  const tell = (at: number | null) => (at === null ? "never" : renderTime(at));
  if (isOlder(due) && (lastSchedule ?? 0) < due)
    return `was due at ${renderTime(due)}, last started ${tell(lastSchedule)}`;
  if (before !== undefined && isOlder(before) && (lastSuccess ?? 0) < before)
    return `last succeeded ${tell(lastSuccess)}, so more than one run in a row failed`;
  return null;
}

function judgeImages(jobs: readonly ScheduledJob[]): Finding {
  const images = namesOf(jobs, (job) => job.images);
  if (images.length > 1)
    return warn(
      `${images.length} images are in use: ${listSome(images)}`,
      "deploy once more, so that all jobs are of one release; an image of its own for one job is a setting (jobs.NAME.image)",
    );
  const [image = "none"] = images;
  if (image.includes("@sha256:")) return pass(`all jobs use ${image}`);
  if (/:[^/]+$/.test(image) && !image.endsWith(":latest"))
    return pass(`all jobs use ${image}: a tag, which can move`);
  return warn(
    `all jobs use ${image}, which is another image after each change of the tag`,
    "set imageDigest, or imageTag outside of production",
  );
}

function judgePods(pods: readonly Pod[], now: number, where: string): Finding {
  const stuck = pods.flatMap((pod) => {
    const state = stuckStateOf(pod, { withUnschedulable: true });
    const isReported = state !== null && (pod.status?.phase !== "Failed" || REPORTED.test(state.reason));
    return isReported ? [{ pod, state }] : [];
  });
  if (stuck.length === 0) return pass(`${pods.length} pods, none of them stuck`);
  const tell = ({ pod, state }: { pod: Pod; state: StuckState }) =>
    `${pod.metadata?.name} ${state.reason}${state.since === null ? "" : ` for ${renderDuration(now - state.since)}`}: ${state.evidence.slice(0, 120)}`;
  const remedy = `kubectl describe pod NAME -n ${where}; ${commandLine("janitor")} shows what it would delete`;
  const isOver = stuck.every(({ pod }) => pod.status?.phase === "Failed");
  return isOver ? warn(listSome(stuck.map(tell)), remedy) : fail(listSome(stuck.map(tell)), remedy);
}
