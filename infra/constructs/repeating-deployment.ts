import * as k8s from "cdk8s-plus-28/lib/imports/k8s.js";
import { Construct } from "constructs";
import { componentLabels } from "../model/labels.ts";
import type { JobProps } from "./batch-cron-job.ts";
import { podTemplate } from "./pod-template.ts";

/** A minute sync as one long-running pod instead of 1,440 pods a day; it starts at each full period (`repeatsEverySeconds`) by itself. */
export class RepeatingDeployment extends Construct {
  constructor(scope: Construct, id: string, { settings, job }: JobProps) {
    super(scope, id);
    const labels = componentLabels(job.name);
    new k8s.KubeDeployment(this, "deployment", {
      metadata: {
        name: job.objectName,
        namespace: settings.namespace,
        labels,
        annotations: { "r3a.dev/why": job.why },
      },
      spec: {
        replicas: job.suspend ? 0 : 1,
        revisionHistoryLimit: 3,
        // two pods at once would only wait for the locks of each other
        strategy: { type: "Recreate" },
        selector: { matchLabels: labels },
        template: podTemplate(settings, {
          ...job,
          component: job.name,
          // with --every the deadline holds for each cycle
          args: [
            ...job.command,
            ...["--every", String(job.repeatsEverySeconds)],
            ...["--deadline", String(job.deadlineSeconds)],
          ],
          needs: [...job.needs, "heartbeat"],
          restartPolicy: "Always",
        }),
      },
    });
  }
}
