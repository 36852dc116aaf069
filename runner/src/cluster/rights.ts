import type { JanitorMode } from "../contract/janitor.ts";
import { JANITOR } from "../contract/names.ts";
import { type ClusterRight, JANITOR_RIGHTS } from "../contract/rights.ts";
import { SettingsFault } from "../errors.ts";
import type { Logger } from "../log.ts";
import type { Cluster } from "./cluster.ts";

/**
 * Asks the API server whether this account may do all that the mode needs; a SettingsFault names the missing rights. A
 * missing right that the janitor can work without is a warning.
 */
export async function checkRights(
  { authorization }: Cluster,
  namespace: string,
  { mode, log }: { readonly mode: JanitorMode; readonly log: Logger },
): Promise<void> {
  const { look, delete: toDelete, mark } = JANITOR_RIGHTS;
  const wanted: readonly ClusterRight[] = mode === "delete" ? [...look, ...toDelete, ...mark] : look;
  const missing = await Promise.all(
    wanted.map(async (right) => {
      const { status } = await authorization.createSelfSubjectAccessReview({
        body: { spec: { resourceAttributes: { ...right, namespace } } },
      });
      return status?.allowed === true ? [] : [right];
    }),
  );
  const rights = missing.flat();
  const marks = new Set<ClusterRight>(mark);
  const unmarked = rights.filter((right) => marks.has(right)).map(nameOfRight);
  if (unmarked.length > 0)
    log.warn(
      { "event.name": "janitor_may_not_mark" },
      `[JANITOR] this account may not ${unmarked.join(", ")} in namespace ${namespace}: the Job of a stuck pod is deleted instead of failed`,
    );
  const names = rights.filter((right) => !marks.has(right)).map(nameOfRight);
  if (names.length > 0)
    throw new SettingsFault([
      `this account may not ${names.join(", ")} in namespace ${namespace}: bind the Role ${JANITOR} to it there`,
    ]);
}

/** E.g. `delete jobs.batch`. */
export function nameOfRight({ verb, group, resource, subresource }: ClusterRight): string {
  return `${verb} ${resource}${group === "" ? "" : `.${group}`}${subresource === undefined ? "" : `/${subresource}`}`;
}
