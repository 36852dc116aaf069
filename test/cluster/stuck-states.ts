import {
  type Container,
  type CronJob,
  createObject,
  getObject,
  type JobSpec,
  kubectl,
  NAMESPACE,
} from "./kubectl.ts";

/** Label of all that is made here: the janitor of the test protects everything without it. */
export const MARK = "r3a-e2e-stuck";
export const OTHER_NAMESPACE = "r3a-e2e-other";
const LABELS = { [MARK]: "yes" };

/** One thing that is stuck, and what the janitor must do about it. */
export type StuckState = {
  readonly name: string;
  readonly kind: "Job" | "Pod";
  readonly reason: string;
  readonly action: "delete-pod" | "fail-job" | "delete-job" | "keep";
};

type Wish = StuckState & {
  readonly container?: Partial<Container>;
  readonly init?: Partial<Container>;
  readonly pod?: Readonly<Record<string, unknown>>;
  readonly job?: Readonly<Record<string, unknown>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
};

const node = (program: string): Partial<Container> => ({
  command: ["/usr/bin/node", "-e", program],
  args: [],
});
const FAILS = node("console.error('the last words'); process.exit(1)");
const NO_IMAGE = { image: "localhost/no-such-image:1", imagePullPolicy: "IfNotPresent" };

const WISHES: readonly Wish[] = [
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
];

/** The orphan is made in steps of its own: a CronJob's finished Job, whose CronJob is deleted without it. */
const ORPHAN: StuckState = { name: "orphan", kind: "Job", reason: "Orphan", action: "delete-job" };
export const STATES: readonly StuckState[] = [...WISHES, ORPHAN];

export const objectName = (name: string) => `e2e-stuck-${name}`;

/** Makes every state, with the pods of the suite as they are deployed: restricted, on its image. */
export async function makeStates(): Promise<void> {
  const { jobTemplate } = (await getObject<CronJob>("cronjob", "r3a-sync-1h")).spec;
  await createObject({ apiVersion: "v1", kind: "Namespace", metadata: { name: OTHER_NAMESPACE } });
  const elsewhere = {
    name: "elsewhere",
    kind: "Pod",
    container: FAILS,
    pod: { serviceAccountName: "default" },
  } as const;
  await Promise.all([
    ...WISHES.map((wish) => make(wish, jobTemplate.spec)),
    make({ ...elsewhere, reason: "Failed", action: "keep" }, jobTemplate.spec, OTHER_NAMESPACE),
  ]);
  await makeOrphan(jobTemplate.spec);
}

async function make(wish: Wish, spec: JobSpec, namespace = NAMESPACE): Promise<void> {
  const { initContainers: _, ...base } = spec.template.spec;
  const [runner] = base.containers;
  const podSpec = {
    ...base,
    ...wish.pod,
    containers: [{ ...runner, ...(wish.container ?? node("setInterval(() => {}, 1e6)")), envFrom: [] }],
    ...(wish.init === undefined
      ? {}
      : { initContainers: [{ ...runner, name: "first", ...wish.init, envFrom: [] }] }),
  };
  const labels = { ...LABELS, ...wish.labels };
  const metadata = { name: objectName(wish.name), labels, annotations: wish.annotations };
  const object =
    wish.kind === "Pod"
      ? { apiVersion: "v1", kind: "Pod", metadata, spec: podSpec }
      : {
          apiVersion: "batch/v1",
          kind: "Job",
          metadata,
          spec: {
            ...spec,
            activeDeadlineSeconds: 600,
            backoffLimit: 0,
            ...wish.job,
            template: { metadata: { labels: LABELS }, spec: podSpec },
          },
        };
  await kubectl(["create", "-n", namespace, "-f", "-"], JSON.stringify(object));
}

async function makeOrphan(spec: JobSpec): Promise<void> {
  const name = objectName(ORPHAN.name);
  const { initContainers: _, ...base } = spec.template.spec;
  const [runner] = base.containers;
  const template = {
    metadata: { labels: LABELS },
    spec: { ...base, containers: [{ ...runner, ...node("0"), envFrom: [] }] },
  };
  await createObject({
    apiVersion: "batch/v1",
    kind: "CronJob",
    metadata: { name, labels: LABELS },
    spec: {
      schedule: "0 0 1 1 *",
      suspend: true,
      jobTemplate: { metadata: { labels: LABELS }, spec: { ...spec, template } },
    },
  });
  await kubectl(["create", "job", name, `--from=cronjob/${name}`]);
  await kubectl(["wait", "--for=condition=complete", `job/${name}`, "--timeout=90s"]);
  await kubectl(["delete", "cronjob", name, "--cascade=orphan"]);
}

/** Takes away what is left of the states, and the other namespace. */
export async function removeStates(): Promise<void> {
  await kubectl(["delete", "job,pod", "-l", MARK, "--wait=false"]);
  await kubectl(["delete", "namespace", OTHER_NAMESPACE, "--ignore-not-found", "--wait=false"]);
}
