import { SettingsFault } from "../errors.ts";
import type { Logger } from "../log.ts";
import type { Cluster } from "./connect.ts";

/** The Role and the RoleBinding that give the janitor's account its rights. */
export const JANITOR_ROLE = "r3a-maint-janitor";

export type Right = {
  readonly verb: string;
  readonly group?: string;
  readonly resource: string;
  readonly subresource?: string;
};

const LOOK: readonly Right[] = [
  { verb: "list", resource: "pods" },
  { verb: "list", group: "batch", resource: "jobs" },
  { verb: "list", group: "batch", resource: "cronjobs" },
];
const DELETE: readonly Right[] = [
  { verb: "delete", resource: "pods" },
  { verb: "delete", group: "batch", resource: "jobs" },
  { verb: "create", resource: "events" },
];
/** Without it the Job of a stuck pod is deleted, and with it the record of why it failed. */
const MARK: Right = { verb: "patch", resource: "pods", subresource: "status" };

/** All that the janitor asks for in either mode. */
export const JANITOR_RIGHTS: readonly Right[] = [...LOOK, ...DELETE, MARK];

/**
 * Asks the API server whether this account may do all that the mode needs; a SettingsFault names what is missing. What it
 * can do without is a warning.
 */
export async function checkRights(
  { authorization }: Cluster,
  namespace: string,
  mode: "scan" | "delete",
  log: Logger,
): Promise<void> {
  const wanted = mode === "delete" ? [...LOOK, ...DELETE, MARK] : LOOK;
  const missing = await Promise.all(
    wanted.map(async (right) => {
      const { status } = await authorization.createSelfSubjectAccessReview({
        body: { spec: { resourceAttributes: { ...right, namespace } } },
      });
      return status?.allowed === true ? [] : [right];
    }),
  );
  const rights = missing.flat();
  if (rights.includes(MARK))
    log.warn(
      { "event.name": "janitor_may_not_mark" },
      `[JANITOR] this account may not ${nameOf(MARK)} in namespace ${namespace}: the Job of a stuck pod is deleted instead of failed`,
    );
  const names = rights.filter((right) => right !== MARK).map(nameOf);
  if (names.length > 0)
    throw new SettingsFault([
      `this account may not ${names.join(", ")} in namespace ${namespace}: bind the Role r3a-maint-janitor to it there`,
    ]);
}

/** E.g. `delete jobs.batch`. */
export function nameOf({ verb, group, resource, subresource }: Right): string {
  return `${verb} ${resource}${group === undefined ? "" : `.${group}`}${subresource === undefined ? "" : `/${subresource}`}`;
}
