import { EXIT } from "@r3a/runner/contract/exits";
import type { FailureRule, JobSpec } from "./pod.ts";
import type { Rule } from "./rule.ts";

/** Of no use to try again: a person must look, or the call is wrong. */
const FINAL = [EXIT.brake, EXIT.usage, EXIT.settings];
/** Worth another try, as far as backoffLimit allows. */
const PASSING = [EXIT.failed, EXIT.tryAgain, EXIT.deadline, EXIT.terminated];
/** The Kubernetes default of terminationGracePeriodSeconds. */
const DEFAULT_GRACE = 30;

/** The first rule that takes an exit code decides, as the Job controller does it. */
function actionOn(rules: readonly FailureRule[], code: number): string | undefined {
  return rules.find(({ onExitCodes }) => {
    const isListed = onExitCodes?.values?.includes(code) ?? false;
    return onExitCodes !== undefined && (onExitCodes.operator === "NotIn" ? !isListed : isListed);
  })?.action;
}

function actionOnCondition(rules: readonly FailureRule[], type: string): string | undefined {
  return rules.find(({ onPodConditions }) =>
    onPodConditions?.some((condition) => condition.type === type && condition.status === "True"),
  )?.action;
}

/** How long a Job may still need after its deadline. */
export function graceOf(job: JobSpec): number {
  return job.template?.spec?.terminationGracePeriodSeconds ?? DEFAULT_GRACE;
}

/** What each Job must be, alone or from a CronJob. */
export const JOB_RULES: readonly Rule<JobSpec>[] = [
  {
    id: "active-deadline",
    why: "A pod that cannot pull its image never counts as failed. Without a deadline its Job stays active, and Forbid prevents every later run (kubernetes#101584).",
    check: ({ activeDeadlineSeconds }) =>
      (activeDeadlineSeconds ?? 0) > 0
        ? []
        : ["has no end; set activeDeadlineSeconds in the Job's spec (not in the pod's)"],
  },
  {
    id: "grace-below-deadline",
    why: "The command ends by its own deadline first, then by SIGTERM, then by SIGKILL. So the grace must be shorter than the deadline.",
    check: (job) =>
      job.activeDeadlineSeconds !== undefined && graceOf(job) >= job.activeDeadlineSeconds
        ? [
            `terminationGracePeriodSeconds (${graceOf(job)}) must be below activeDeadlineSeconds (${job.activeDeadlineSeconds})`,
          ]
        : [],
  },
  {
    id: "pod-failure-policy",
    why: "Exit codes say what must follow: after a brake, wrong arguments or wrong settings a person must look; an evicted pod did not fail; after every other code Kubernetes tries again.",
    check: ({ podFailurePolicy }) => {
      const rules = podFailurePolicy?.rules ?? [];
      if (rules.length === 0) return [`set podFailurePolicy: FailJob on exit codes ${FINAL.join(", ")}`];
      return [
        ...FINAL.filter((code) => actionOn(rules, code) !== "FailJob").map(
          (code) => `podFailurePolicy tries exit code ${code} again; add it to the FailJob rule`,
        ),
        ...PASSING.filter((code) => actionOn(rules, code) === "FailJob").map(
          (code) => `podFailurePolicy gives up on exit code ${code}; take it out of the FailJob rule`,
        ),
        ...(actionOnCondition(rules, "ConfigIssue") === "FailJob"
          ? []
          : ["podFailurePolicy has no FailJob on the pod condition ConfigIssue, which the janitor sets"]),
        ...(actionOnCondition(rules, "DisruptionTarget") === "Ignore"
          ? []
          : ["podFailurePolicy has no Ignore on the pod condition DisruptionTarget (drain, preemption)"]),
      ];
    },
  },
  {
    id: "restart-never",
    // as datree WORKLOAD_INCORRECT_RESTARTPOLICY_VALUE_ALWAYS
    why: "podFailurePolicy works only with Never. OnFailure restarts the container in its pod and hides the exit code.",
    check: ({ template }) =>
      template?.spec?.restartPolicy === "Never" ? [] : ["set restartPolicy: Never in the pod's spec"],
  },
  {
    id: "backoff-limit",
    why: "By default Kubernetes tries six times. The next try of a minute job is its next minute.",
    check: ({ backoffLimit, backoffLimitPerIndex }) =>
      backoffLimit === undefined && backoffLimitPerIndex === undefined ? ["set backoffLimit, e.g. 0"] : [],
  },
];
