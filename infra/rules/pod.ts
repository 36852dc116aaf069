import type { Manifest } from "../manifest.ts";

type SecurityContext = {
  readonly runAsNonRoot?: boolean;
  readonly runAsUser?: number;
  readonly runAsGroup?: number;
  readonly seccompProfile?: { readonly type?: string };
};

type SecretRef = { readonly name?: string; readonly key?: string; readonly optional?: boolean };

export type Container = {
  readonly name?: string;
  readonly image?: string;
  readonly imagePullPolicy?: string;
  readonly env?: readonly {
    readonly name: string;
    readonly value?: string;
    readonly valueFrom?: { readonly secretKeyRef?: SecretRef; readonly configMapKeyRef?: SecretRef };
  }[];
  readonly envFrom?: readonly { readonly secretRef?: SecretRef; readonly configMapRef?: SecretRef }[];
  readonly livenessProbe?: unknown;
  readonly ports?: readonly { readonly hostPort?: number }[];
  readonly resources?: {
    readonly requests?: Readonly<Record<string, string | number>>;
    readonly limits?: Readonly<Record<string, string | number>>;
  };
  readonly securityContext?: SecurityContext & {
    readonly allowPrivilegeEscalation?: boolean;
    readonly privileged?: boolean;
    readonly readOnlyRootFilesystem?: boolean;
    readonly capabilities?: { readonly add?: readonly string[]; readonly drop?: readonly string[] };
  };
};

export type PodSpec = {
  readonly containers?: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly volumes?: readonly {
    readonly name?: string;
    readonly hostPath?: unknown;
    readonly emptyDir?: { readonly sizeLimit?: string };
    readonly secret?: { readonly secretName?: string; readonly optional?: boolean };
    readonly configMap?: SecretRef;
  }[];
  readonly securityContext?: SecurityContext;
  readonly restartPolicy?: string;
  readonly terminationGracePeriodSeconds?: number;
  readonly serviceAccountName?: string;
  readonly automountServiceAccountToken?: boolean;
  readonly imagePullSecrets?: readonly { readonly name?: string }[];
  readonly priorityClassName?: string;
  readonly hostNetwork?: boolean;
  readonly hostPID?: boolean;
  readonly hostIPC?: boolean;
};

/** A pod as its template makes it; templates inherit neither labels nor anything else from the object around them. */
export type Pod = {
  readonly spec: PodSpec;
  readonly labels: Readonly<Record<string, string>>;
};

type Template = {
  readonly metadata?: { readonly labels?: Readonly<Record<string, string>> };
  readonly spec?: PodSpec;
};

export type FailureRule = {
  readonly action?: string;
  readonly onExitCodes?: { readonly operator?: string; readonly values?: readonly number[] };
  readonly onPodConditions?: readonly { readonly type?: string; readonly status?: string }[];
};

export type JobSpec = {
  readonly activeDeadlineSeconds?: number;
  readonly backoffLimit?: number;
  readonly backoffLimitPerIndex?: number;
  readonly ttlSecondsAfterFinished?: number;
  readonly podFailurePolicy?: { readonly rules?: readonly FailureRule[] };
  readonly template?: Template;
};

/** The spec of a CronJob, with the metadata of the object. */
export type CronJob = {
  readonly metadata: Manifest["metadata"];
  readonly schedule?: string;
  readonly timeZone?: string;
  readonly concurrencyPolicy?: string;
  readonly startingDeadlineSeconds?: number;
  readonly successfulJobsHistoryLimit?: number;
  readonly failedJobsHistoryLimit?: number;
  readonly jobTemplate?: { readonly spec?: JobSpec };
};

/** The CronJob that an object is, null for other kinds. */
export function cronJobOf({ kind, metadata, spec }: Manifest): CronJob | null {
  return kind === "CronJob" ? { ...(spec as Omit<CronJob, "metadata"> | undefined), metadata } : null;
}

/** What a Job or a CronJob makes Jobs of, null for other kinds. */
export function jobOf(object: Manifest): JobSpec | null {
  if (object.kind === "Job") return (object.spec as JobSpec | undefined) ?? {};
  const cronJob = cronJobOf(object);
  return cronJob === null ? null : (cronJob.jobTemplate?.spec ?? {});
}

/** The pod that a Pod, Deployment, Job or CronJob starts, null for other kinds. */
export function podOf(object: Manifest): Pod | null {
  if (object.kind === "Pod") {
    return { spec: (object.spec as PodSpec | undefined) ?? {}, labels: object.metadata.labels ?? {} };
  }
  const parent =
    object.kind === "Deployment"
      ? (object.spec as { readonly template?: Template } | undefined)
      : jobOf(object);
  if (parent === null) return null;
  return { spec: parent?.template?.spec ?? {}, labels: parent?.template?.metadata?.labels ?? {} };
}

/** Init containers first: the rules hold for them too, each needs its own security context. */
export function containersOf(spec: PodSpec): readonly Container[] {
  return [...(spec.initContainers ?? []), ...(spec.containers ?? [])];
}

/** One text per container that `fault` finds wrong. */
export function perContainer(
  { spec }: Pod,
  fault: (container: Container) => string | false | null | undefined,
): readonly string[] {
  return containersOf(spec).flatMap((container) => {
    const text = fault(container);
    return text ? [`container ${container.name ?? "(no name)"}: ${text}`] : [];
  });
}
