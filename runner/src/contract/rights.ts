/** One verb on one kind of object in a namespace; `group` is empty for the core API. */
export type ClusterRight = {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string;
};

/**
 * Every right that the janitor needs. infra makes the Role of the janitor from this table; before its work the janitor
 * asks the API server whether its account has each right. `look`: both modes; `delete` and `mark`: mode delete. Without
 * `mark` the janitor deletes the Job of a stuck pod instead of failing it, and the record of why the Job failed goes
 * with it.
 */
export const JANITOR_RIGHTS = {
  look: [
    { verb: "list", group: "", resource: "pods" },
    { verb: "list", group: "batch", resource: "jobs" },
    { verb: "list", group: "batch", resource: "cronjobs" },
  ],
  delete: [
    { verb: "delete", group: "", resource: "pods" },
    { verb: "delete", group: "batch", resource: "jobs" },
    { verb: "create", group: "", resource: "events" },
  ],
  mark: [{ verb: "patch", group: "", resource: "pods", subresource: "status" }],
} as const satisfies Readonly<Record<string, readonly ClusterRight[]>>;
