import { JANITOR_SCOPES, type JanitorScope, SYSTEM_NAMESPACE } from "../contract/janitor.ts";

/** The janitor's words, for its options and its environment alike; each throws the sentence that says what is expected. */

export function parseJanitorMode(text: string): "scan" | "delete" {
  if (text === "scan" || text === "delete") return text;
  throw new Error(`must be scan or delete, not ${JSON.stringify(text)}`);
}

export function parseJanitorScope(text: string): JanitorScope {
  const scope = JANITOR_SCOPES.find((each) => each === text);
  if (scope !== undefined) return scope;
  throw new Error(`must be ours or namespace, not ${JSON.stringify(text)}`);
}

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
