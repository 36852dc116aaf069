import { setTimeout as sleep } from "node:timers/promises";
import { runTool } from "./run-tool.ts";

export type Condition = { readonly type: string; readonly status: string; readonly reason?: string };

/** What the checks read of any object. */
export type KubeObject = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly generation?: number;
    readonly creationTimestamp: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly { readonly kind: string; readonly name: string }[];
  };
  readonly [field: string]: unknown;
};

export type Container = { readonly name: string; readonly image: string; readonly [field: string]: unknown };
export type PodSpec = {
  readonly containers: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly volumes?: readonly { readonly name: string }[];
  readonly [field: string]: unknown;
};
export type JobSpec = {
  readonly template: { readonly metadata: object; readonly spec: PodSpec };
  readonly [field: string]: unknown;
};
export type CronJob = KubeObject & {
  readonly spec: {
    readonly schedule: string;
    readonly suspend: boolean;
    readonly jobTemplate: { readonly metadata: object; readonly spec: JobSpec };
  };
};
export type Job = KubeObject & {
  readonly spec: JobSpec;
  readonly status: { readonly failed?: number; readonly conditions?: readonly Condition[] };
};
type ContainerStatus = {
  readonly name: string;
  readonly state: {
    readonly running?: object;
    readonly waiting?: object;
    readonly terminated?: { readonly exitCode: number; readonly reason: string };
  };
};
export type Pod = KubeObject & {
  readonly spec: PodSpec;
  readonly status: {
    readonly phase: string;
    readonly initContainerStatuses?: readonly ContainerStatus[];
    readonly containerStatuses?: readonly ContainerStatus[];
  };
};

export const NAMESPACE = "r3a";

/** kubectl on the cluster that KUBECONFIG names, in the namespace of the suite unless the arguments say otherwise. */
export async function kubectl(args: readonly string[], input?: string): Promise<string> {
  return runTool("kubectl", ["-n", NAMESPACE, ...args], {
    ...(input === undefined ? {} : { input }),
    // pruning by set is how kubectl removes what is gone
    env: { KUBECTL_APPLYSET: "true" },
  });
}

export async function getObject<T extends KubeObject>(kind: string, name: string): Promise<T> {
  return JSON.parse(await kubectl(["get", kind, name, "-o", "json"])) as T;
}

export async function listObjects<T extends KubeObject>(
  kind: string,
  ...more: readonly string[]
): Promise<readonly T[]> {
  return (JSON.parse(await kubectl(["get", kind, "-o", "json", ...more])) as { items: readonly T[] }).items;
}

export async function createObject(object: object): Promise<void> {
  await kubectl(["create", "-f", "-"], JSON.stringify(object));
}

/** The condition that ended a Job; null while it runs. */
export function endOf({ status }: Job): Condition | null {
  return (
    status.conditions?.find(
      ({ type, status: state }) => ["Complete", "Failed"].includes(type) && state === "True",
    ) ?? null
  );
}

/** Asks until there is an answer other than null. */
export async function waitFor<T>(what: string, seconds: number, ask: () => Promise<T | null>): Promise<T> {
  for (const until = performance.now() + seconds * 1_000; ; await sleep(500)) {
    const answer = await ask();
    if (answer !== null) return answer;
    if (performance.now() > until) throw new Error(`${what}: not within ${seconds} s`);
  }
}

/** Waits until a Job has ended, however. */
export async function waitForEnd(name: string, seconds = 60): Promise<Job> {
  return waitFor(`the end of Job ${name}`, seconds, async () => {
    const job = await getObject<Job>("job", name);
    return endOf(job) === null ? null : job;
  });
}

/** Waits for a Job and demands that it completed. */
export async function waitForSuccess(name: string, seconds = 60): Promise<Job> {
  const job = await waitForEnd(name, seconds);
  if (endOf(job)?.type !== "Complete")
    throw new Error(`Job ${name} failed: ${endOf(job)?.reason}; ${await logsOf(name)}`);
  return job;
}

/** The last lines of a Job's pods. */
export async function logsOf(job: string): Promise<string> {
  return kubectl(["logs", `job/${job}`, "--all-containers", "--all-pods", "--tail=15"]).catch(String);
}

export function isControlledBy(object: KubeObject, kind: string, name: string): boolean {
  return (
    object.metadata.ownerReferences?.some((owner) => owner.kind === kind && owner.name === name) ?? false
  );
}

export async function listPodsOf(job: string): Promise<readonly Pod[]> {
  return listObjects<Pod>("pod", "-l", `batch.kubernetes.io/job-name=${job}`);
}

/** Exit codes of the container `runner` of a Job's pods, oldest first; null for one that has not ended. */
export async function exitCodesOf(job: string): Promise<readonly (number | null)[]> {
  const pods = [...(await listPodsOf(job))].sort((a, b) =>
    a.metadata.creationTimestamp < b.metadata.creationTimestamp ? -1 : 1,
  );
  return pods.map(
    ({ status }) =>
      status.containerStatuses?.find(({ name }) => name === "runner")?.state.terminated?.exitCode ?? null,
  );
}
