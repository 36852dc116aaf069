import { listMissingRights } from "../cluster/account-rights.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { ScheduledJob } from "../cluster/installation.ts";
import { JANITOR } from "../contract/names.ts";
import { type Finding, fail, listSome, pass, skip, warn } from "./check.ts";

export const isJanitor = ({ name }: ScheduledJob) => name === JANITOR;

/** The account of each job must exist and must not be `default`. No other job may use the janitor's account, because it has rights. */
export function judgeAccounts(
  jobs: readonly ScheduledJob[],
  known: ReadonlySet<string> | null,
  where: string,
): Finding {
  const janitors = new Set(jobs.filter(isJanitor).map(({ account }) => account));
  const accounts = [...Map.groupBy(jobs, ({ account }) => account)];
  const wrong = accounts.flatMap(([account, users]) => {
    const isMixed = janitors.has(account) && !users.every(isJanitor);
    const fault =
      account === "default"
        ? "is shared by all pods of the namespace"
        : known?.has(account) === false
          ? "does not exist"
          : isMixed
            ? "has the janitor's rights"
            : null;
    const names = listSome(users.map(({ name }) => name));
    return fault === null ? [] : [`ServiceAccount ${account} ${fault}; it is the account of ${names}`];
  });
  const accountNames = accounts.map(([account]) => account).join(", ");
  if (wrong.length > 0)
    return fail(
      listSome(wrong),
      "set serviceAccountName (and serviceAccountCreate) as docs/settings.md says, and deploy",
    );
  if (known === null)
    return warn(
      `the templates name ${accountNames}; no right to see whether they exist`,
      `kubectl get serviceaccount -n ${where}, with a login that has this right`,
    );
  return pass(`every job runs as one of ${accountNames}, and they exist`);
}

/** Whether the janitor's account has the janitor's rights in `target`. `account` null: there is no janitor. */
export async function lookAtRights(
  cluster: Cluster,
  account: string | null,
  where: string,
  target: string,
): Promise<Finding> {
  if (account === null) return skip(`namespace ${where} has no janitor`);
  return judgeRights(await listMissingRights(cluster, { name: account, namespace: where }, target), {
    name: `system:serviceaccount:${where}:${account}`,
    target,
  });
}

function judgeRights(
  missing: readonly string[] | null,
  { name, target }: { readonly name: string; readonly target: string },
): Finding {
  if (missing === null)
    return skip(
      `not allowed to ask for the rights of ${name}: kubectl auth can-i --list -n ${target} --as ${name}, with a login that has this right`,
    );
  if (missing.length === 0) return pass(`${name} may do in namespace ${target} what the janitor does there`);
  return fail(
    `${name} may not ${listSome(missing, 8)} in namespace ${target}`,
    `deploy again: Role and RoleBinding ${JANITOR} belong to the objects of the chart; or correct JANITOR_NAMESPACE`,
  );
}
