import { afterAll, beforeAll, beforeEach } from "vitest";
import { renderObjects } from "../../../infra/render.ts";
import { SETTINGS } from "../../../infra/settings/schema.ts";
import { DAY_MS } from "../../../runner/src/time.ts";
import { type AnsweringServer, type Answers, startAnswers } from "./answers.ts";

/** A CronJob as the API server lists it, as far as tests change it. */
export type ListedCronJob = {
  readonly metadata: { readonly name: string };
  readonly spec: {
    suspend: boolean;
    schedule: string;
    timeZone?: string;
    concurrencyPolicy: string;
    jobTemplate: { spec: { template: { spec: ListedPodSpec } } };
  };
  readonly status: { lastScheduleTime?: string; lastSuccessfulTime?: string };
};
export type ListedPodSpec = {
  serviceAccountName?: string;
  containers: { image: string; env?: object[] }[];
  volumes?: object[];
};

export type Installation = {
  /** Lists that tests may change; good again before each test. */
  readonly answers: Answers;
  server: AnsweringServer;
  cronJob(name: string): ListedCronJob;
  podSpec(name: string): ListedPodSpec;
};

const imageDigest = `sha256:${"a".repeat(64)}`;

export const named = (names: readonly string[]) => names.map((name) => ({ metadata: { name } }));

/** A pod of the suite in a phase, started ten minutes ago. */
export const ownPod = (phase: string, status: object) => ({
  metadata: { name: "r3a-sync-1m-29", namespace: "r3a", labels: { "app.kubernetes.io/name": "r3a" } },
  spec: { restartPolicy: "Never" },
  status: { phase, startTime: new Date(Date.now() - 600_000).toISOString(), ...status },
});

/** Registers a played API server with what infra deploys, as it looks after a good day. */
export function useInstallation(): Installation {
  const answers: Answers = { lists: {}, forbidden: new Set(), denied: new Set() };
  let server: AnsweringServer | undefined;
  let cronJobs: ListedCronJob[] = [];
  beforeAll(async () => {
    server = await startAnswers(answers);
  });
  afterAll(() => server?.stop());
  beforeEach(() => {
    cronJobs = listGoodCronJobs();
    const accounts = cronJobs.map(({ spec }) => spec.jobTemplate.spec.template.spec.serviceAccountName ?? "");
    answers.forbidden.clear();
    answers.denied.clear();
    Object.assign(answers.lists, {
      cronjobs: cronJobs,
      serviceaccounts: named(["default", ...new Set(accounts)]),
      secrets: named(["r3a-db", "r3a-binance", "r3a-regcred"]),
      configmaps: named(["r3a-sync-config"]),
      pods: [ownPod("Running", {})],
      roles: listObjects("Role"),
      rolebindings: listObjects("RoleBinding"),
    });
  });
  const cronJob = (name: string) => {
    const found = cronJobs.find(({ metadata }) => metadata.name === name);
    if (found === undefined) throw new Error(`infra makes no ${name}`);
    return found;
  };
  return {
    answers,
    get server() {
      if (server === undefined) throw new Error("the server runs from beforeAll to afterAll");
      return server;
    },
    set server(next) {
      server = next;
    },
    cronJob,
    podSpec: (name) => cronJob(name).spec.jobTemplate.spec.template.spec,
  };
}

function listGoodCronJobs(): ListedCronJob[] {
  const creationTimestamp = new Date(Date.now() - 40 * DAY_MS).toISOString();
  const now = new Date().toISOString();
  return listObjects("CronJob").map((object) => ({
    ...(object as unknown as ListedCronJob),
    metadata: { ...object.metadata, name: object.metadata.name ?? "", creationTimestamp },
    status: { lastScheduleTime: now, lastSuccessfulTime: now },
  }));
}

/** What infra deploys of a kind. */
function listObjects(kind: string) {
  const objects = renderObjects(SETTINGS.parse({ imageDigest, exchangeSecretName: "r3a-binance" }));
  return structuredClone(objects).filter((object) => object.kind === kind);
}
