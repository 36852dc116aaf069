/** What the janitor reads of pods, Jobs and CronJobs: the client's objects fit, and so does the JSON of `kubectl get`. */

/** RFC 3339 text in JSON; the client makes it a Date. */
type Moment = Date | string;

export type Metadata = {
  readonly name?: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly creationTimestamp?: Moment;
  readonly deletionTimestamp?: Moment;
  readonly finalizers?: readonly string[];
  readonly ownerReferences?: readonly Owner[];
};

export type Owner = {
  /** The server always sends it, e.g. batch/v1. */
  readonly apiVersion?: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
};

type Condition = {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: Moment;
};

type ContainerState = {
  readonly waiting?: { readonly reason?: string; readonly message?: string };
  readonly running?: { readonly startedAt?: Moment };
  readonly terminated?: {
    readonly exitCode: number;
    readonly reason?: string;
    readonly message?: string;
    readonly startedAt?: Moment;
    readonly finishedAt?: Moment;
  };
};

export type ContainerStatus = {
  readonly name: string;
  readonly restartCount: number;
  readonly state?: ContainerState;
  readonly lastState?: ContainerState;
};

export type Pod = {
  readonly metadata?: Metadata;
  readonly spec?: {
    readonly restartPolicy?: string;
    readonly activeDeadlineSeconds?: number;
    /** An init container with `Always` is a sidecar. */
    readonly initContainers?: readonly { readonly name: string; readonly restartPolicy?: string }[];
  };
  readonly status?: {
    readonly phase?: string;
    readonly reason?: string;
    readonly message?: string;
    readonly startTime?: Moment;
    readonly conditions?: readonly Condition[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
    readonly containerStatuses?: readonly ContainerStatus[];
  };
};

export type Job = {
  readonly metadata?: Metadata;
  readonly spec?: {
    readonly suspend?: boolean;
    readonly managedBy?: string;
    readonly activeDeadlineSeconds?: number;
    readonly ttlSecondsAfterFinished?: number;
    readonly podFailurePolicy?: {
      readonly rules: readonly {
        readonly action: string;
        readonly onPodConditions?: readonly { readonly type: string; readonly status?: string }[];
      }[];
    };
    readonly template?: {
      readonly metadata?: Metadata;
      readonly spec?: { readonly terminationGracePeriodSeconds?: number };
    };
  };
  readonly status?: {
    readonly active?: number;
    readonly startTime?: Moment;
    readonly completionTime?: Moment;
    readonly conditions?: readonly Condition[];
  };
};

export type CronJob = { readonly metadata?: Metadata };

/** All that one look at a namespace saw. */
export type SeenObjects = {
  readonly pods: readonly Pod[];
  readonly jobs: readonly Job[];
  readonly cronJobs: readonly CronJob[];
};

/**
 * Epoch ms; null where there is no time. The API writes an unknown time as null or as the year 1, and the year 1 would
 * make the object older than any delay.
 */
export function msOf(moment: Moment | null | undefined): number | null {
  const ms = moment === undefined || moment === null ? Number.NaN : new Date(moment).getTime();
  return ms > 0 ? ms : null;
}

/** The latest of the known times; null where none is known. */
export function latestOf(moments: readonly (Moment | undefined)[]): number | null {
  return moments.map(msOf).reduce((last, ms) => (ms === null || (last ?? ms) > ms ? last : ms), null);
}

export function ownersOf({ metadata }: { readonly metadata?: Metadata }): readonly Owner[] {
  return metadata?.ownerReferences ?? [];
}

/**
 * The owner that looks after an object, else its first owner: a Job that a person made from a CronJob names the CronJob
 * without `controller`.
 */
export function ownerOf(object: { readonly metadata?: Metadata }): Owner | null {
  const owners = ownersOf(object);
  return owners.find(({ controller }) => controller === true) ?? owners[0] ?? null;
}

/**
 * Whether the owner is a Job or CronJob of Kubernetes itself: operators have kinds of the same names, e.g.
 * batch.volcano.sh.
 */
export function isBatch({ apiVersion = "batch/v1", kind }: Owner, wanted: "Job" | "CronJob"): boolean {
  return kind === wanted && apiVersion.startsWith("batch/");
}

const CLOCK_MARK = "batch.kubernetes.io/cronjob-scheduled-timestamp";
const HAND_MARK = "cronjob.kubernetes.io/instantiate";

/** Whether the schedule of a CronJob started the Job; the annotation stays when the owner reference is removed. */
export function isByClock({ metadata }: Job): boolean {
  return CLOCK_MARK in (metadata?.annotations ?? {});
}

/** Whether the Job was made from the template of a CronJob, by the schedule or by `kubectl create job --from`. */
export function isMadeByCronJob(job: Job): boolean {
  const isOwned = ownersOf(job).some((owner) => isBatch(owner, "CronJob"));
  return isOwned || isByClock(job) || HAND_MARK in (job.metadata?.annotations ?? {});
}

/** Whether a condition of this type is true. */
export function holds({ status }: Pod | Job, type: string): boolean {
  return status?.conditions?.some((each) => each.type === type && each.status === "True") ?? false;
}

export function isFinished(job: Job): boolean {
  return holds(job, "Complete") || holds(job, "Failed");
}

/** When a Job ended; null while it has not. */
export function finishedAt(job: Job): number | null {
  if (!isFinished(job)) return null;
  const ended = job.status?.conditions?.filter(({ type }) => type === "Complete" || type === "Failed") ?? [];
  return latestOf([job.status?.completionTime, ...ended.map((each) => each.lastTransitionTime)]);
}
