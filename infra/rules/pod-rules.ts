import { secretIn } from "../settings/secret-text.ts";
import { containersOf, type Pod, perContainer } from "./pod.ts";
import type { Rule } from "./rule.ts";

/**
 * Lower ids belong to people and daemons on a node; a process that breaks out of its container must have none of them.
 */
const LOWEST_ID = 10_000;

/** Rules for each pod, whatever starts it. */
export const POD_RULES: readonly Rule<Pod>[] = [
  {
    id: "run-as-non-root",
    // as kube-linter run-as-non-root, kube-score container-security-context-user-group-id, polaris runAsRootAllowed,
    // KBP104, KBP105, PSS203, PSS204
    why: "A process that breaks out of its container must not be root, and must not have the id of a user of the node.",
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
    // as kube-linter privilege-escalation-container, kube-linter privileged-container, polaris
    // privilegeEscalationAllowed, polaris runAsPrivileged, PSS103, PSS202
    why: "A setuid program in the image must not give a process more rights than the process had at its start.",
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
    // as kube-linter drop-net-raw-capability, polaris insecureCapabilities, KBP103, PSS206
    why: "The runner only opens outgoing connections, and needs no capability for them.",
    check: (pod) =>
      perContainer(pod, ({ securityContext }) => {
        const { add = [], drop = [] } = securityContext?.capabilities ?? {};
        if (!drop.includes("ALL")) return "keeps capabilities; set capabilities.drop: [ALL]";
        return add.length > 0 ? `adds ${add.join(", ")}; leave capabilities.add out` : null;
      }),
  },
  {
    id: "seccomp",
    // as kube-score container-seccomp-profile, polaris linuxHardening, PSS205
    why: "Without a profile a process can use every system call of the node's kernel.",
    check: (pod) =>
      perContainer(pod, ({ securityContext }) => {
        const profile = securityContext?.seccompProfile ?? pod.spec.securityContext?.seccompProfile;
        return profile?.type === "RuntimeDefault" ? null : "set seccompProfile.type: RuntimeDefault";
      }),
  },
  {
    id: "read-only-root",
    // as kube-linter no-read-only-root-fs, polaris notReadOnlyRootFilesystem, KBP102
    why: "Files that a container writes outside its volumes are lost when it ends, and fill the node's disk until then.",
    check: (pod) =>
      perContainer(pod, ({ securityContext }) =>
        securityContext?.readOnlyRootFilesystem === true
          ? null
          : "set readOnlyRootFilesystem: true and mount an emptyDir for temporary files",
      ),
  },
  {
    id: "temporary-size",
    // as polaris notReadOnlyRootFilesystem, KBP102
    why: "An emptyDir without a limit can fill the node's disk. Kubernetes then evicts every pod of the node.",
    check: ({ spec }) =>
      (spec.volumes ?? [])
        .filter(({ emptyDir }) => emptyDir && !emptyDir.sizeLimit)
        .map(({ name }) => `volume ${name} has no limit; set emptyDir.sizeLimit, e.g. 64Mi`),
  },
  {
    id: "no-host",
    // as kube-linter host-network, kube-linter host-pid, kube-linter host-ipc, kube-linter docker-sock, polaris
    // hostNetworkSet, polaris hostPortSet, PSS101, PSS104
    why: "No pod of R3A needs the network, the processes, the ports or the files of its node, least of all the container socket.",
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
    // as kube-linter unset-memory-requirements, kube-linter unset-cpu-requirements, kube-score container-resources,
    // polaris memoryLimitsMissing, KBP002, KBP003, KBP004
    why: "By the requests Kubernetes finds a node with room, and the memory limit ends this pod before its neighbours. A processor limit is not wanted: a slowed minute job misses its minute.",
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
    // as kube-score container-ephemeral-storage-request-and-limit
    why: "The logs of a container count as its storage. With a limit Kubernetes evicts only the pod that writes too much.",
    check: (pod) =>
      perContainer(pod, ({ resources }) =>
        resources?.limits?.["ephemeral-storage"] ? null : "set resources.limits.ephemeral-storage",
      ),
  },
  {
    id: "service-account",
    // as kube-linter default-service-account
    why: "Every pod that names no account has the rights of the account `default`.",
    check: ({ spec }) =>
      !spec.serviceAccountName || spec.serviceAccountName === "default"
        ? ["runs as the default ServiceAccount; set serviceAccountName to one of its own"]
        : [],
  },
  {
    id: "no-token",
    // as polaris automountServiceAccountToken, KBP106
    why: "Only a job that uses the Kubernetes API needs a token. Only the janitor waives this rule.",
    check: ({ spec }) =>
      spec.automountServiceAccountToken === false ? [] : ["set automountServiceAccountToken: false"],
  },
  {
    id: "no-plain-secret",
    // as kube-linter env-var-secret, polaris sensitiveContainerEnvVar, KBP111
    why: "Everyone who may read the object can read its environment, and the value stays in the history of the manifest.",
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
    // as polaris priorityClassNotSet
    why: "On a full node Kubernetes ends the pods of the lowest priority first. The syncs need a higher one.",
    check: ({ spec }) =>
      spec.priorityClassName ? [] : ["has no priority; set priorityClassName where the cluster has classes"],
  },
  {
    id: "liveness",
    // as kube-linter no-liveness-probe, kube-score pod-probes, polaris livenessProbeMissing
    why: "Seen: after 3 s of a half-open connection a pod that never ends by itself did nothing any more. Without a probe nobody restarts such a pod.",
    check: ({ spec }) =>
      spec.restartPolicy === "Always"
        ? (spec.containers ?? [])
            .filter(({ livenessProbe }) => livenessProbe === undefined)
            .map(({ name }) => `container ${name}: set a livenessProbe`)
        : [],
  },
  {
    id: "pod-labels",
    // as kube-linter required-label-owner
    why: "The labels of a CronJob are not those of its pods. Policies, logs and people select pods by the labels of the pod.",
    check: ({ labels }) =>
      labels["app.kubernetes.io/name"]
        ? []
        : ["the pod template has no label app.kubernetes.io/name; set it in template.metadata.labels"],
  },
];
