import type { CommandName } from "@r3a/runner/contract/commands";
import * as k8s from "cdk8s-plus-28/lib/imports/k8s.js";
import { componentLabels } from "../model/labels.ts";
import type { MountedVolume, Need, NeedyPod } from "../model/need.ts";
import { provisionsOf } from "../model/needs.ts";
import type { Resources } from "../settings/fields.ts";
import type { Settings } from "../settings/schema.ts";

/** One pod of the runner's image. */
export type RunnerPodProps = Omit<NeedyPod, "command"> & {
  /** Repository with digest or tag. */
  readonly image: string;
  readonly imagePullPolicy: Settings["imagePullPolicy"];
  /** The command of the runner and its arguments. */
  readonly args: readonly [CommandName, ...string[]];
  /** Whether an init container waits for the database. */
  readonly waitDb: boolean;
  /** From SIGTERM to SIGKILL, in seconds. */
  readonly terminationGracePeriodSeconds: number;
  /** Of each container, as Kubernetes quantities: `50m`, `96Mi`. */
  readonly resources: Resources;
  readonly restartPolicy: "Never" | "Always";
  readonly needs: readonly Need[];
};

/** The user of the image, as a number: with a name the pod ends in CreateContainerConfigError under runAsNonRoot. */
const USER = 10_001;

/**
 * Template of a runner pod, by Pod Security `restricted`. All but its image and its arguments follows from its needs.
 */
export function podTemplate(settings: Settings, pod: RunnerPodProps): k8s.PodTemplateSpec {
  const provisions = provisionsOf(pod.needs);
  const needy = { ...pod, command: pod.args[0] };
  // the init container logs in to the database as the command will
  const variables = provisions.flatMap((each) => each.variables?.(settings, needy) ?? []);
  const sources = provisions.flatMap(({ variableSources }) => variableSources?.(settings) ?? []);
  const volumes = provisions.flatMap((each) => each.volumes?.(settings) ?? []);
  const account = provisions.find((each) => each.account !== undefined)?.account;
  const annotations = provisions.flatMap((each) => Object.entries(each.annotations?.(settings) ?? {}));
  const probes = provisions.flatMap((each) => each.probes?.(needy) ?? []);
  const container = (
    name: string,
    image: string,
    args: readonly string[],
    mounted: readonly MountedVolume[],
  ): k8s.Container => ({
    name,
    image,
    imagePullPolicy: pod.imagePullPolicy,
    args: [...args],
    ...(sources.length === 0 ? {} : { envFrom: sources }),
    env: variables,
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
    volumeMounts: [{ name: "tmp", mountPath: "/tmp" }, ...mounted.map(mountOf)],
    // `kubectl describe` then shows the last lines of the log as the reason of a failure
    terminationMessagePolicy: "FallbackToLogsOnError",
  });
  return {
    metadata: {
      labels: componentLabels(pod.component),
      ...(annotations.length === 0 ? {} : { annotations: Object.fromEntries(annotations) }),
    },
    spec: {
      restartPolicy: pod.restartPolicy,
      serviceAccountName: account ?? settings.serviceAccountName,
      automountServiceAccountToken: account !== undefined,
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
        ? {
            initContainers: [
              container(
                "wait-db",
                waitDbImage(settings, pod.image),
                ["wait-db"],
                volumes.filter(({ isInInit }) => isInInit),
              ),
            ],
          }
        : {}),
      containers: [{ ...container("runner", pod.image, pod.args, volumes), ...probes[0] }],
      volumes: [emptyVolume("tmp", pod.resources.temporarySpace), ...volumes.map(volumeOf)],
    },
  };
}

const emptyVolume = (name: string, size: string): k8s.Volume => ({
  name,
  emptyDir: { sizeLimit: k8s.Quantity.fromString(size) },
});

function volumeOf({ name, source }: MountedVolume): k8s.Volume {
  return "emptySize" in source ? emptyVolume(name, source.emptySize) : { name, ...source };
}

function mountOf({ name, mountPath, readOnly }: MountedVolume): k8s.VolumeMount {
  return { name, mountPath, ...(readOnly === undefined ? {} : { readOnly }) };
}

function waitDbImage({ waitDbImage: own }: Settings, image: string): string {
  return own === "" ? image : own;
}
