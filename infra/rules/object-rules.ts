import type { Manifest } from "../manifest.ts";
import { LABEL, LONGEST_SUBDOMAIN, SUBDOMAIN } from "../settings/dns-name.ts";
import { secretIn } from "../settings/secret-text.ts";
import type { Rule } from "./rule.ts";

type PolicyRule = {
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly verbs?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
};

const CLUSTER_WIDE = new Set([
  "Namespace",
  "ClusterRole",
  "ClusterRoleBinding",
  "PriorityClass",
  "StorageClass",
  "PersistentVolume",
  "CustomResourceDefinition",
]);
/** Kinds whose name must be a label: the API server asks it, or the name becomes the host name of pods. */
const LABEL_KINDS = new Set([
  "Namespace",
  "Service",
  "CronJob",
  "Job",
  "Deployment",
  "StatefulSet",
  "DaemonSet",
  "Pod",
]);
/** Kinds whose name may have any character that a path segment may have, e.g. `system:node`. */
const PATH_KINDS = new Set(["Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"]);
/** Ways into a running pod. */
const POD_DOORS = ["pods/exec", "pods/attach", "pods/portforward", "pods/proxy", "pods/ephemeralcontainers"];
const WRITES = ["create", "update", "patch"];
/** cdk8s ends a generated name with c8 and six hex digits of the construct's path. */
const GENERATED_NAME = /-c8[0-9a-f]{6}$/;

/** The rules of a Role or ClusterRole, none of other kinds. */
function rightsOf(object: Manifest): readonly PolicyRule[] {
  const isRole = object.kind === "Role" || object.kind === "ClusterRole";
  return isRole ? ((object.rules as readonly PolicyRule[] | undefined) ?? []) : [];
}

/** What the API server has against the name of an object of this kind; null: nothing. */
function faultOfName(kind: string, name: string): string | null {
  if (PATH_KINDS.has(kind)) return /[/%]|^\.\.?$/.test(name) ? "must be without / and %" : null;
  if (LABEL_KINDS.has(kind))
    return LABEL.test(name) ? null : "must be a DNS label: a-z, 0-9 and - only, 63 characters at most";
  return SUBDOMAIN.test(name) && name.length <= LONGEST_SUBDOMAIN
    ? null
    : `must be a DNS name: a-z, 0-9, - and . only, ${LONGEST_SUBDOMAIN} characters at most`;
}

/** Rules for each object, whatever its kind. */
export const OBJECT_RULES: readonly Rule<Manifest>[] = [
  {
    id: "explicit-name",
    why: "A generated name changes when code moves, and then Kubernetes deletes the object and makes another.",
    check: ({ kind, metadata: { name, generateName } }) => {
      if (!name || generateName) return ["has no fixed name; set metadata.name"];
      // a Job's name may end with a hash on purpose: a new template needs a new Job
      return kind !== "Job" && GENERATED_NAME.test(name)
        ? [`its name was generated from the construct's path; set metadata.name`]
        : [];
    },
  },
  {
    id: "valid-name",
    why: "The API server refuses a wrong name during the deployment, when other objects have already changed.",
    check: ({ kind, metadata: { name } }) => {
      const fault = name ? faultOfName(kind, name) : null;
      return fault === null ? [] : [`its name ${fault}; change metadata.name`];
    },
  },
  {
    id: "namespace",
    // as kube-linter use-namespace, datree WORKLOAD_INCORRECT_NAMESPACE_VALUE_DEFAULT
    why: "An object without a namespace goes to the namespace of the caller's context, which may be `default`.",
    check: ({ kind, metadata: { namespace } }) => {
      if (CLUSTER_WIDE.has(kind)) return [];
      return !namespace || namespace === "default"
        ? [`stands in ${namespace ?? "no"} namespace; set metadata.namespace`]
        : [];
    },
  },
  {
    id: "restricted-namespace",
    // as PSS
    why: "With this label the API server also refuses unsafe pods that these rules missed or that other people make.",
    check: ({ kind, metadata: { labels } }) =>
      kind === "Namespace" && labels?.["pod-security.kubernetes.io/enforce"] !== "restricted"
        ? ["set the label pod-security.kubernetes.io/enforce: restricted"]
        : [],
  },
  {
    id: "no-secret-object",
    why: "Synth output is committed and sent to people, and base64 hides nothing. A chart holds only the names of secrets.",
    check: ({ kind }) =>
      kind === "Secret"
        ? ["is a Secret; use secretsMode existing, pulumi or externalSecret and leave it out of the chart"]
        : [],
  },
  {
    id: "no-config-secret",
    // as polaris sensitiveConfigmapContent, KBP112
    why: "Everyone with the role `view` can read a ConfigMap, and Kubernetes never encrypts a ConfigMap.",
    check: (object) => {
      if (object.kind !== "ConfigMap") return [];
      const data = (object.data as Readonly<Record<string, string>> | undefined) ?? {};
      return Object.entries(data).flatMap(([name, value]) => {
        const secret = secretIn(name, value);
        return secret === null ? [] : [`${secret}; move it to a Secret`];
      });
    },
  },
  {
    id: "role-wildcard",
    // as kube-linter wildcard-in-rules, KBP107
    why: "A wildcard also grants the rights that the next version of Kubernetes adds.",
    check: (object) =>
      rightsOf(object).flatMap((right) =>
        (["apiGroups", "resources", "verbs", "nonResourceURLs"] as const)
          .filter((field) => right[field]?.some((value) => value.includes("*")))
          .map((field) => `${field} has a wildcard; list what is needed`),
      ),
  },
  {
    id: "role-pods",
    // as kube-linter access-to-create-pods, polaris rolePodExecAttach, KBP108
    why: "Whoever makes a pod, or gets into one, has the rights of every ServiceAccount and Secret in the namespace.",
    check: (object) =>
      rightsOf(object).flatMap(({ resources = [], verbs = [] }) => [
        ...resources
          .filter((resource) => POD_DOORS.includes(resource))
          .map((resource) => `grants ${resource}; leave it out`),
        ...(resources.includes("pods")
          ? verbs
              .filter((verb) => WRITES.includes(verb))
              .map((verb) => `may ${verb} pods; leave the verb out`)
          : []),
      ]),
  },
  {
    id: "role-secrets",
    // as kube-linter access-to-secrets, KBP107
    why: "The kubelet gives the pods their secrets. No pod of R3A reads a secret from the API.",
    check: (object) =>
      rightsOf(object).flatMap(({ resources = [], verbs = [] }) =>
        resources.includes("secrets") ? [`may ${verbs.join(", ")} secrets; leave the resource out`] : [],
      ),
  },
  {
    id: "role-plural",
    // cdk8s-plus gives `cronjob` for a CronJob construct
    why: "The API knows only plural names. A role on `cronjob` grants nothing, and Kubernetes reports no error.",
    check: (object) =>
      rightsOf(object)
        .flatMap(({ resources = [] }) => resources)
        .filter((resource) => !/s(\/|$)|^\*/.test(resource))
        .map((resource) => `resource ${resource} is singular; write ${resource}s`),
  },
  {
    id: "no-cluster-admin",
    // as kube-linter cluster-admin-role-binding, polaris clusterrolebindingClusterAdmin
    why: "cluster-admin grants every right on every object.",
    check: (object) => {
      const role = object.roleRef as { readonly name?: string } | undefined;
      return role?.name === "cluster-admin" ? ["binds cluster-admin; bind a Role of its own"] : [];
    },
  },
];
