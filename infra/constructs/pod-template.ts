import { createHash } from "node:crypto";
import type { CommandName } from "@r3a/runner/contract/commands";
import type { EnvironmentName } from "@r3a/runner/contract/environment";
import * as k8s from "cdk8s-plus-28/lib/imports/k8s.js";
import { type DatabaseCa, databaseCa, secretOf } from "../model/database-access.ts";
import { componentLabels } from "../model/labels.ts";
import type { Resources } from "../settings/fields.ts";
import type { Settings } from "../settings/schema.ts";
import { runnerEnvironment } from "./config.ts";
import { JANITOR_ACCOUNT } from "./janitor-access.ts";

/** One pod of the runner's image: its containers' common parts, Pod Security `restricted` included. */
export type RunnerPod = {
  readonly component: string;
  readonly image: string;
  readonly imagePullPolicy: Settings["imagePullPolicy"];
  readonly args: readonly [CommandName, ...string[]];
  readonly waitDb: boolean;
  readonly terminationGracePeriodSeconds: number;
  readonly resources: Resources;
  readonly restartPolicy: "Never" | "Always";
  /** Whether it reads the ConfigMap; the schema's needs DB_URL alone, and would be another Job with each value. */
  readonly readsConfig: boolean;
  /** The one with the Kubernetes API has an account and a token of its own, and no secret. */
  readonly access?: "database" | "cluster";
  /** Of the runner's environment what only this pod needs: in the ConfigMap it would change every pod. */
  readonly env?: Readonly<Partial<Record<EnvironmentName, string>>>;
  /** How the kubelet finds out that a process hangs which never ends by itself. */
  readonly probes?: Pick<k8s.Container, "startupProbe" | "livenessProbe">;
  /** A folder of its own beside /tmp, for files of a few bytes. */
  readonly writableFolder?: k8s.VolumeMount;
  /** Pods that share the work, 1 where one does it alone. */
  readonly shards: number;
};

/** The image's user; numeric, since a name fails with CreateContainerConfigError under runAsNonRoot. */
const USER = 10_001;

const NO_AUTHORITY: DatabaseCa = { env: [], mounts: [], volumes: [] };

/** Template of a runner pod. The hash of the ConfigMap stands in it, so that a changed value makes new pods. */
export function podTemplate(settings: Settings, pod: RunnerPod): k8s.PodTemplateSpec {
  const asksCluster = pod.access === "cluster";
  // an init container waits with the account that its pod will work with
  const login = { name: secretOf(settings, pod.args[0]), key: "DB_URL" };
  const authority = asksCluster ? NO_AUTHORITY : databaseCa(settings);
  const container = (name: string, image: string, args: readonly string[]): k8s.Container => ({
    name,
    image,
    imagePullPolicy: pod.imagePullPolicy,
    args: [...args],
    ...(pod.readsConfig ? { envFrom: environmentSources(settings, !asksCluster) } : {}),
    env: [
      ...(asksCluster ? [] : [{ name: "DB_URL", valueFrom: { secretKeyRef: login } }]),
      ...authority.env,
      ...(pod.shards === 1 ? [] : [{ name: "R3A_SHARDS", value: String(pod.shards) }]),
      ...Object.entries(pod.env ?? {}).map(([key, value]) => ({ name: key, value })),
    ],
    resources: {
      requests: {
        cpu: k8s.Quantity.fromString(pod.resources.cpuRequest),
        memory: k8s.Quantity.fromString(pod.resources.memoryRequest),
      },
      limits: {
        memory: k8s.Quantity.fromString(pod.resources.memoryLimit),
        "ephemeral-storage": k8s.Quantity.fromString(pod.resources.temporarySpace),
      },
    },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    },
    volumeMounts: [{ name: "tmp", mountPath: "/tmp" }, ...authority.mounts],
    // the last lines of the log become the reason that `kubectl describe` shows
    terminationMessagePolicy: "FallbackToLogsOnError",
  });
  return {
    metadata: {
      labels: componentLabels(pod.component),
      ...(pod.readsConfig ? { annotations: { "r3a.dev/config-hash": configHash(settings) } } : {}),
    },
    spec: {
      restartPolicy: pod.restartPolicy,
      serviceAccountName: asksCluster ? JANITOR_ACCOUNT : settings.serviceAccountName,
      automountServiceAccountToken: asksCluster,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: pod.terminationGracePeriodSeconds,
      ...(settings.priorityClassName === "" ? {} : { priorityClassName: settings.priorityClassName }),
      ...(settings.pullSecretName === "" ? {} : { imagePullSecrets: [{ name: settings.pullSecretName }] }),
      securityContext: {
        runAsNonRoot: true,
        runAsUser: USER,
        runAsGroup: USER,
        seccompProfile: { type: "RuntimeDefault" },
      },
      ...(pod.waitDb
        ? { initContainers: [container("wait-db", waitDbImage(settings, pod.image), ["wait-db"])] }
        : {}),
      containers: [withExtras(container("runner", pod.image, pod.args), pod)],
      volumes: [
        { name: "tmp", emptyDir: { sizeLimit: k8s.Quantity.fromString(pod.resources.temporarySpace) } },
        ...authority.volumes,
        ...(pod.writableFolder === undefined ? [] : [tinyVolume(pod.writableFolder.name)]),
      ],
    },
  };
}

/** What the work's own container has and its init container has not. */
function withExtras(container: k8s.Container, { probes = {}, writableFolder }: RunnerPod): k8s.Container {
  const mounts = writableFolder === undefined ? [] : [writableFolder];
  return { ...container, ...probes, volumeMounts: [...(container.volumeMounts ?? []), ...mounts] };
}

const tinyVolume = (name: string): k8s.Volume => ({
  name,
  emptyDir: { sizeLimit: k8s.Quantity.fromString("1Mi") },
});

function environmentSources(
  { configMapName, exchangeSecretName }: Settings,
  withSecrets: boolean,
): k8s.EnvFromSource[] {
  const hasSecret = withSecrets && exchangeSecretName !== "";
  const secret = hasSecret ? [{ secretRef: { name: exchangeSecretName } }] : [];
  return [{ configMapRef: { name: configMapName } }, ...secret];
}

function waitDbImage({ waitDbImage: own }: Settings, image: string): string {
  return own === "" ? image : own;
}

/** First 16 hex digits of the SHA-256 of what the ConfigMap holds. */
export function configHash(settings: Settings): string {
  return createHash("sha256")
    .update(JSON.stringify(runnerEnvironment(settings)))
    .digest("hex")
    .slice(0, 16);
}
