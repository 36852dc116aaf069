/** One verb on one kind of object in a namespace; `group` empty for the core API. */
export type ClusterRight = {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string;
};

/**
 * All that the janitor asks of the API server: its Role is made from this table, and the program asks before its work
 * whether it may do each. `look` in both modes, the others to delete. Without `mark` the Job of a stuck pod is deleted
 * instead of failed, and with the Job the record of why it failed.
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
