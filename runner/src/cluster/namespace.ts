import { SYSTEM_NAMESPACE } from "../contract/janitor.ts";
import { messageOf, SettingsFault } from "../errors.ts";

/** A namespace that the janitor may clean: those of Kubernetes itself hold what keeps the cluster alive. */
export function parseJanitorNamespace(text: string): string {
  if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(text))
    throw new Error(`must be the name of a namespace, not ${JSON.stringify(text)}`);
  if (SYSTEM_NAMESPACE.test(text))
    throw new Error(
      `must not be ${text}: kube-* belongs to Kubernetes; name the namespace of the jobs, e.g. r3a`,
    );
  return text;
}

/** Wherever the name comes from, also from the current context: a wrong one is a wrong setting. */
export function checkNamespace(name: string): string {
  try {
    return parseJanitorNamespace(name);
  } catch (error) {
    throw new SettingsFault([`the janitor's namespace ${messageOf(error)}`]);
  }
}
