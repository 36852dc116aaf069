import { expect, test } from "vitest";
import { DAY_MS, HOUR_MS } from "../../runner/src/time.ts";
import { diagnoseCluster } from "../support/doctor/doctor.ts";
import { ownPod, useInstallation } from "../support/kubernetes/installation.ts";

const installation = useInstallation();
const { answers } = installation;
const agoText = (ms: number) => new Date(Date.now() - ms).toISOString();

function everyContainer(name: string): { image: string }[] {
  const spec = installation.podSpec(name) as { initContainers?: { image: string }[] };
  return [...(spec.initContainers ?? []), ...installation.podSpec(name).containers];
}

test.each<[string, string, () => void, "warn" | "fail" | "skip", RegExp, RegExp]>([
  [
    "a suspended job",
    "suspended",
    () => {
      installation.cronJob("r3a-gaps").spec.suspend = true;
    },
    "warn",
    /suspended: r3a-gaps/,
    /kubectl patch cronjob/,
  ],
  [
    "a job that has not started for an hour",
    "schedules",
    () => {
      installation.cronJob("r3a-sync-1m").status.lastScheduleTime = agoText(HOUR_MS);
    },
    "fail",
    /r3a-sync-1m \(\* \* \* \* \*\) was due at .*, last started 20/,
    /kubectl create job/,
  ],
  [
    "a job that starts and fails for three days",
    "schedules",
    () => {
      installation.cronJob("r3a-verify").status.lastSuccessfulTime = agoText(3.5 * DAY_MS);
    },
    "fail",
    /r3a-verify .* last succeeded 20.*more than one run in a row failed/,
    /kubectl get jobs/,
  ],
  [
    "a job that never succeeded",
    "schedules",
    () => {
      delete installation.cronJob("r3a-sync-1h").status.lastSuccessfulTime;
    },
    "fail",
    /r3a-sync-1h .* last succeeded never/,
    /kubectl/,
  ],
  [
    "a job in another time zone",
    "schedules",
    () => {
      installation.cronJob("r3a-sync-1d").spec.timeZone = "Europe/Berlin";
    },
    "fail",
    /r3a-sync-1d .* is scheduled in zone Europe\/Berlin/,
    /kubectl/,
  ],
  [
    "a schedule that cannot be read",
    "schedules",
    () => {
      installation.cronJob("r3a-sync-1d").spec.schedule = "61 2 * * *";
    },
    "fail",
    /r3a-sync-1d \(61 2 \* \* \*\) has a schedule that cannot be read/,
    /kubectl/,
  ],
  [
    "a job whose runs may meet",
    "schedules",
    () => {
      installation.cronJob("r3a-sync-1d").spec.concurrencyPolicy = "Allow";
    },
    "fail",
    /r3a-sync-1d .* has concurrencyPolicy Allow instead of Forbid/,
    /kubectl/,
  ],
  [
    "an image that is whatever was pushed last",
    "images",
    () => {
      for (const { metadata } of answers.lists.cronjobs as { metadata: { name: string } }[])
        for (const each of everyContainer(metadata.name)) each.image = "ghcr.io/triplora/r3a-runner:latest";
    },
    "warn",
    /:latest, which is another image after each change of the tag/,
    /imageDigest/,
  ],
  [
    "a pod that its node has thrown out",
    "pods",
    () => Object.assign(answers.lists, { pods: [ownPod("Failed", { reason: "Evicted" })] }),
    "warn",
    /r3a-sync-1m-29 Evicted/,
    /kubectl describe pod/,
  ],
  [
    "jobs of two releases",
    "images",
    () => {
      for (const each of installation.podSpec("r3a-sync-1m").containers)
        each.image = "ghcr.io/triplora/r3a-runner:0.9";
    },
    "warn",
    /2 images are in use/,
    /deploy once more/,
  ],
  [
    "a pod without its image",
    "pods",
    () =>
      Object.assign(answers.lists, {
        pods: [
          ownPod("Pending", {
            containerStatuses: [
              {
                name: "runner",
                restartCount: 0,
                state: { waiting: { reason: "ImagePullBackOff", message: "403 Forbidden" } },
              },
            ],
          }),
        ],
      }),
    "fail",
    /r3a-sync-1m-29 ImagePullBackOff.*403 Forbidden/,
    /kubectl describe pod/,
  ],
  [
    "a pod without a place",
    "pods",
    () =>
      Object.assign(answers.lists, {
        pods: [
          ownPod("Pending", {
            conditions: [
              { type: "PodScheduled", status: "False", reason: "Unschedulable", message: "0/1 nodes" },
            ],
          }),
        ],
      }),
    "fail",
    /Unschedulable.*0\/1 nodes/,
    /kubectl describe pod/,
  ],
  [
    "a pod that ran out of memory",
    "pods",
    () =>
      Object.assign(answers.lists, {
        pods: [
          ownPod("Failed", {
            containerStatuses: [
              {
                name: "runner",
                restartCount: 0,
                state: { terminated: { exitCode: 137, reason: "OOMKilled" } },
              },
            ],
          }),
        ],
      }),
    "warn",
    /OOMKilled/,
    /kubectl describe pod/,
  ],
])("%s", async (_, name, spoil, status, output, remedy) => {
  spoil();
  expect(await diagnoseCluster(installation.server.kubeconfig, name)).toEqual({
    name,
    status,
    output: expect.stringMatching(output),
    remedy: expect.stringMatching(remedy),
  });
});
