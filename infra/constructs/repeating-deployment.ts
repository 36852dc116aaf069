import { HEARTBEAT_FILE, HEARTBEAT_MAX_AGE, RUN_ORIGIN } from "@r3a/runner/contract/environment";
import { ALIVE } from "@r3a/runner/contract/names";
import * as k8s from "cdk8s-plus-28/lib/imports/k8s.js";
import { Construct } from "constructs";
import { componentLabels } from "../model/labels.ts";
import type { ResolvedJob } from "../model/resolve-jobs.ts";
import type { Settings } from "../settings/schema.ts";
import { podTemplate } from "./pod-template.ts";

const HEARTBEAT = { name: "heartbeat", folder: "/run/r3a", file: "/run/r3a/heartbeat" };
/** What a cycle may take beyond its deadline until the file is touched: the grace of a hung connection, a busy node. */
const SLACK_SECONDS = 60;

/**
 * The age at which a process is taken for hung: a cycle ends by its deadline, and the next one starts at its full period.
 * The first heartbeat is that of the start; the first cycle, which waits for the database and its schema, ends by its
 * deadline too. At its start a process has as long again.
 */
function probesOf({ deadlineSeconds, repeatsEverySeconds = 0 }: ResolvedJob) {
  const maxAge = deadlineSeconds + repeatsEverySeconds + SLACK_SECONDS;
  // a Node needs a tenth of a second, on a node that is full some more
  const probe = { exec: { command: [...ALIVE] }, timeoutSeconds: 10 };
  return {
    env: { [HEARTBEAT_FILE]: HEARTBEAT.file, [HEARTBEAT_MAX_AGE]: String(maxAge) },
    startupProbe: { ...probe, periodSeconds: 10, failureThreshold: Math.ceil(maxAge / 10) },
    // three looks: a clock that is set makes the file too old for at most one cycle
    livenessProbe: { ...probe, periodSeconds: 30, failureThreshold: 3 },
  };
}

/** A minute sync as one long-running pod instead of 1,440 pods a day; it starts at each full period by itself. */
export class RepeatingDeployment extends Construct {
  constructor(scope: Construct, settings: Settings, job: ResolvedJob) {
    super(scope, job.name);
    const labels = componentLabels(job.name);
    const { env, startupProbe, livenessProbe } = probesOf(job);
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
        // two at once would only exclude each other by their locks
        strategy: { type: "Recreate" },
        selector: { matchLabels: labels },
        template: podTemplate(settings, {
          ...job,
          component: job.name,
          // beside --every the deadline is that of each cycle
          args: [
            ...job.command,
            ...["--every", String(job.repeatsEverySeconds)],
            ...["--deadline", String(job.deadlineSeconds)],
          ],
          readsConfig: true,
          restartPolicy: "Always",
          env: { [RUN_ORIGIN]: job.name, ...env },
          probes: { startupProbe, livenessProbe },
          writableFolder: { name: HEARTBEAT.name, mountPath: HEARTBEAT.folder },
        }),
      },
    });
  }
}
