import { CRON_JOBS, PART_OF } from "../contract/names.ts";
import {
  type CronJob,
  isBatch,
  isByClock,
  type Job,
  type Metadata,
  msOf,
  type Owner,
  ownerOf,
  ownersOf,
  type Pod,
  type SeenObjects,
} from "./objects.ts";

/** Which object belongs to which, by uid: the name of a deleted object may have been given to a new one. */
export type Family = {
  jobOf(pod: Pod): Job | null;
  podsOf(job: Job): readonly Pod[];
  cronJobOf(job: Job): CronJob | null;
  /** An owner that is neither Job nor CronJob, of the object or of any owner above it; null where there is none. */
  foreignOwnerOf(object: Pod | Job): Owner | null;
  /** Whether the suite made the Job: by its own label, or by the label or the name of its CronJob. */
  isOurJob(job: Job): boolean;
  isOurPod(pod: Pod): boolean;
  /** Whether a newer Job of the schema is there, of this or of another release. */
  isOldSchemaJob(job: Job): boolean;
  isNewestSchemaJob(job: Job): boolean;
  /** The metadata of a pod and of all that it belongs to, nearest first. */
  levelsOfPod(pod: Pod): readonly Metadata[];
  /** The metadata of a Job, of all that it belongs to, and of the pods that would go with it. */
  levelsOfJob(job: Job): readonly Metadata[];
};

/** Relatives are found among these objects alone: an owner in another namespace is none. */
export function familyOf({ pods, jobs, cronJobs }: SeenObjects): Family {
  const byUid = <T extends { readonly metadata?: Metadata }>(objects: readonly T[]) =>
    new Map(objects.map((object) => [object.metadata?.uid ?? "", object]));
  const jobsByUid = byUid(jobs);
  const cronJobsByUid = byUid(cronJobs);
  const podsByJob = Map.groupBy(pods, (pod) => ownerOf(pod)?.uid ?? "");
  const schemaJobs = jobs.filter(isSchemaJob);
  const newestAt = Math.max(...schemaJobs.map(createdAt));

  const jobOf = (pod: Pod) => jobsByUid.get(ownerOf(pod)?.uid ?? "none") ?? null;
  const podsOf = (job: Job) => podsByJob.get(job.metadata?.uid ?? "none") ?? [];
  const cronJobOf = (job: Job) => cronJobsByUid.get(ownerOf(job)?.uid ?? "none") ?? null;
  const known = (levels: readonly (Metadata | undefined)[]) => levels.filter((level) => level !== undefined);
  const above = (job: Job | null) =>
    job === null ? [] : [job.metadata, job.spec?.template?.metadata, cronJobOf(job)?.metadata];

  function foreignOwnerOf(object: Pod | Job | CronJob, seen: readonly string[] = []): Owner | null {
    for (const owner of ownersOf(object)) {
      if (!isBatch(owner, "Job") && !isBatch(owner, "CronJob")) return owner;
      const parent = jobsByUid.get(owner.uid) ?? cronJobsByUid.get(owner.uid);
      // two owners that name each other would make an endless loop
      if (parent === undefined || seen.includes(owner.uid)) continue;
      const foreign = foreignOwnerOf(parent, [...seen, owner.uid]);
      if (foreign !== null) return foreign;
    }
    return null;
  }

  function isOurJob(job: Job): boolean {
    const makers = ownersOf(job).filter((owner) => isBatch(owner, "CronJob"));
    return (
      isOfSuite(job) ||
      makers.some(({ uid, name }) => isOfSuite(cronJobsByUid.get(uid) ?? {}) || isOurName(name)) ||
      // of a CronJob of the old charts, deleted with --cascade=orphan, the Job keeps only the name in its own name
      (makers.length === 0 && isByClock(job) && isOurName(job.metadata?.name?.replace(/-\d+$/, "") ?? ""))
    );
  }

  return {
    jobOf,
    podsOf,
    cronJobOf,
    foreignOwnerOf,
    isOurJob,
    isOurPod: (pod) => (ownerOf(pod) === null ? isOfSuite(pod) : isOurJob(jobOf(pod) ?? {})),
    isOldSchemaJob: (job) => isSchemaJob(job) && createdAt(job) < newestAt,
    isNewestSchemaJob: (job) => isSchemaJob(job) && createdAt(job) >= newestAt,
    levelsOfPod: (pod) => known([pod.metadata, ...above(jobOf(pod))]),
    levelsOfJob: (job) => known([...above(job), ...podsOf(job).map(({ metadata }) => metadata)]),
  };
}

function isOfSuite({ metadata }: { readonly metadata?: Metadata }): boolean {
  return metadata?.labels?.[PART_OF.label] === PART_OF.suite;
}

function isOurName(name: string): boolean {
  return CRON_JOBS.some((known) => known === name);
}

/** `r3a-migrate-<hash>`: each release has one, and nothing else takes the old ones away. */
function isSchemaJob(job: Job): boolean {
  return isOfSuite(job) && job.metadata?.labels?.["app.kubernetes.io/component"] === "migrate";
}

function createdAt({ metadata }: Job): number {
  return msOf(metadata?.creationTimestamp) ?? Number.POSITIVE_INFINITY;
}
