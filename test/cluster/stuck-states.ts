import { PART_OF } from "../../runner/src/contract/names.ts";
import {
  type CronJob,
  createObject,
  getObject,
  type JobSpec,
  type KubeObject,
  kubectl,
  NAMESPACE,
} from "./kubectl.ts";
import { FAILS, MARK, node, ORPHAN, objectName, STUCK_OBJECTS, type StuckObject } from "./stuck-objects.ts";

export const OTHER_NAMESPACE = "r3a-e2e-other";
const LABELS = { [MARK]: "yes" };
const OURS = { [PART_OF.label]: PART_OF.suite };

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
    ...STUCK_OBJECTS.map((stuck) => make(stuck, jobTemplate.spec)),
    make({ ...elsewhere, reason: "Failed", action: "keep" }, jobTemplate.spec, OTHER_NAMESPACE),
  ]);
  await makeOrphan(jobTemplate.spec);
}

async function make(stuck: StuckObject, spec: JobSpec, namespace = NAMESPACE): Promise<void> {
  const { initContainers: _, ...base } = spec.template.spec;
  const [runner] = base.containers;
  const podSpec = {
    ...base,
    ...stuck.pod,
    containers: [{ ...runner, ...(stuck.container ?? node("setInterval(() => {}, 1e6)")), envFrom: [] }],
    ...(stuck.init === undefined
      ? {}
      : { initContainers: [{ ...runner, name: "first", ...stuck.init, envFrom: [] }] }),
  };
  const labels = { ...LABELS, ...(stuck.isStranger === true ? {} : OURS), ...stuck.labels };
  const ownerReferences = stuck.isOperated === true ? [await ownerForOperated()] : undefined;
  const metadata = {
    name: objectName(stuck.name),
    labels,
    annotations: stuck.annotations,
    ownerReferences,
  };
  const object =
    stuck.kind === "Pod"
      ? { apiVersion: "v1", kind: "Pod", metadata, spec: podSpec }
      : {
          apiVersion: "batch/v1",
          kind: "Job",
          metadata,
          spec: {
            ...spec,
            activeDeadlineSeconds: 600,
            backoffLimit: 0,
            ...stuck.job,
            template: { metadata: { labels: LABELS }, spec: podSpec },
          },
        };
  await kubectl(["create", "-n", namespace, "-f", "-"], JSON.stringify(object));
}

async function ownerForOperated(): Promise<object> {
  const { metadata } = await getObject<KubeObject>("configmap", "r3a-sync-config");
  // the garbage collection takes what names an owner that is not there
  return { apiVersion: "v1", kind: "ConfigMap", name: metadata.name, uid: metadata.uid };
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
      jobTemplate: { metadata: { labels: { ...LABELS, ...OURS } }, spec: { ...spec, template } },
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
