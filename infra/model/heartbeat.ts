import { ALIVE, HEARTBEAT_FILE, HEARTBEAT_MAX_AGE } from "@r3a/runner/contract/heartbeat";
import type { MountedVolume, NeedyPod, Probes, Variable } from "./need.ts";

const FOLDER = "/run/r3a";
/** How long a cycle may work beyond its deadline: a hung connection has a grace of its own, and a busy node is slow. */
const SLACK_SECONDS = 60;

/**
 * The age of the file, in seconds, at which the process counts as hung. A cycle ends by its deadline, and the next
 * cycle starts when its period is full. The process writes the first heartbeat at its start; its first cycle, which
 * waits for the database and the schema, ends by its deadline too. The startup probe grants the same time once more.
 */
function maxAgeOf({ deadlineSeconds, repeatsEverySeconds = 0 }: NeedyPod): number {
  return deadlineSeconds + repeatsEverySeconds + SLACK_SECONDS;
}

export function heartbeatVariables(pod: NeedyPod): readonly Variable[] {
  return [
    { name: HEARTBEAT_FILE, value: `${FOLDER}/heartbeat` },
    { name: HEARTBEAT_MAX_AGE, value: String(maxAgeOf(pod)) },
  ];
}

/** A folder beside /tmp for the file, which has a few bytes. */
export const HEARTBEAT_VOLUME: MountedVolume = {
  name: "heartbeat",
  source: { emptySize: "1Mi" },
  mountPath: FOLDER,
  isInInit: false,
};

/** The probes by which the kubelet notices a hung process: a process that repeats its command never ends by itself. */
export function heartbeatProbes(pod: NeedyPod): Probes {
  // Node.js starts in a tenth of a second; on a node that is full the start takes longer
  const probe = { exec: { command: [...ALIVE] }, timeoutSeconds: 10 };
  return {
    startupProbe: { ...probe, periodSeconds: 10, failureThreshold: Math.ceil(maxAgeOf(pod) / 10) },
    // the probe must fail three times: when somebody sets the clock, the file is too old for at most one cycle
    livenessProbe: { ...probe, periodSeconds: 30, failureThreshold: 3 },
  };
}
