import { type CronJob, type Job, type Metadata, msOf, ownerOf, type Pod, type Sight } from "./objects.ts";

/** Who belongs to whom, by uid: a name may have been given again. */
export type Family = {
  jobOf(pod: Pod): Job | null;
  podsOf(job: Job): readonly Pod[];
  cronJobOf(job: Job): CronJob | null;
  /** A newer Job of the schema is there, of this or of another release. */
  isOldSchemaJob(job: Job): boolean;
  isNewestSchemaJob(job: Job): boolean;
  /** The metadata of a pod or Job and of all that it belongs to, nearest first. */
  levelsOfPod(pod: Pod): readonly Metadata[];
  /** The same of a Job, and of the pods that would go with it. */
  levelsOfJob(job: Job): readonly Metadata[];
};

/** Only what lies in `namespace` has relatives there: an owner elsewhere is none. */
export function familyOf({ pods, jobs, cronJobs }: Sight): Family {
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
  return {
    jobOf,
    podsOf,
    cronJobOf,
    isOldSchemaJob: (job) => isSchemaJob(job) && createdAt(job) < newestAt,
    isNewestSchemaJob: (job) => isSchemaJob(job) && createdAt(job) >= newestAt,
    levelsOfPod: (pod) => known([pod.metadata, ...above(jobOf(pod))]),
    levelsOfJob: (job) => known([...above(job), ...podsOf(job).map(({ metadata }) => metadata)]),
  };
}

/** `r3a-migrate-<hash>`: one for each release, and nobody else takes the old ones away. */
function isSchemaJob({ metadata }: Job): boolean {
  return (
    metadata?.labels?.["app.kubernetes.io/component"] === "migrate" &&
    metadata.labels["app.kubernetes.io/part-of"] === "r3a"
  );
}

function createdAt({ metadata }: Job): number {
  return msOf(metadata?.creationTimestamp) ?? Number.POSITIVE_INFINITY;
}
