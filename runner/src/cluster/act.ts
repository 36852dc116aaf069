import type { Context } from "../context.ts";
import { JANITOR } from "../contract/names.ts";
import { messageOf } from "../errors.ts";
import type { Logger } from "../log.ts";
import { renderTime } from "../time.ts";
import type { Cluster } from "./cluster.ts";
import { type Decision, isAction, type Reference } from "./plan.ts";
import type { Plan } from "./plan-text.ts";
import { ClusterRefusal, refusalOf } from "./transport.ts";

/**
 * Carries a plan out, one decision after another; an abort stops it between two of them. Returns whether every decision
 * was carried out, by this run or before it by somebody else. A refusal of the server for one object, 5xx included, is
 * a failure of that object alone: the plan has the same order in each run, so a run that ended there would never reach
 * the objects behind it.
 */
export async function carryOutAll(
  cluster: Cluster,
  { namespace, decisions }: Plan,
  { log, signal }: Pick<Context, "log" | "signal">,
): Promise<boolean> {
  const scene = { cluster, namespace, log };
  const counts: Record<Result, number> = { done: 0, gone: 0, changed: 0, failed: 0 };
  try {
    for (const decision of decisions.filter(isAction)) {
      signal.throwIfAborted();
      const result = await carryOut(scene, decision);
      counts[result] += 1;
      const { action, kind, name, reason, evidence } = decision;
      log.info(
        { "event.name": "janitor_removed", action, kind, object: name, reason, evidence, result },
        `[JANITOR] ${action} ${kind} ${name}, ${reason}: ${result}`,
      );
    }
  } finally {
    log.info({ "event.name": "janitor_finished", ...counts }, `[JANITOR] ended: ${JSON.stringify(counts)}`);
  }
  return counts.failed === 0;
}

/**
 * Writes an Event at the janitor's CronJob, where a person sees it; without that CronJob at the first object that would
 * go.
 */
export async function tellBrake(cluster: Cluster, plan: Plan, log: Logger): Promise<void> {
  const { namespace, seen, decisions, brake } = plan;
  const janitor = seen.cronJobs.find(({ metadata }) => metadata?.name === JANITOR)?.metadata;
  const object =
    janitor?.uid === undefined
      ? decisions.find(isAction)
      : { kind: "CronJob", name: JANITOR, uid: janitor.uid };
  if (object === undefined) return;
  const event = { reason: "JanitorBrake", message: `nothing is removed: ${brake}` };
  await recordEvent({ cluster, namespace, log }, object, event);
}

/**
 * gone: the object was not there any more; changed: it is not the version that was looked at, so the next run looks
 * again.
 */
type Result = "done" | "gone" | "changed" | "failed";

type Scene = { readonly cluster: Cluster; readonly namespace: string; readonly log: Logger };

const COMPONENT = "r3a-janitor";
const LONGEST_MESSAGE = 1_000;

/**
 * Carries one decision out: writes the evidence as an Event on the object and its owners, then deletes exactly the
 * version that was looked at, with the grace time of its pods.
 */
async function carryOut(scene: Scene, decision: Decision): Promise<Result> {
  const message = messageOn(decision);
  for (const object of [decision, ...decision.owners])
    await recordEvent(scene, object, { reason: "JanitorDeletes", message });
  try {
    if (decision.action === "fail-job") await failJob(scene, decision, message);
    else if (decision.action === "delete-job") await deleteJob(scene, decision);
    else await deletePod(scene, decision);
    return "done";
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal === null) throw error;
    if (refusal.status === 404) return "gone";
    if (refusal.status === 409) return "changed";
    scene.log.error(
      { "event.name": "janitor_refused", object: decision.name },
      `[JANITOR] ${decision.kind} ${decision.name} was not deleted: ${messageOf(error)}`,
    );
    return "failed";
  }
}

/** Writes an Event about an object; an Event that cannot be written is logged and stops nothing. */
async function recordEvent(
  { cluster: { core, ownPod }, namespace, log }: Scene,
  { kind, name, uid }: Reference,
  { reason, message }: { readonly reason: string; readonly message: string },
): Promise<void> {
  const now = new Date();
  const apiVersion = kind === "Pod" ? "v1" : "batch/v1";
  try {
    await core.createNamespacedEvent({
      namespace,
      body: {
        metadata: { generateName: `${name.slice(0, 200)}.`, namespace },
        involvedObject: { apiVersion, kind, name, uid, namespace },
        type: "Warning",
        reason,
        message: message.slice(0, LONGEST_MESSAGE),
        source: { component: COMPONENT },
        reportingComponent: COMPONENT,
        reportingInstance: ownPod?.name ?? COMPONENT,
        action: "Delete",
        count: 1,
        firstTimestamp: now,
        lastTimestamp: now,
      },
    });
  } catch (error) {
    if (refusalOf(error) === null) throw error;
    log.warn(
      { "event.name": "janitor_no_event" },
      `[JANITOR] no Event on ${kind} ${name}: ${messageOf(error)}`,
    );
  }
}

/**
 * The Job's own policy ends the Job when a pod with ConfigIssue goes; where the server refuses the mark, the Job is
 * deleted.
 */
async function failJob(scene: Scene, decision: Decision, message: string): Promise<void> {
  const { name, uid, resourceVersion, reason } = decision;
  const condition = {
    type: "ConfigIssue",
    status: "True",
    reason,
    message,
    lastTransitionTime: new Date().toISOString(),
  };
  try {
    const marked = await scene.cluster.core.patchNamespacedPodStatus({
      namespace: scene.namespace,
      name,
      body: { metadata: { uid, resourceVersion }, status: { conditions: [condition] } },
    });
    const version = marked.metadata?.resourceVersion ?? null;
    await deletePod(scene, { ...decision, resourceVersion: version });
  } catch (error) {
    const [job] = decision.owners;
    const isRefused = error instanceof ClusterRefusal && [403, 422].includes(error.status);
    if (!isRefused || job === undefined) throw error;
    scene.log.warn(
      { "event.name": "janitor_not_marked" },
      `[JANITOR] pod ${name} cannot be marked, so Job ${job.name} goes: ${error.message}`,
    );
    await deleteJob(scene, { ...job, resourceVersion: null });
  }
}

type Seen = Pick<Decision, "name" | "uid" | "resourceVersion">;

async function deletePod({ cluster, namespace }: Scene, pod: Seen): Promise<void> {
  const body = { preconditions: preconditionsOf(pod) };
  await cluster.core.deleteNamespacedPod({ namespace, name: pod.name, body });
}

async function deleteJob({ cluster, namespace }: Scene, job: Seen): Promise<void> {
  const body = { preconditions: preconditionsOf(job), propagationPolicy: "Background" };
  await cluster.batch.deleteNamespacedJob({ namespace, name: job.name, body });
}

function preconditionsOf({ uid, resourceVersion }: Seen) {
  return { uid, ...(resourceVersion === null ? {} : { resourceVersion }) };
}

function messageOn({ reason, container, since, evidence }: Decision): string {
  const where = container === null ? "" : ` in container ${container}`;
  const when = since === null ? "" : ` since ${renderTime(since)}`;
  return `${reason}${where}${when}: ${evidence}`;
}
