import { type Container, NAMESPACE } from "./kubectl.ts";

/** Label of all that is made here: the janitor of the test protects everything without it. */
export const MARK = "r3a-e2e-stuck";

/** One thing that is stuck, and what the janitor must do about it. */
export type StuckState = {
  readonly name: string;
  readonly kind: "Job" | "Pod";
  readonly reason: string;
  readonly action: "delete-pod" | "fail-job" | "delete-job" | "keep";
  /** What it does about a stranger's object in scope namespace; in scope ours it keeps it. */
  readonly inNamespace?: "delete-pod" | "fail-job";
};

export type StuckObject = StuckState & {
  readonly container?: Partial<Container>;
  readonly init?: Partial<Container>;
  readonly pod?: Readonly<Record<string, unknown>>;
  readonly job?: Readonly<Record<string, unknown>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Whether the label of the suite is left out. */
  readonly isStranger?: true;
  /** Whether something that is no Job owns it: the ConfigMap stands for the object of an operator. */
  readonly isOperated?: true;
};

export const node = (program: string): Partial<Container> => ({
  command: ["/usr/bin/node", "-e", program],
  args: [],
});
export const FAILS = node("console.error('the last words'); process.exit(1)");
const NO_IMAGE = { image: "localhost/no-such-image:1", imagePullPolicy: "IfNotPresent" };

export const STUCK_OBJECTS: readonly StuckObject[] = [
  { name: "image", kind: "Job", reason: "ImagePullBackOff", action: "fail-job", container: NO_IMAGE },
  {
    name: "bad-name",
    kind: "Job",
    reason: "InvalidImageName",
    action: "fail-job",
    container: { image: "Not//Valid" },
  },
  { name: "first-image", kind: "Job", reason: "Init:ImagePullBackOff", action: "fail-job", init: NO_IMAGE },
  {
    name: "secret",
    kind: "Job",
    reason: "CreateContainerConfigError",
    action: "fail-job",
    container: {
      env: [{ name: "X", valueFrom: { secretKeyRef: { name: "no-such-secret", key: "X" } } }],
    },
  },
  {
    name: "unschedulable",
    kind: "Job",
    reason: "Unschedulable",
    action: "fail-job",
    pod: { nodeSelector: { "no-such-label": "yes" } },
  },
  {
    name: "crash-loop",
    kind: "Job",
    reason: "CrashLoopBackOff",
    action: "delete-job",
    container: FAILS,
    pod: { restartPolicy: "OnFailure" },
    // a failure policy takes Never alone
    job: { podFailurePolicy: undefined, backoffLimit: 20 },
  },
  { name: "init", kind: "Pod", reason: "Init:Error", action: "delete-pod", init: FAILS },
  { name: "failed", kind: "Pod", reason: "Failed", action: "delete-pod", container: FAILS },
  {
    name: "memory",
    kind: "Pod",
    reason: "OOMKilled",
    action: "delete-pod",
    container: {
      ...node("const all = []; for (;;) all.push(Buffer.alloc(1e6, 1));"),
      resources: { requests: { cpu: "10m", memory: "32Mi" }, limits: { memory: "64Mi" } },
    },
  },
  {
    name: "evicted",
    kind: "Pod",
    reason: "Evicted",
    action: "delete-pod",
    container: node(
      "require('node:fs').writeFileSync('/tmp/x', Buffer.alloc(20e6, 1)); setInterval(() => {}, 1e6);",
    ),
    pod: { volumes: [{ name: "tmp", emptyDir: { sizeLimit: "4Mi" } }] },
  },
  {
    name: "finished",
    kind: "Job",
    reason: "FinishedLongAgo",
    action: "delete-job",
    container: node("0"),
  },
  {
    name: "by-selector",
    kind: "Pod",
    reason: "Failed",
    action: "keep",
    container: FAILS,
    labels: { keep: "please" },
  },
  {
    name: "by-annotation",
    kind: "Pod",
    reason: "Failed",
    action: "keep",
    container: FAILS,
    annotations: { "r3a.dev/janitor": "ignore" },
  },
  {
    name: "by-delay",
    kind: "Pod",
    reason: "Failed",
    action: "keep",
    container: FAILS,
    annotations: { "r3a.dev/janitor-delay": "1h" },
  },
  {
    name: "of-protected-job",
    kind: "Job",
    reason: "ImagePullBackOff",
    action: "keep",
    container: NO_IMAGE,
    labels: { keep: "yes" },
  },
  {
    name: "stranger",
    kind: "Job",
    reason: "ImagePullBackOff",
    action: "keep",
    inNamespace: "fail-job",
    container: NO_IMAGE,
    isStranger: true,
  },
  {
    name: "lone-stranger",
    kind: "Pod",
    reason: "Failed",
    action: "keep",
    inNamespace: "delete-pod",
    container: FAILS,
    isStranger: true,
  },
  { name: "alone", kind: "Pod", reason: "ImagePullBackOff", action: "keep", container: NO_IMAGE },
  {
    name: "operated",
    kind: "Job",
    reason: "ImagePullBackOff",
    action: "keep",
    container: NO_IMAGE,
    isOperated: true,
  },
  {
    name: "hook",
    kind: "Job",
    reason: "FinishedLongAgo",
    action: "keep",
    container: node("0"),
    annotations: { "helm.sh/hook": "pre-upgrade" },
  },
  {
    name: "argo",
    kind: "Job",
    reason: "FinishedLongAgo",
    action: "keep",
    container: node("0"),
    annotations: { "argocd.argoproj.io/tracking-id": `app:batch/Job:${NAMESPACE}/e2e-stuck-argo` },
  },
  {
    name: "flux",
    kind: "Job",
    reason: "ImagePullBackOff",
    action: "keep",
    container: NO_IMAGE,
    labels: { "kustomize.toolkit.fluxcd.io/name": "app" },
  },
];

/** The orphan is made in steps of its own: a CronJob's finished Job, whose CronJob is deleted without it. */
export const ORPHAN: StuckState = { name: "orphan", kind: "Job", reason: "Orphan", action: "delete-job" };
export const STATES: readonly StuckState[] = [...STUCK_OBJECTS, ORPHAN];

export const objectName = (name: string) => `e2e-stuck-${name}`;
