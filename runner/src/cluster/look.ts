import type { Cluster } from "./cluster.ts";
import type { Sight } from "./objects.ts";
import { ClusterRefusal } from "./transport.ts";

const PAGE = 500;
const GONE = 410;
const ATTEMPTS = 3;

/**
 * All pods, Jobs and CronJobs of a namespace. CronJobs after Jobs: the other way round, the first Job of a new CronJob
 * would look like an orphan. Pods last: the other way round, a pod that a Job gets between the two lists would be missed,
 * and the Job look dead in just the version that its delete names. A pod whose Job is newer than the list of Jobs is left
 * alone.
 */
export async function lookAt({ core, batch }: Cluster, namespace: string): Promise<Sight> {
  const jobs = await listAll((page) => batch.listNamespacedJob({ namespace, ...page }));
  const cronJobs = await listAll((page) => batch.listNamespacedCronJob({ namespace, ...page }));
  const pods = await listAll((page) => core.listNamespacedPod({ namespace, ...page }));
  return { pods, jobs, cronJobs };
}

type Page = { readonly limit: number; readonly _continue?: string };
type List<T> = { readonly items: readonly T[]; readonly metadata?: { readonly _continue?: string } };

/** Page by page; from the start again where the server has forgotten where the list was (410). */
async function listAll<T>(ask: (page: Page) => Promise<List<T>>): Promise<readonly T[]> {
  for (let attempt = 1; ; attempt++) {
    try {
      const items: T[] = [];
      for (let next = ""; ; ) {
        const list = await ask({ limit: PAGE, ...(next === "" ? {} : { _continue: next }) });
        items.push(...list.items);
        next = list.metadata?._continue ?? "";
        if (next === "") return items;
      }
    } catch (error) {
      if (!(error instanceof ClusterRefusal) || error.status !== GONE || attempt === ATTEMPTS) throw error;
    }
  }
}
