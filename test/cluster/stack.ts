import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { loadStack } from "../../infra/model/load.ts";
import { synthStacks } from "../../infra/programs/synth-stacks.ts";
import type { Settings } from "../../infra/settings/schema.ts";
import { DAY_MS } from "../../runner/src/time.ts";
import { isControlledBy, type KubeObject, kubectl, listObjects, NAMESPACE } from "./kubectl.ts";
import { ROOT } from "./run-tool.ts";
import { REPOSITORY } from "./runner-image.ts";
import type { Servers } from "./servers.ts";

type JobChange = Readonly<Record<string, string | number | boolean>>;
/** What the test changes of the environment as it goes. */
export type Change = {
  readonly image: string;
  readonly suspendAll?: boolean;
  readonly jobs?: Readonly<Record<string, JobChange>>;
};

/** Two minutes are the longest that the test waits for the clock; the rest follows from the period. */
const EVERY_TWO_MINUTES = { schedule: "*/2 * * * *", activeDeadlineSeconds: 80 };
/** The parent of the set of applied objects: kubectl removes what is no longer in the set. */
const SET = "configmaps/r3a-e2e-set";

/** One environment, written as a stack's file and deployed as docs/deploy.md says. */
export type Stack = {
  /** Synth and server-side apply of the environment with this change. */
  apply(change: Change): Promise<void>;
  /** The settings of the last apply. */
  settings(): Settings;
};

export async function defineStack(folder: string, host: string, servers: Servers): Promise<Stack> {
  await copyFile(join(ROOT, "Pulumi.yaml"), join(folder, "Pulumi.yaml"));
  const fixed = {
    namespace: NAMESPACE,
    image: REPOSITORY,
    pullSecretName: "",
    databaseCidr: `${host}/32`,
    databasePort: servers.databasePort,
    exchangeCidr: `${host}/32`,
    exchangeUrl: `http://${host}:${servers.exchange.port}`,
    universeSize: 5,
    // yesterday's midnight: the first 1d candle has closed, and the first run of 1m has three pages a symbol at most
    fallbackStart: new Date(Date.now() - DAY_MS).toISOString().slice(0, 10),
    // kept, so that the logs of all pods can be searched at the end
    successfulJobsHistoryLimit: 10,
    failedJobsHistoryLimit: 10,
  };
  let applied = "";
  return {
    async apply({ image, suspendAll = false, jobs = {} }) {
      const [, digest] = image.split("@");
      const settings = {
        ...fixed,
        imageDigest: digest,
        suspendAll,
        jobs: { "sync-15m": EVERY_TWO_MINUTES, ...jobs },
      };
      const config = Object.fromEntries(
        Object.entries(settings).map(([key, value]) => [`r3a:${key}`, value]),
      );
      await writeFile(join(folder, "Pulumi.e2e.yaml"), JSON.stringify({ config }, null, 2));
      const out = join(folder, "dist");
      await mkdir(out, { recursive: true });
      const code = synthStacks(folder, out, ["--stack", "e2e"]);
      if (code !== 0) throw new Error(`synth: exit ${code}`);
      applied = await readFile(join(out, "e2e", "r3a.yaml"), "utf8");
      await kubectl(
        // Helm or Pulumi set some of the fields before
        [
          "apply",
          "--server-side",
          "--force-conflicts",
          "--prune",
          `--applyset=${SET}`,
          "--field-manager=r3a-e2e",
          "-f",
          "-",
        ],
        applied,
      );
    },
    settings: () => loadStack(folder, "e2e"),
  };
}

/** Namespace and secret, which must be there before the objects that refer to them. */
export async function prepareNamespace(databaseUrl: string): Promise<void> {
  const objects = [
    { apiVersion: "v1", kind: "Namespace", metadata: { name: NAMESPACE } },
    {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "r3a-db", namespace: NAMESPACE },
      stringData: { DB_URL: databaseUrl },
    },
  ];
  for (const object of objects) await kubectl(["create", "-f", "-"], JSON.stringify(object));
}

/** Kinds of the chart's objects; a Job of a CronJob is the controller's. */
const KINDS = "namespace,serviceaccount,role,rolebinding,networkpolicy,configmap,cronjob,job";
const OURS = "app.kubernetes.io/managed-by=r3a-infra";

/** What an apply decides of each object of ours, by Kind/name: uid, generation and everything but the status. */
export async function snapshot(): Promise<Readonly<Record<string, unknown>>> {
  const objects = await listObjects<KubeObject>(KINDS, "-l", OURS);
  return Object.fromEntries(
    objects
      .filter((object) => object.metadata.ownerReferences === undefined)
      .map(({ metadata, status: _, ...rest }) => {
        const { uid, generation, labels, annotations } = metadata;
        return [`${rest.kind}/${metadata.name}`, { uid, generation, labels, annotations, ...rest }];
      }),
  );
}

/** Names that were in one of the two snapshots alone, or whose object is not the same in both. */
export function changesBetween(
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
): readonly string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]))
    .sort();
}

/** The Jobs that a CronJob started by the controller's clock, not those that a person made from it. */
export async function listScheduled(cronJob: string): Promise<readonly KubeObject[]> {
  return (await listObjects("job")).filter(
    (job) =>
      isControlledBy(job, "CronJob", cronJob) &&
      job.metadata.annotations?.["batch.kubernetes.io/cronjob-scheduled-timestamp"] !== undefined,
  );
}
