import { secretIn } from "../settings/secret-text.ts";
import { type Container, containersOf, type Pod } from "./pod.ts";
import type { Rule } from "./rule.ts";

/**
 * Lower ids belong to people and daemons on a node; a process that breaks out of its container must have none of them.
 */
const LOWEST_ID = 10_000;

/** One text per container that `fault` finds wrong. */
function perContainer(
  pod: Pod,
  fault: (container: Container) => string | false | null | undefined,
): string[] {
  return containersOf(pod.spec).flatMap((container) => {
    const text = fault(container);
    return text ? [`container ${container.name ?? "(no name)"}: ${text}`] : [];
  });
}

/** Rules for each pod, whatever starts it. */
export const POD_RULES: readonly Rule<Pod>[] = [
  {
    id: "run-as-non-root",
    level: "error",
    why: "A process that breaks out of its container must not be root, nor share an id with someone on the node.",
    upstream: [
      "kube-linter run-as-non-root",
      "kube-score container-security-context-user-group-id",
      "polaris runAsRootAllowed",
      "KBP104",
      "KBP105",
      "PSS203",
      "PSS204",
    ],
    check: (pod) =>
      perContainer(pod, ({ securityContext }) => {
        const own = { ...pod.spec.securityContext, ...securityContext };
        if (own.runAsNonRoot !== true) return "may run as root; set runAsNonRoot: true";
        const isLow = [own.runAsUser, own.runAsGroup].some((id) => !(id !== undefined && id >= LOWEST_ID));
        // an image whose USER is a name cannot be verified and ends in CreateContainerConfigError
        return isLow ? `set runAsUser and runAsGroup to numbers from ${LOWEST_ID} up` : null;
      }),
  },
  {
    id: "no-privilege-escalation",
    level: "error",
    why: "A setuid binary in the image must not give a process more rights than it started with.",
    upstream: [
      "kube-linter privilege-escalation-container",
      "kube-linter privileged-container",
      "polaris privilegeEscalationAllowed",
      "polaris runAsPrivileged",
      "PSS103",
      "PSS202",
    ],
    check: (pod) =>
      perContainer(pod, ({ securityContext }) => {
        if (securityContext?.privileged) return "is privileged; leave `privileged` out";
        return securityContext?.allowPrivilegeEscalation === false
          ? null
          : "set allowPrivilegeEscalation: false";
      }),
  },
  {
    id: "drop-all-capabilities",
    level: "error",
    why: "The runner opens outgoing connections; for that no capability is needed.",
    upstream: ["kube-linter drop-net-raw-capability", "polaris insecureCapabilities", "KBP103", "PSS206"],
    check: (pod) =>
      perContainer(pod, ({ securityContext }) => {
        const { add = [], drop = [] } = securityContext?.capabilities ?? {};
        if (!drop.includes("ALL")) return "keeps capabilities; set capabilities.drop: [ALL]";
        return add.length > 0 ? `adds ${add.join(", ")}; leave capabilities.add out` : null;
      }),
  },
  {
    id: "seccomp",
    level: "error",
    why: "Without a profile every system call of the node's kernel can be reached.",
    upstream: ["kube-score container-seccomp-profile", "polaris linuxHardening", "PSS205"],
    check: (pod) =>
      perContainer(pod, ({ securityContext }) => {
        const profile = securityContext?.seccompProfile ?? pod.spec.securityContext?.seccompProfile;
        return profile?.type === "RuntimeDefault" ? null : "set seccompProfile.type: RuntimeDefault";
      }),
  },
  {
    id: "read-only-root",
    level: "error",
    why: "What a container writes beside its volumes is lost, and fills the node's disk until then.",
    upstream: ["kube-linter no-read-only-root-fs", "polaris notReadOnlyRootFilesystem", "KBP102"],
    check: (pod) =>
      perContainer(pod, ({ securityContext }) =>
        securityContext?.readOnlyRootFilesystem === true
          ? null
          : "set readOnlyRootFilesystem: true and mount an emptyDir for temporary files",
      ),
  },
  {
    id: "temporary-size",
    level: "error",
    why: "An emptyDir without a limit can fill the node's disk; every pod there is evicted then.",
    upstream: ["polaris notReadOnlyRootFilesystem", "KBP102"],
    check: ({ spec }) =>
      (spec.volumes ?? [])
        .filter(({ emptyDir }) => emptyDir && !emptyDir.sizeLimit)
        .map(({ name }) => `volume ${name} has no limit; set emptyDir.sizeLimit, e.g. 64Mi`),
  },
  {
    id: "no-host",
    level: "error",
    why: "Nothing here needs the node: not its network, processes, ports or files (its container socket least).",
    upstream: [
      "kube-linter host-network",
      "kube-linter host-pid",
      "kube-linter host-ipc",
      "kube-linter docker-sock",
      "polaris hostNetworkSet",
      "polaris hostPortSet",
      "PSS101",
      "PSS104",
    ],
    check: (pod) => [
      ...(["hostNetwork", "hostPID", "hostIPC"] as const)
        .filter((field) => pod.spec[field])
        .map((field) => `${field} is set; leave it out`),
      ...(pod.spec.volumes ?? [])
        .filter(({ hostPath }) => hostPath !== undefined)
        .map(({ name }) => `volume ${name} is a hostPath; use an emptyDir or a claim`),
      ...perContainer(pod, ({ ports }) => ports?.some(({ hostPort }) => hostPort) && "leave hostPort out"),
    ],
  },
  {
    id: "resources",
    level: "error",
    why: "Requests place a pod where there is room, the memory limit ends it before its neighbours. A processor limit is not wanted: a throttled minute job misses its minute.",
    upstream: [
      "kube-linter unset-memory-requirements",
      "kube-linter unset-cpu-requirements",
      "kube-score container-resources",
      "polaris memoryLimitsMissing",
      "KBP002",
      "KBP003",
      "KBP004",
    ],
    check: (pod) =>
      perContainer(pod, ({ resources }) => {
        const missing = [
          ...(resources?.requests?.cpu ? [] : ["requests.cpu"]),
          ...(resources?.requests?.memory ? [] : ["requests.memory"]),
          ...(resources?.limits?.memory ? [] : ["limits.memory"]),
        ];
        return missing.length > 0 && `set resources.${missing.join(", resources.")}`;
      }),
  },
  {
    id: "ephemeral-storage",
    level: "warn",
    why: "Logs of a container count as its storage; a limit evicts that pod and no other.",
    upstream: ["kube-score container-ephemeral-storage-request-and-limit"],
    check: (pod) =>
      perContainer(pod, ({ resources }) =>
        resources?.limits?.["ephemeral-storage"] ? null : "set resources.limits.ephemeral-storage",
      ),
  },
  {
    id: "service-account",
    level: "error",
    why: "Rights given to `default` are given to every pod that names no account.",
    upstream: ["kube-linter default-service-account"],
    check: ({ spec }) =>
      !spec.serviceAccountName || spec.serviceAccountName === "default"
        ? ["runs as the default ServiceAccount; set serviceAccountName to one of its own"]
        : [],
  },
  {
    id: "no-token",
    level: "error",
    why: "Only a job that talks to the Kubernetes API needs a token; the janitor alone waives this.",
    upstream: ["polaris automountServiceAccountToken", "KBP106"],
    check: ({ spec }) =>
      spec.automountServiceAccountToken === false ? [] : ["set automountServiceAccountToken: false"],
  },
  {
    id: "no-plain-secret",
    level: "error",
    why: "An environment in a manifest is read by everyone who may read the object, and stays in its history.",
    upstream: ["kube-linter env-var-secret", "polaris sensitiveContainerEnvVar", "KBP111"],
    check: (pod) =>
      containersOf(pod.spec).flatMap((container) =>
        (container.env ?? []).flatMap(({ name, value }) => {
          const secret = value === undefined ? null : secretIn(name, value);
          return secret === null
            ? []
            : [`container ${container.name}: ${secret}; take it from a Secret with valueFrom.secretKeyRef`];
        }),
      ),
  },
  {
    id: "priority-class",
    level: "warn",
    why: "On a full node the pod of lowest priority goes first; the syncs should not be among the equals.",
    upstream: ["polaris priorityClassNotSet"],
    check: ({ spec }) =>
      spec.priorityClassName ? [] : ["has no priority; set priorityClassName where the cluster has classes"],
  },
  {
    id: "liveness",
    level: "error",
    why: "Seen: after three seconds of a half-open connection a pod that never ends by itself did nothing for as long as it was watched; nobody restarts it.",
    upstream: ["kube-linter no-liveness-probe", "kube-score pod-probes", "polaris livenessProbeMissing"],
    check: ({ spec }) =>
      spec.restartPolicy === "Always"
        ? (spec.containers ?? [])
            .filter(({ livenessProbe }) => livenessProbe === undefined)
            .map(({ name }) => `container ${name}: set a livenessProbe`)
        : [],
  },
  {
    id: "pod-labels",
    level: "error",
    why: "Labels of a CronJob do not reach its pods; policies, logs and people select pods by them.",
    upstream: ["kube-linter required-label-owner"],
    check: ({ labels }) =>
      labels["app.kubernetes.io/name"]
        ? []
        : ["the pod template has no label app.kubernetes.io/name; set it in template.metadata.labels"],
  },
];
