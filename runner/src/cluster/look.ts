import type { Cluster } from "./connect.ts";
import type { Sight } from "./objects.ts";
import { ClusterRefusal } from "./transport.ts";

const PAGE = 500;
const GONE = 410;
const ATTEMPTS = 3;

/**
 * All pods, Jobs and CronJobs of a namespace. In this order an owner is never older than what it owns: the other way
 * round, the first Job of a new CronJob would look like an orphan.
 */
export async function lookAt({ core, batch }: Cluster, namespace: string): Promise<Sight> {
  return {
    pods: await listAll((page) => core.listNamespacedPod({ namespace, ...page })),
    jobs: await listAll((page) => batch.listNamespacedJob({ namespace, ...page })),
    cronJobs: await listAll((page) => batch.listNamespacedCronJob({ namespace, ...page })),
  };
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
