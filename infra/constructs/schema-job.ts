import { createHash } from "node:crypto";
import * as k8s from "cdk8s-plus-28/lib/imports/k8s.js";
import { Construct } from "constructs";
import { componentLabels } from "../labels.ts";
import { imageOf } from "../resolve-jobs.ts";
import type { Settings } from "../settings/schema.ts";
import { FAILURE_POLICY } from "./batch-cron-job.ts";
import { podTemplate } from "./pod-template.ts";

const GRACE_SECONDS = 30;

/**
 * Brings the database to the schema of the image: one Job per release, named by its content since a Job's template
 * cannot change. All other jobs wait until it is done. It has no TTL, so that a second apply finds it.
 */
export class SchemaJob extends Construct {
  constructor(scope: Construct, settings: Settings) {
    super(scope, "migrate");
    const template = podTemplate(settings, {
      component: "migrate",
      image: imageOf(settings),
      imagePullPolicy: settings.imagePullPolicy,
      args: ["migrate"],
      // wait-db waits for the schema too, and this is what makes it
      waitDb: false,
      terminationGracePeriodSeconds: GRACE_SECONDS,
      resources: settings,
      restartPolicy: "Never",
      readsConfig: false,
      shards: 1,
    });
    const rendered = JSON.stringify(k8s.toJson_PodTemplateSpec(template));
    const hash = createHash("sha256").update(rendered).digest("hex").slice(0, 10);
    new k8s.KubeJob(this, "job", {
      metadata: {
        name: `r3a-migrate-${hash}`,
        namespace: settings.namespace,
        labels: componentLabels("migrate"),
        // a failed Job is never tried again by `pulumi up` without it
        annotations: { "pulumi.com/replaceUnready": "true" },
      },
      spec: {
        activeDeadlineSeconds: 600,
        backoffLimit: 2,
        podFailurePolicy: FAILURE_POLICY,
        template,
      },
    });
  }
}
