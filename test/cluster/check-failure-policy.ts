import { RUN_ORIGIN } from "../../runner/src/contract/environment.ts";
import { EXIT } from "../../runner/src/contract/exits.ts";
import {
  type Container,
  type CronJob,
  createObject,
  endOf,
  exitCodesOf,
  getObject,
  type JobSpec,
  kubectl,
  listPodsOf,
  logsOf,
  waitFor,
  waitForEnd,
} from "./kubectl.ts";
import { check, expectEqual } from "./report.ts";
import type { Servers } from "./servers.ts";

/** A Job as the CronJob would make it, with another container: the failure policy is the deployed one. */
async function startJob(
  name: string,
  container: Partial<Container>,
  spec: Partial<JobSpec> = {},
): Promise<void> {
  const { jobTemplate } = (await getObject<CronJob>("cronjob", "r3a-sync-1h")).spec;
  const { template } = jobTemplate.spec;
  const [runner] = template.spec.containers;
  const { initContainers: _, ...pod } = template.spec;
  // these are runs by hand: health fails over a job that was stopped, and the last check asks that it passes
  const variables = (runner?.env ?? []) as readonly { readonly name: string }[];
  const env = variables.filter(({ name }) => name !== RUN_ORIGIN);
  await createObject({
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name, labels: { "app.kubernetes.io/part-of": "r3a" } },
    spec: {
      ...jobTemplate.spec,
      ...spec,
      template: { ...template, spec: { ...pod, containers: [{ ...runner, env, ...container }] } },
    },
  });
}

type Promised = {
  readonly name: string;
  readonly title: string;
  readonly container: Partial<Container>;
  readonly backoffLimit: number;
  readonly codes: readonly number[];
  readonly reason: string;
};

/** `backoffLimit` above 0 shows that FailJob really cut the tries short. The brake is the janitor's: check-janitor-states.ts. */
const PROMISES: readonly Promised[] = [
  {
    name: "wrong-settings",
    title: "wrong settings fail the Job at once",
    container: { env: [{ name: "DB_URL", value: "not a url" }] },
    backoffLimit: 2,
    codes: [EXIT.settings],
    reason: "PodFailurePolicy",
  },
  {
    name: "wrong-arguments",
    title: "wrong arguments fail the Job at once",
    container: { args: ["sync", "7m"] },
    backoffLimit: 2,
    codes: [EXIT.usage],
    reason: "PodFailurePolicy",
  },
  {
    name: "database-away",
    title: "an unreachable database counts and is tried again",
    container: {
      args: ["sync", "1h", "--deadline", "6"],
      // nothing listens on port 1
      env: [{ name: "DB_URL", value: "postgresql://nobody:none@127.0.0.1:1/none" }],
    },
    backoffLimit: 1,
    codes: [EXIT.tryAgain, EXIT.tryAgain],
    reason: "BackoffLimitExceeded",
  },
];

/** What the exit codes of the contract do to a Job, on the deployed failure policy. */
export async function checkFailurePolicy(): Promise<void> {
  await Promise.all(
    PROMISES.map(({ name, title, container, backoffLimit, codes, reason }) =>
      check(`${title} (exit ${codes[0]})`, async () => {
        const job = `e2e-${name}`;
        await startJob(job, container, { backoffLimit });
        const ended = await waitForEnd(job, 90);
        expectEqual(await exitCodesOf(job), codes, "exit codes");
        expectEqual(endOf(ended)?.reason, reason, `reason; ${await logsOf(job)}`);
        return `${codes.length} pod${codes.length === 1 ? "" : "s"}, ${reason}`;
      }),
    ),
  );
}

/** SIGTERM reaches Node as process 1, the run is closed in the ledger, and the exit code comes out whole. */
export async function checkSigterm({ query }: Servers): Promise<void> {
  await check(
    `SIGTERM ends a run with work left (exit ${EXIT.terminated}); its pod has no token`,
    async () => {
      const job = "e2e-sigterm";
      // outside the universe, so that no sync holds its lock; six years take minutes
      const args = ["backfill", "1m", "--symbols", "USDCUSDT", "--from", "2020-01-01"];
      await startJob(job, { args }, { backoffLimit: 0 });
      await waitFor("the run in the ledger", 30, async () => {
        const rows = await query("select from r3a.run where command = 'backfill' and finished_at is null");
        return rows.length === 0 ? null : rows;
      });
      // the kubelet hears of a new container a second after it has begun
      const pod = await waitFor("its running container", 30, async () => {
        const [first] = await listPodsOf(job);
        return first?.status.containerStatuses?.some(({ state }) => state.running) ? first : null;
      });
      const inPod = (code: string) => kubectl(["exec", pod.metadata.name, "--", "/usr/bin/node", "-e", code]);
      const seen = await inPod(`
      const fs = require("node:fs");
      const write = (path) => { try { fs.writeFileSync(path, ""); return "written"; } catch (error) { return error.code; } };
      console.log(JSON.stringify({ token: fs.existsSync("/var/run/secrets"), shell: fs.existsSync("/bin/sh"),
        uid: process.getuid(), root: write("/app/x"), tmp: write("/tmp/x") }));
      process.kill(1, "SIGTERM");`);
      expectEqual(
        JSON.parse(seen),
        { token: false, shell: false, uid: 10_001, root: "EROFS", tmp: "written" },
        "in the pod",
      );
      await waitForEnd(job, 30);
      expectEqual(await exitCodesOf(job), [EXIT.terminated], `exit codes; ${await logsOf(job)}`);
      const [run] = await query("select outcome from r3a.run where command = 'backfill'");
      expectEqual(run?.outcome, "aborted", "outcome in the ledger");
      return "read-only root, no shell, no token, uid 10001; outcome aborted";
    },
  );
}
