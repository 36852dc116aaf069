import { ENVIRONMENT } from "@r3a/runner/contract/environment";
import { FEW_PODS, JANITOR_MODES, JANITOR_SCOPES, PROTECTED_SELECTORS } from "@r3a/runner/contract/janitor";
import { z } from "zod";
import { label, upTo } from "./fields.ts";

/** The place and the objects that the janitor cleans, and its limits. A part of SETTINGS. */
export const JANITOR_SETTINGS = {
  janitorMode: z
    .enum(JANITOR_MODES)
    .default(ENVIRONMENT.JANITOR_MODE.default)
    .describe(
      "JANITOR_MODE: scan: the janitor only prints its plan; delete: the janitor does what the plan says.",
    ),
  janitorTargetNamespace: z
    .union([label, z.literal("")])
    .default("")
    .describe(
      "JANITOR_NAMESPACE: namespace that the janitor cleans, never kube-*; empty: that of `namespace`.",
    ),
  janitorScope: z
    .enum(JANITOR_SCOPES)
    .default(ENVIRONMENT.JANITOR_SCOPE.default)
    .describe(
      "JANITOR_SCOPE: the janitor acts on what belongs to the suite, or on all of the namespace that no operator, Helm or GitOps controller looks after.",
    ),
  janitorDeleteAfterSeconds: upTo(ENVIRONMENT.JANITOR_DELETE_AFTER_SECONDS).describe(
    "JANITOR_DELETE_AFTER_SECONDS: how long a pod must be stuck.",
  ),
  janitorFinishedAfterSeconds: upTo(ENVIRONMENT.JANITOR_FINISHED_AFTER_SECONDS).describe(
    "JANITOR_FINISHED_AFTER_SECONDS: how long ago a Job must have ended to be deleted.",
  ),
  janitorMaxDeletes: upTo(ENVIRONMENT.JANITOR_MAX_DELETES).describe(
    "JANITOR_MAX_DELETES: if the janitor would delete more objects in one run, it deletes none.",
  ),
  janitorMaxPercent: upTo(ENVIRONMENT.JANITOR_MAX_PERCENT).describe(
    `JANITOR_MAX_PERCENT: the same limit in percent of the pods in the scope; it counts if the janitor would delete more than ${FEW_PODS} pods.`,
  ),
  janitorUnschedulable: z
    .boolean()
    .default(false)
    .describe(
      "Whether a pod that finds no node counts as stuck; an autoscaler may need longer than the delay.",
    ),
  janitorProtectedSelectors: z
    .array(z.string())
    .default([...PROTECTED_SELECTORS])
    .describe(
      "JANITOR_PROTECTED_SELECTORS: label selectors of what the janitor never touches. An empty list is refused; a label that nothing has, e.g. r3a.dev/nothing, protects nothing.",
    ),
};
