import { describe, expect, test } from "vitest";
import type { Manifest } from "../../infra/manifest.ts";
import { checkObjects } from "../../infra/rules/check-objects.ts";
import { type JobSpec, jobOf, podOf } from "../../infra/rules/pod.ts";
import { render } from "../support/render.ts";

describe("the schema Job, which `pulumi up` waits for", () => {
  const job = render().find(({ kind }) => kind === "Job") as Manifest;
  const spec = jobOf(job) as JobSpec;

  test("has no FailJob rule: the provider would wait for ever for a Job that one of them ended", () => {
    const actions = spec.podFailurePolicy?.rules?.map(({ action }) => action);
    expect(actions).toEqual(["Ignore"]);
    expect(spec.podFailurePolicy?.rules?.[0]?.onPodConditions).toEqual([
      { type: "DisruptionTarget", status: "True" },
    ]);
  });

  test("fails at its first exit code that is not 0, with the log's last lines as the reason", () => {
    expect(spec.backoffLimit).toBe(0);
    expect(podOf(job)?.spec.containers).toEqual([
      expect.objectContaining({ terminationMessagePolicy: "FallbackToLogsOnError" }),
    ]);
  });

  test("waits for a database that restarts, for another migration's lock and for a secret that comes late", () => {
    const [container] = podOf(job)?.spec.containers ?? [];
    expect(container).toMatchObject({ args: ["migrate", "--wait", "120"] });
    // the lock's 5 min after the database's 2 min, and what a person needs for the secrets
    expect(spec.activeDeadlineSeconds).toBe(600);
    // a pod whose secret is missing waits for it; nothing may count that as a failure
    expect(podOf(job)?.spec.restartPolicy).toBe("Never");
  });

  test("waives the rule of the exit codes with its reason, and that one alone", () => {
    const waivers = Object.keys(job.metadata.annotations ?? {}).filter((key) => key.includes("waive"));
    expect(waivers).toEqual(["r3a.dev/waive-pod-failure-policy"]);
    expect(job.metadata.annotations?.["r3a.dev/waive-pod-failure-policy"]).toContain("wait for ever");
    const { [waivers[0] ?? ""]: _, ...annotations } = job.metadata.annotations ?? {};
    const bare = { ...job, metadata: { ...job.metadata, annotations } };
    const rulesOf = (object: Manifest) => [
      ...new Set(
        checkObjects([object], { requireDigest: false, externalNetworkPolicy: true })
          .filter(({ level }) => level === "error")
          .map(({ rule }) => rule),
      ),
    ];
    expect(rulesOf(bare)).toContain("pod-failure-policy");
    expect(rulesOf(job)).not.toContain("pod-failure-policy");
  });

  test("every other Job has a FailJob rule: nobody waits for the Job, and a person must look", () => {
    const others = render().filter(({ kind }) => kind === "CronJob");
    const failing = others.filter((object) =>
      jobOf(object)?.podFailurePolicy?.rules?.some(({ action }) => action === "FailJob"),
    );
    expect(failing).toHaveLength(others.length);
  });
});
