import { createHash } from "node:crypto";
import * as k8s from "cdk8s-plus-28/lib/imports/k8s.js";
import { Construct } from "constructs";
import { objectNameOf, SCHEMA_JOB } from "../model/jobs.ts";
import { componentLabels } from "../model/labels.ts";
import { imageOf } from "../model/resolve-jobs.ts";
import type { Settings } from "../settings/schema.ts";
import { IGNORE_DISRUPTION } from "./batch-cron-job.ts";
import { podTemplate } from "./pod-template.ts";

const GRACE_SECONDS = 30;
/** A failover takes less time; if the database is away for longer, a person must look. */
const DATABASE_WAIT_SECONDS = 120;

/**
 * The provider of Pulumi stops waiting for a Job at BackoffLimitExceeded and at DeadlineExceeded alone. Seen: after
 * exit code 78 a FailJob rule ended the Job with PodFailurePolicy, and `up` was still waiting 13 minutes later.
 */
const NO_FAIL_JOB =
  "`pulumi up` waits for this Job until BackoffLimitExceeded or DeadlineExceeded: after a FailJob rule it would wait for ever";

/** The environment whose database is brought to the schema of its image. */
export type SchemaJobProps = { readonly settings: Settings };

/**
 * Brings the database to the schema of the image: one Job for each release. A hash of the template stands in its name,
 * because the template of a Job cannot change. All other jobs wait until this Job is done. The Job has no TTL, so that
 * a second apply finds it.
 */
export class SchemaJob extends Construct {
  constructor(scope: Construct, id: string, { settings }: SchemaJobProps) {
    super(scope, id);
    const template = podTemplate(settings, {
      component: SCHEMA_JOB.name,
      image: imageOf(settings),
      imagePullPolicy: settings.imagePullPolicy,
      args: ["migrate", "--wait", String(DATABASE_WAIT_SECONDS)],
      // wait-db also waits for the schema, which this Job makes
      waitDb: false,
      terminationGracePeriodSeconds: GRACE_SECONDS,
      resources: settings,
      restartPolicy: "Never",
      needs: SCHEMA_JOB.needs,
      deadlineSeconds: 0,
      shards: 1,
    });
    const rendered = JSON.stringify(k8s.toJson_PodTemplateSpec(template));
    const hash = createHash("sha256").update(rendered).digest("hex").slice(0, 10);
    new k8s.KubeJob(this, "job", {
      metadata: {
        name: `${objectNameOf(SCHEMA_JOB.name)}-${hash}`,
        namespace: settings.namespace,
        labels: componentLabels(SCHEMA_JOB.name),
        annotations: {
          // a failed Job is never tried again by `pulumi up` without it
          "pulumi.com/replaceUnready": "true",
          "r3a.dev/waive-pod-failure-policy": NO_FAIL_JOB,
        },
      },
      spec: {
        // secrets that come late (the pod waits for them) and another migration's lock (5 min) fit into it
        activeDeadlineSeconds: 600,
        // the first exit code that is not 0 is the last: a second try waits for the lock for 5 min more
        backoffLimit: 0,
        podFailurePolicy: { rules: [IGNORE_DISRUPTION] },
        template,
      },
    });
  }
}
