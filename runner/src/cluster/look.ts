import type { Cluster } from "./cluster.ts";
import type { SeenObjects } from "./objects.ts";
import { ClusterRefusal } from "./transport.ts";

const PAGE = 500;
const GONE = 410;
const ATTEMPTS = 3;

/**
 * Lists all Jobs, then all CronJobs, then all pods of a namespace. With CronJobs before Jobs, the first Job of a new
 * CronJob would look like an orphan. With pods before Jobs, a pod that a Job gets between the two lists would be
 * missing, and the Job would look dead in exactly the version that its delete names. A pod whose Job is newer than the
 * list of Jobs is left alone.
 */
export async function lookAtNamespace({ core, batch }: Cluster, namespace: string): Promise<SeenObjects> {
  const jobs = await listAll((page) => batch.listNamespacedJob({ namespace, ...page }));
  const cronJobs = await listAll((page) => batch.listNamespacedCronJob({ namespace, ...page }));
  const pods = await listAll((page) => core.listNamespacedPod({ namespace, ...page }));
  return { pods, jobs, cronJobs };
}

type Page = { readonly limit: number; readonly _continue?: string };
type List<T> = { readonly items: readonly T[]; readonly metadata?: { readonly _continue?: string } };

/** Reads page by page, and starts again where the server no longer knows the place in the list (410). */
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
