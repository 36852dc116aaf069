import { EXIT } from "@r3a/runner/contract/exits";
import * as k8s from "cdk8s-plus-28/lib/imports/k8s.js";
import { Construct } from "constructs";
import { componentLabels } from "../model/labels.ts";
import type { ResolvedJob } from "../model/resolve-jobs.ts";
import { TIME_ZONE } from "../model/schedule.ts";
import type { Settings } from "../settings/schema.ts";
import { podTemplate } from "./pod-template.ts";

/** A pod that a drain or a preemption ends did not fail. */
export const IGNORE_DISRUPTION: k8s.PodFailurePolicyRule = {
  action: "Ignore",
  onPodConditions: [{ type: "DisruptionTarget", status: "True" }],
};

/**
 * What an exit code does to a Job. After a brake, wrong arguments or wrong settings a person must look. The janitor sets
 * the condition ConfigIssue on a pod that can never start.
 */
const FAILURE_POLICY: k8s.PodFailurePolicy = {
  rules: [
    {
      action: "FailJob",
      onExitCodes: {
        containerName: "runner",
        operator: "In",
        values: [EXIT.brake, EXIT.usage, EXIT.settings],
      },
      // required by the types of 1.28 alone
      onPodConditions: [],
    },
    { action: "FailJob", onPodConditions: [{ type: "ConfigIssue", status: "True" }] },
    IGNORE_DISRUPTION,
  ],
};

/** One job of one environment, for both kinds of object that can start it. */
export type JobProps = {
  /** What all pods of the environment share: namespace, account, names of secrets, priority. */
  readonly settings: Settings;
  /** The job with all its values; times in seconds. */
  readonly job: ResolvedJob;
};

/** A row of the table as a CronJob; an Indexed Job where its series are split over pods. */
export class BatchCronJob extends Construct {
  constructor(scope: Construct, id: string, { settings, job }: JobProps) {
    super(scope, id);
    const labels = componentLabels(job.name);
    new k8s.KubeCronJob(this, "cron-job", {
      metadata: {
        name: job.objectName,
        namespace: settings.namespace,
        labels,
        annotations: {
          "r3a.dev/why": job.why,
          ...(job.mayOverrun === undefined ? {} : { "r3a.dev/may-overrun": job.mayOverrun }),
          ...Object.fromEntries(
            Object.entries(job.waives ?? {}).map(([rule, reason]) => [`r3a.dev/waive-${rule}`, reason]),
          ),
          // when the CronJob is deleted or replaced, a Job that runs is left to end by itself
          "pulumi.com/deletionPropagationPolicy": "orphan",
        },
      },
      spec: {
        schedule: job.schedule,
        timeZone: TIME_ZONE,
        suspend: job.suspend,
        concurrencyPolicy: job.concurrencyPolicy,
        startingDeadlineSeconds: job.startingDeadlineSeconds,
        successfulJobsHistoryLimit: job.successfulJobsHistoryLimit,
        failedJobsHistoryLimit: job.failedJobsHistoryLimit,
        jobTemplate: {
          metadata: { labels },
          spec: {
            activeDeadlineSeconds: job.activeDeadlineSeconds,
            backoffLimit: job.backoffLimit,
            ...(job.ttlSecondsAfterFinished === 0
              ? {}
              : { ttlSecondsAfterFinished: job.ttlSecondsAfterFinished }),
            ...(job.shards === 1
              ? {}
              : { completionMode: "Indexed", completions: job.shards, parallelism: job.shards }),
            podFailurePolicy: FAILURE_POLICY,
            template: podTemplate(settings, {
              ...job,
              component: job.name,
              args: [...job.command, "--deadline", String(job.deadlineSeconds)],
              restartPolicy: "Never",
            }),
          },
        },
      },
    });
  }
}
