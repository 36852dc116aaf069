import type { CommandName } from "@r3a/runner/contract/commands";
import type { EnvironmentName } from "@r3a/runner/contract/environment";
import type { Settings } from "../settings/schema.ts";
import type { SecretName } from "../settings/secret-keys.ts";

/**
 * What a pod cannot work without. All that a pod gets beyond image and arguments follows from its needs, by the table
 * in `needs.ts`: environment, secrets, volumes, account and token, probes, and where it may connect to.
 */
export type Need =
  /** The ConfigMap with the runner's settings, and variables that name the job and the number of its shards. */
  | "config"
  /** A login to the database, with the certificate authority where the database has one of its own. */
  | "database"
  /** The exchange's REST API, with the keys of the exchange if the settings name their secret. */
  | "exchange"
  /** The Kubernetes API, with an account and a token. */
  | "cluster"
  /** The ages at which the candles of each interval are late. The schedules of the syncs decide these ages. */
  | "freshnessLimits"
  /** A file that the process touches while it works, and the probes that read the age of the file. */
  | "heartbeat";

/** The parts of a pod that its needs depend on. */
export type NeedyPod = {
  readonly command: CommandName;
  /** The job that starts it, e.g. `sync-1m`. */
  readonly component: string;
  /** Number of pods that share the work; 1: one pod does all of it. */
  readonly shards: number;
  /** The command's own deadline, in seconds; 0: none. */
  readonly deadlineSeconds: number;
  /** The period of a command that repeats itself, in seconds. */
  readonly repeatsEverySeconds?: number;
};

/** A secret that must be in the namespace before the jobs start. */
export type RequiredSecret = {
  readonly name: string;
  readonly type: "Opaque" | "kubernetes.io/dockerconfigjson";
  readonly keys: readonly string[];
  /** The encrypted setting from which `secretsMode: pulumi` makes the secret. */
  readonly madeOf: SecretName;
};

/** A variable with a value, or with a key of a Secret. */
export type Variable = {
  readonly name: EnvironmentName | "NODE_EXTRA_CA_CERTS";
  readonly value?: string;
  readonly valueFrom?: { readonly secretKeyRef: { readonly name: string; readonly key: string } };
};

/** All keys of a ConfigMap or of a Secret as variables. */
export type VariableSource =
  | { readonly configMapRef: { readonly name: string } }
  | { readonly secretRef: { readonly name: string } };

type Items = { readonly key: string; readonly path: string }[];

/** A volume and where it is mounted. */
export type MountedVolume = {
  readonly name: string;
  readonly source:
    | { readonly configMap: { readonly name: string; readonly items: Items } }
    | { readonly secret: { readonly secretName: string; readonly items: Items } }
    /** An empty folder of at most this size, e.g. `1Mi`. */
    | { readonly emptySize: string };
  readonly mountPath: string;
  readonly readOnly?: true;
  /** Whether the init container mounts it too. */
  readonly isInInit: boolean;
};

/** A command in the container that ends with 0 while all is well; times in seconds. */
export type Probe = {
  readonly exec: { readonly command: string[] };
  readonly timeoutSeconds: number;
  readonly periodSeconds: number;
  readonly failureThreshold: number;
};
export type Probes = { readonly startupProbe: Probe; readonly livenessProbe: Probe };

/** A block of addresses that pods may connect to, by TCP. */
export type Exit = {
  readonly block: { readonly cidr: string; readonly except?: string[] };
  readonly ports: readonly number[];
};

/** What one need gives a pod; what a need does not give is left out. */
export type Provision = {
  /** Secrets that must be in the namespace, in the order of the outputs. */
  readonly secrets?: (settings: Settings) => readonly RequiredSecret[];
  readonly variables?: (settings: Settings, pod: NeedyPod) => readonly Variable[];
  readonly variableSources?: (settings: Settings) => readonly VariableSource[];
  /** Annotations of the pod: when a value changes, Kubernetes makes new pods. */
  readonly annotations?: (settings: Settings) => Readonly<Record<string, string>>;
  readonly volumes?: (settings: Settings) => readonly MountedVolume[];
  readonly probes?: (pod: NeedyPod) => Probes;
  /** The ServiceAccount whose token the pod gets, instead of the jobs' account without a token. */
  readonly account?: string;
  readonly exits?: (settings: Settings) => readonly Exit[];
  /** True: the exits are reached by a host name, so the pod asks the DNS too. */
  readonly asksDns?: true;
};
