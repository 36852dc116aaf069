import { SettingsFault } from "../errors.ts";
import type { Cluster } from "./connect.ts";

type Right = {
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
  { verb: "patch", resource: "pods", subresource: "status" },
  { verb: "create", resource: "events" },
];

/** Asks the API server whether this account may do all that the mode needs; a SettingsFault names what is missing. */
export async function checkRights(
  { authorization }: Cluster,
  namespace: string,
  mode: "scan" | "delete",
): Promise<void> {
  const needed = mode === "delete" ? [...LOOK, ...DELETE] : LOOK;
  const missing = await Promise.all(
    needed.map(async (right) => {
      const { status } = await authorization.createSelfSubjectAccessReview({
        body: { spec: { resourceAttributes: { ...right, namespace } } },
      });
      return status?.allowed === true ? [] : [nameOf(right)];
    }),
  );
  const names = missing.flat();
  if (names.length > 0)
    throw new SettingsFault([
      `this account may not ${names.join(", ")} in namespace ${namespace}: bind the Role r3a-maint-janitor to it there`,
    ]);
}

function nameOf({ verb, group, resource, subresource }: Right): string {
  return `${verb} ${resource}${group === undefined ? "" : `.${group}`}${subresource === undefined ? "" : `/${subresource}`}`;
}
