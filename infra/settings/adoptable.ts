import type { Fault } from "../errors.ts";
import type { Settings } from "./schema.ts";

/**
 * The kinds that an `up` can import unchanged. An import of any other kind keeps fields that the program does not set:
 * an adopted CronJob of the old charts kept the init container of the charts, and no pod of this CronJob could start.
 */
const ADOPTABLE = ["Namespace", "ServiceAccount", "ConfigMap"];

export function isAdoptable(kind: string): boolean {
  return ADOPTABLE.includes(kind);
}

/** Entries of `adopt` of a kind that `up` must make anew, each with the command that deletes the old object. */
export function checkAdopted({ adopt, namespace }: Settings): readonly Fault[] {
  return adopt.flatMap((entry, index) => {
    const kind = /^([A-Za-z]+)\//.exec(entry)?.[1];
    if (kind !== undefined && isAdoptable(kind)) return [];
    return [{ key: `adopt[${index}]`, message: instead(kind, namespace) }];
  });
}

function instead(kind: string | undefined, namespace: string): string {
  const only = `only ${ADOPTABLE.join(", ")} can be adopted, as Kind/name or Kind/*`;
  const remove = (what: string) => `delete it by \`kubectl -n ${namespace} delete ${what}\``;
  if (kind === "CronJob")
    return `${only}; ${remove("cronjob NAME --cascade=orphan")} and leave it out: it holds nothing, and \`up\` makes it anew`;
  if (kind === "Secret")
    return `${only}; ${remove("secret NAME")} and \`up\` at once, which makes it anew, or set secretsMode to existing`;
  return `${only}; ${remove("KIND NAME")} and leave it out: \`up\` makes it anew`;
}
