import type { Manifest } from "../../../infra/manifest.ts";

const NAMESPACE = "r3a";
const LABELS = { "app.kubernetes.io/name": "r3a" };
const IMAGE = `ghcr.io/triplora/r3a-runner@sha256:${"5".repeat(64)}`;

const container = (name: string, args: readonly string[]) => ({
  name,
  image: IMAGE,
  imagePullPolicy: "IfNotPresent",
  args,
  env: [
    { name: "R3A_SHARDS", value: "2" },
    { name: "DB_URL", valueFrom: { secretKeyRef: { name: "r3a-db", key: "DB_URL" } } },
  ],
  envFrom: [{ configMapRef: { name: "r3a-sync-config" } }],
  resources: {
    requests: { cpu: "50m", memory: "96Mi", "ephemeral-storage": "16Mi" },
    limits: { memory: "160Mi", "ephemeral-storage": "64Mi" },
  },
  securityContext: {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ["ALL"] },
  },
  volumeMounts: [{ name: "tmp", mountPath: "/tmp" }],
});

const podTemplate = () => ({
  metadata: { labels: { ...LABELS, "app.kubernetes.io/component": "sync-15m" } },
  spec: {
    restartPolicy: "Never",
    terminationGracePeriodSeconds: 30,
    serviceAccountName: "r3a-sync-sa",
    automountServiceAccountToken: false,
    imagePullSecrets: [{ name: "r3a-regcred" }],
    priorityClassName: "r3a",
    securityContext: {
      runAsNonRoot: true,
      runAsUser: 65_532,
      runAsGroup: 65_532,
      seccompProfile: { type: "RuntimeDefault" },
    },
    initContainers: [container("wait-db", ["wait-db"])],
    containers: [container("runner", ["sync", "15m"])],
    volumes: [{ name: "tmp", emptyDir: { sizeLimit: "64Mi" } }],
  },
});

const metadata = (name: string, namespace: string | null = NAMESPACE) => ({
  name,
  ...(namespace === null ? {} : { namespace }),
  labels: LABELS,
});

/** A CronJob that keeps every rule. */
export function goodCronJob(name = "r3a-sync-15m", schedule = "*/15 * * * *"): Manifest {
  return {
    apiVersion: "batch/v1",
    kind: "CronJob",
    metadata: metadata(name),
    spec: {
      schedule,
      timeZone: "Etc/UTC",
      concurrencyPolicy: "Forbid",
      suspend: false,
      startingDeadlineSeconds: 300,
      successfulJobsHistoryLimit: 1,
      failedJobsHistoryLimit: 2,
      jobTemplate: {
        metadata: { labels: LABELS },
        spec: {
          backoffLimit: 1,
          activeDeadlineSeconds: 840,
          podFailurePolicy: {
            rules: [
              { action: "Ignore", onPodConditions: [{ type: "DisruptionTarget", status: "True" }] },
              { action: "FailJob", onPodConditions: [{ type: "ConfigIssue", status: "True" }] },
              {
                action: "FailJob",
                onExitCodes: { operator: "In", values: [3, 64, 78] },
                onPodConditions: [],
              },
            ],
          },
          template: podTemplate(),
        },
      },
    },
  };
}

/** A Deployment that keeps every rule. */
export function goodDeployment(): Manifest {
  const template = podTemplate();
  const livenessProbe = { exec: { command: ["true"] } };
  const containers = template.spec.containers.map((each) => ({ ...each, livenessProbe }));
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: metadata("r3a-sync-1m"),
    spec: {
      replicas: 1,
      strategy: { type: "Recreate" },
      selector: { matchLabels: LABELS },
      template: { ...template, spec: { ...template.spec, containers, restartPolicy: "Always" } },
    },
  };
}

export const goodNamespace = (): Manifest => ({
  apiVersion: "v1",
  kind: "Namespace",
  metadata: {
    name: NAMESPACE,
    labels: { ...LABELS, "pod-security.kubernetes.io/enforce": "restricted" },
  },
});

export const goodConfigMap = (): Manifest => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: metadata("r3a-sync-config"),
  data: {
    EGRESS_KEY: "default",
    EXCHANGE_URL: "https://api.binance.com",
    DB_SECRET_NAME: "r3a-db",
    SYMBOLS: "",
  },
});

export const goodServiceAccount = (): Manifest => ({
  apiVersion: "v1",
  kind: "ServiceAccount",
  metadata: metadata("r3a-sync-sa"),
  automountServiceAccountToken: false,
});

export const goodRole = (): Manifest => ({
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind: "Role",
  metadata: metadata("r3a-janitor"),
  rules: [
    { apiGroups: [""], resources: ["pods"], verbs: ["get", "list", "delete"] },
    { apiGroups: [""], resources: ["pods/status"], verbs: ["patch"] },
  ],
});

export const goodRoleBinding = (): Manifest => ({
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind: "RoleBinding",
  metadata: metadata("r3a-janitor"),
  roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "r3a-janitor" },
  subjects: [{ kind: "ServiceAccount", name: "r3a-sync-sa", namespace: NAMESPACE }],
});

export const goodNetworkPolicy = (): Manifest => ({
  apiVersion: "networking.k8s.io/v1",
  kind: "NetworkPolicy",
  metadata: metadata("r3a-runner"),
  spec: {
    podSelector: {
      matchLabels: LABELS,
      matchExpressions: [
        { key: "app.kubernetes.io/component", operator: "NotIn", values: ["janitor"] },
        { key: "app.kubernetes.io/component", operator: "Exists" },
        { key: "app.kubernetes.io/version", operator: "DoesNotExist" },
      ],
    },
    policyTypes: ["Ingress", "Egress"],
    egress: [
      {
        to: [{ ipBlock: { cidr: "10.0.0.0/8", except: ["10.1.0.0/16"] } }],
        ports: [{ port: 443, protocol: "TCP" }],
      },
    ],
  },
});

/** An ExternalSecret as the operator reads it. */
export const goodExternalSecret = (): Manifest => ({
  apiVersion: "external-secrets.io/v1",
  kind: "ExternalSecret",
  metadata: metadata("r3a-db"),
  spec: {
    refreshInterval: "1h",
    secretStoreRef: { name: "r3a", kind: "SecretStore" },
    target: { name: "r3a-db", creationPolicy: "Owner" },
    data: [{ secretKey: "DB_URL", remoteRef: { key: "r3a-db", property: "DB_URL" } }],
  },
});

/** A set of objects without a single finding, the CronJob first. */
export function goodObjects(): readonly Manifest[] {
  return [
    goodCronJob(),
    goodDeployment(),
    goodNamespace(),
    goodConfigMap(),
    goodServiceAccount(),
    goodRole(),
    goodRoleBinding(),
    goodNetworkPolicy(),
    goodExternalSecret(),
  ];
}

/** A copy with one value set at a path like `spec/containers/0/image`; undefined takes the field out. */
export function withChange(object: Manifest, path: string, value: unknown): Manifest {
  const copy = structuredClone(object);
  const steps = path.split("/");
  const last = steps.pop() ?? "";
  let place = copy as Record<string, unknown>;
  for (const step of steps) {
    const next = place[step];
    if (typeof next !== "object" || next === null) throw new Error(`${path}: ${step} is no object or list`);
    place = next as Record<string, unknown>;
  }
  if (value === undefined) delete place[last];
  else place[last] = value;
  return copy;
}

/** A copy with annotations. */
export function withAnnotations(object: Manifest, annotations: Readonly<Record<string, string>>): Manifest {
  return withChange(object, "metadata/annotations", annotations);
}
