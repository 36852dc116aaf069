import { type KubeProxy, startProxy } from "./kube-proxy.ts";
import { kubectl, listObjects, NAMESPACE, type Pod } from "./kubectl.ts";
import { check, expectEqual } from "./report.ts";

const VERBS = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];
/** Rights that lead to other rights. */
const MORE_VERBS = ["impersonate", "bind", "escalate", "*"];
const NAMESPACES = [NAMESPACE, "kube-system", ""];
const AT_ONCE = 16;

/** What the janitor needs, as `verb group/resource`; nothing of it outside its namespace. */
const JANITOR = [
  "create /events",
  "delete /pods",
  "delete batch/jobs",
  "list /pods",
  "list batch/cronjobs",
  "list batch/jobs",
  "patch /pods/status",
].map((right) => `${right} in ${NAMESPACE}`);

type Resource = { readonly group: string; readonly resource: string; readonly subresource: string };

/** Every kind and part of a kind that the API server serves. */
async function listResources(): Promise<readonly Resource[]> {
  type Groups = { groups: readonly { preferredVersion: { groupVersion: string } }[] };
  const { groups } = JSON.parse(await kubectl(["get", "--raw", "/apis"])) as Groups;
  const paths = [
    "/api/v1",
    ...groups.map(({ preferredVersion }) => `/apis/${preferredVersion.groupVersion}`),
  ];
  const lists = await Promise.all(
    paths.map(async (path) => {
      const list = JSON.parse(await kubectl(["get", "--raw", path])) as {
        resources: readonly { name: string }[];
      };
      const group = path.startsWith("/apis/") ? (path.split("/")[2] ?? "") : "";
      return list.resources.map(({ name }) => {
        const [resource = "", subresource = ""] = name.split("/");
        return { group, resource, subresource };
      });
    }),
  );
  return lists.flat();
}

/** Asks the API server for every verb on every kind, in our namespace, in another one and in the whole cluster. */
async function listRights(
  proxy: KubeProxy,
  account: string,
  resources: readonly Resource[],
): Promise<readonly string[]> {
  const questions = resources.flatMap((resource) =>
    NAMESPACES.flatMap((namespace) =>
      [...VERBS, ...MORE_VERBS].map((verb) => ({ ...resource, namespace, verb })),
    ),
  );
  const rights: string[] = [];
  const next = questions.values();
  const worker = async () => {
    for (const question of next) {
      const review = await proxy.post("/apis/authorization.k8s.io/v1/subjectaccessreviews", {
        apiVersion: "authorization.k8s.io/v1",
        kind: "SubjectAccessReview",
        spec: {
          user: `system:serviceaccount:${NAMESPACE}:${account}`,
          groups: ["system:serviceaccounts", `system:serviceaccounts:${NAMESPACE}`, "system:authenticated"],
          resourceAttributes: question,
        },
      });
      const { status } = review as { readonly status: { readonly allowed: boolean } };
      if (!status.allowed) continue;
      const { verb, group, resource, subresource, namespace } = question;
      rights.push(
        `${verb} ${group}/${resource}${subresource && `/${subresource}`} in ${namespace || "the cluster"}`,
      );
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return rights.sort();
}

/** RBAC, asked of the API server itself. */
export async function checkAccess(): Promise<void> {
  const proxy = await startProxy();
  try {
    await checkAccounts(proxy);
  } finally {
    proxy.stop();
  }
}

async function checkAccounts(proxy: KubeProxy): Promise<void> {
  const resources = await listResources();
  const asked = resources.length * NAMESPACES.length * (VERBS.length + MORE_VERBS.length);
  const ofJobs = await listRights(proxy, "r3a-sync-sa", resources);
  await check("the account of the jobs has no right but any account's, to ask about itself", async () => {
    expectEqual(
      ofJobs.filter((right) => !/ \S+\/self\w+ /.test(right)),
      [],
      "rights",
    );
    return `${ofJobs.length} of ${asked} questions allowed, all self reviews`;
  });
  await check("the janitor can do what it needs in r3a and nothing else", async () => {
    const rights = await listRights(proxy, "r3a-janitor-sa", resources);
    expectEqual(
      rights.filter((right) => !ofJobs.includes(right)),
      JANITOR,
      "rights",
    );
    return `${JANITOR.length} of ${asked} questions allowed`;
  });
}

export async function checkAdmission(): Promise<void> {
  await check("Pod Security restricted is enforced by the API server", async () => {
    const pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "e2e-privileged" },
      spec: { containers: [{ name: "a", image: "x:1", securityContext: { privileged: true } }] },
    };
    const answer = await kubectl(["create", "--dry-run=server", "-f", "-"], JSON.stringify(pod)).catch(
      String,
    );
    if (!answer.includes('violates PodSecurity "restricted:latest"')) throw new Error(answer);
    return "a privileged pod is refused";
  });
}

/** After all runs: every pod that was wanted passed, and the janitor's alone were given a token. */
export async function checkPods(): Promise<void> {
  await check("all pods passed admission, and only the janitor's have a token", async () => {
    const events = await kubectl(["get", "events", "-o", "jsonpath={.items[*].message}"]);
    if (events.includes("violates PodSecurity")) throw new Error(events.slice(0, 500));
    const pods = await listObjects<Pod>("pod");
    const withToken = pods.filter(({ spec }) =>
      spec.volumes?.some(({ name }) => name.startsWith("kube-api-access-")),
    );
    const components = withToken.map(({ metadata }) => metadata.labels?.["app.kubernetes.io/component"]);
    expectEqual([...new Set(components)], ["maint-janitor"], "pods with a token");
    const others = pods.filter((pod) => !withToken.includes(pod));
    const volumes = new Set(others.flatMap(({ spec }) => spec.volumes?.map(({ name }) => name) ?? []));
    expectEqual([...volumes], ["tmp"], "volumes");
    return `${others.length} pods, their only volume is /tmp; ${withToken.length} of the janitor`;
  });
}
