import type { RequestContext, ResponseContext, V1CronJob } from "@kubernetes/client-node";
import type { Cluster } from "./cluster.ts";
import { msOf, type Pod } from "./objects.ts";
import { nullOn } from "./transport.ts";

/** A CronJob of the suite with what its pods need. Times in epoch ms, null where there is none yet. */
export type ScheduledJob = {
  readonly name: string;
  readonly schedule: string;
  readonly timeZone: string | null;
  readonly isSuspended: boolean;
  /** "Allow" where the object says nothing. */
  readonly concurrencyPolicy: string;
  readonly createdAt: number | null;
  readonly lastSchedule: number | null;
  readonly lastSuccess: number | null;
  /** "default" where the template names none. */
  readonly account: string;
  readonly pullSecrets: readonly string[];
  /** The images of all containers, init containers included. */
  readonly images: readonly string[];
  /** Secrets and ConfigMaps without which a pod cannot start. */
  readonly secrets: readonly string[];
  readonly configMaps: readonly string[];
};

const SELECTOR = "app.kubernetes.io/name=r3a";

/** The CronJobs of the suite, by their label, and those of the old charts, by their name. Sorted by name. */
export async function listScheduledJobs(
  { batch }: Cluster,
  namespace: string,
): Promise<readonly ScheduledJob[]> {
  const { items } = await batch.listNamespacedCronJob({ namespace });
  return items
    .filter(
      ({ metadata }) =>
        metadata?.labels?.["app.kubernetes.io/name"] === "r3a" || metadata?.name?.startsWith("r3a-"),
    )
    .map(scheduledJobOf)
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function scheduledJobOf({ metadata, spec, status }: V1CronJob): ScheduledJob {
  const pod = spec?.jobTemplate.spec?.template.spec;
  const containers = [...(pod?.initContainers ?? []), ...(pod?.containers ?? [])];
  const references = containers.flatMap(({ env = [], envFrom = [] }) => [
    ...env.map(({ valueFrom }) => ({
      secret: valueFrom?.secretKeyRef,
      configMap: valueFrom?.configMapKeyRef,
    })),
    ...envFrom.map(({ secretRef, configMapRef }) => ({ secret: secretRef, configMap: configMapRef })),
  ]);
  const mounted = (pod?.volumes ?? []).map(({ secret, configMap }) => ({
    secret: secret?.secretName === undefined ? undefined : { ...secret, name: secret.secretName },
    configMap,
  }));
  const needed = (names: readonly ({ name?: string; optional?: boolean } | undefined)[]) => [
    ...new Set(names.flatMap((each) => (each?.name && each.optional !== true ? [each.name] : []))),
  ];
  return {
    name: metadata?.name ?? "",
    schedule: spec?.schedule ?? "",
    timeZone: spec?.timeZone ?? null,
    isSuspended: spec?.suspend ?? false,
    concurrencyPolicy: spec?.concurrencyPolicy ?? "Allow",
    createdAt: msOf(metadata?.creationTimestamp),
    lastSchedule: msOf(status?.lastScheduleTime),
    lastSuccess: msOf(status?.lastSuccessfulTime),
    account: pod?.serviceAccountName || "default",
    pullSecrets: needed(pod?.imagePullSecrets ?? []),
    images: [...new Set(containers.flatMap(({ image }) => image ?? []))],
    secrets: needed([...references, ...mounted].map(({ secret }) => secret)),
    configMaps: needed([...references, ...mounted].map(({ configMap }) => configMap)),
  };
}

/** The pods of the suite, finished pods included. */
export async function listOwnPods({ core }: Cluster, namespace: string): Promise<readonly Pod[]> {
  return (await core.listNamespacedPod({ namespace, labelSelector: SELECTOR })).items;
}

/** The names of all objects of a kind; null where this account may not list them. */
export async function listNames(
  { core }: Cluster,
  namespace: string,
  kind: "ServiceAccount" | "Secret" | "ConfigMap",
): Promise<ReadonlySet<string> | null> {
  const options = await askForMetadata();
  const ask = {
    ServiceAccount: () => core.listNamespacedServiceAccount({ namespace }, options),
    Secret: () => core.listNamespacedSecret({ namespace }, options),
    ConfigMap: () => core.listNamespacedConfigMap({ namespace }, options),
  }[kind];
  const list = await nullOn(403, ask());
  return list && new Set(list.items.flatMap(({ metadata }) => metadata?.name ?? []));
}

/** Asks the server for metadata alone: the values of secrets must not even reach this process. */
async function askForMetadata() {
  const { Observable } = await import("./client.ts");
  const unchanged = <T>(value: T) => new Observable<T>(Promise.resolve(value));
  return {
    middlewareMergeStrategy: "append",
    middleware: [
      {
        pre: (request: RequestContext) => {
          request.setHeaderParam(
            "Accept",
            "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
          );
          return unchanged(request);
        },
        post: (response: ResponseContext) => unchanged(response),
      },
    ],
  } as const satisfies { middlewareMergeStrategy: "append"; middleware: unknown[] };
}
