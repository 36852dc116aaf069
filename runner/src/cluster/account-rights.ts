import type { V1PolicyRule } from "@kubernetes/client-node";
import { JANITOR } from "../contract/names.ts";
import { type ClusterRight, JANITOR_RIGHTS } from "../contract/rights.ts";
import type { Cluster } from "./cluster.ts";
import { nameOfRight } from "./rights.ts";
import { nullOn } from "./transport.ts";

const RIGHTS: readonly ClusterRight[] = Object.values(JANITOR_RIGHTS).flat();

/** An account, by the namespace that it lives in. */
type Account = { readonly name: string; readonly namespace: string };

/**
 * The rights of the janitor that the account lacks in a namespace, in words. The API server is asked for each right
 * where this process may ask for another account; else the janitor's Role and RoleBinding are read. Null where this
 * process may do neither.
 */
export async function listMissingRights(
  cluster: Cluster,
  account: Account,
  target: string,
): Promise<readonly string[] | null> {
  const asked = await nullOn(403, askForEach(cluster, account, target));
  return asked ?? nullOn(403, readRole(cluster, account, target));
}

async function askForEach(
  { authorization }: Cluster,
  account: Account,
  namespace: string,
): Promise<string[]> {
  const user = `system:serviceaccount:${account.namespace}:${account.name}`;
  const answers = await Promise.all(
    RIGHTS.map(async (right) => {
      const spec = { user, resourceAttributes: { ...right, namespace } };
      const { status } = await authorization.createNamespacedLocalSubjectAccessReview({
        namespace,
        body: { metadata: { namespace }, spec },
      });
      return status?.allowed === true ? [] : [nameOfRight(right)];
    }),
  );
  return answers.flat();
}

async function readRole({ rbac }: Cluster, account: Account, namespace: string): Promise<string[]> {
  const [role, binding] = await Promise.all([
    nullOn(404, rbac.readNamespacedRole({ name: JANITOR, namespace })),
    nullOn(404, rbac.readNamespacedRoleBinding({ name: JANITOR, namespace })),
  ]);
  if (role === null || binding === null)
    return [`anything: ${role === null ? "Role" : "RoleBinding"} ${JANITOR} is not there`];
  const isBound =
    binding.roleRef.kind === "Role" &&
    binding.roleRef.name === JANITOR &&
    (binding.subjects ?? []).some(
      (subject) =>
        subject.kind === "ServiceAccount" &&
        subject.name === account.name &&
        subject.namespace === account.namespace,
    );
  if (!isBound) return [`anything: RoleBinding ${JANITOR} does not give it that Role`];
  return RIGHTS.filter((right) => !(role.rules ?? []).some((rule) => gives(rule, right))).map(nameOfRight);
}

function gives(rule: V1PolicyRule, { verb, group, resource, subresource }: ClusterRight): boolean {
  const has = (list: readonly string[] | undefined, word: string) =>
    list?.includes(word) === true || list?.includes("*") === true;
  const asked = subresource === undefined ? resource : `${resource}/${subresource}`;
  const isForAll = (rule.resourceNames ?? []).length === 0;
  return isForAll && has(rule.verbs, verb) && has(rule.apiGroups, group) && has(rule.resources, asked);
}
