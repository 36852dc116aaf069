import { ALIVE, HEARTBEAT_FILE, HEARTBEAT_MAX_AGE } from "@r3a/runner/contract/names";
import type { MountedVolume, NeedyPod, Probes, Variable } from "./need.ts";

const FOLDER = "/run/r3a";
/** What a cycle may take beyond its deadline until the file is touched: the grace of a hung connection, a busy node. */
const SLACK_SECONDS = 60;

/**
 * The age at which a process is taken for hung: a cycle ends by its deadline, and the next one starts at its full period.
 * The first heartbeat is that of the start; the first cycle, which waits for the database and its schema, ends by its
 * deadline too. At its start a process has as long again.
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

/** A folder of its own beside /tmp, for a file of a few bytes. */
export const HEARTBEAT_VOLUME: MountedVolume = {
  name: "heartbeat",
  source: { emptySize: "1Mi" },
  mountPath: FOLDER,
  isInInit: false,
};

/** How the kubelet finds out that a process hangs which never ends by itself. */
export function heartbeatProbes(pod: NeedyPod): Probes {
  // a Node needs a tenth of a second, on a node that is full some more
  const probe = { exec: { command: [...ALIVE] }, timeoutSeconds: 10 };
  return {
    startupProbe: { ...probe, periodSeconds: 10, failureThreshold: Math.ceil(maxAgeOf(pod) / 10) },
    // three looks: a clock that is set makes the file too old for at most one cycle
    livenessProbe: { ...probe, periodSeconds: 30, failureThreshold: 3 },
  };
}
