import { checkAdoption } from "./adoption.ts";
import { checkAccess, checkAdmission, checkPods } from "./check-access.ts";
import { checkByHand, checkFires, checkNoCollision, checkTruth } from "./check-candles.ts";
import { checkFailurePolicy, checkSigterm } from "./check-failure-policy.ts";
import { checkGuide, checkSecretLines } from "./check-guide.ts";
import { checkJanitorPod } from "./check-janitor-pod.ts";
import { checkJanitorStates } from "./check-janitor-states.ts";
import { checkMaintenance } from "./check-maintenance.ts";
import { checkSecrets } from "./check-secrets.ts";
import {
  checkImageUpdate,
  checkNothingStarts,
  checkRemoval,
  checkSchedule,
  checkSecondApply,
  checkSuspend,
} from "./check-updates.ts";
import { type Job, kubectl, listObjects, NAMESPACE, waitForSuccess } from "./kubectl.ts";
import { printPodStart } from "./pod-start.ts";
import { checkPulumiCli } from "./pulumi-cli.ts";
import { checkPulumiWay } from "./pulumi-way.ts";
import { checkRecovery } from "./recovery.ts";
import { check, listFailures, phase } from "./report.ts";
import { checkImage, listArchives, loadImage } from "./runner-image.ts";
import { startServers } from "./servers.ts";
import { defineStack, prepareNamespace } from "./stack.ts";
import { makeStates } from "./stuck-states.ts";

export type Surroundings = {
  /** Holds the images' archives, and takes what the test writes. */
  readonly folder: string;
  /** This machine's address as pods see it. */
  readonly host: string;
  /** A command that brings an image's archive into the cluster and prints the name by which pods find it. */
  readonly loader: string;
  /** A command that restarts the API server, where this cluster has one. */
  readonly restartApi: string | undefined;
  /** Whether the faults that take minutes are part of it. */
  readonly isWithFaults: boolean;
  /** Whether only the costs of image and pods are wanted: deployed, measured, taken down. */
  readonly isCostOnly: boolean;
  /** Registers what must be undone, last first. */
  readonly onEnd: (name: string, work: () => Promise<unknown>) => void;
};

/** From the sources to rows in the database. A step that fails ends it; a check that fails does not. */
export async function runScenario(surroundings: Surroundings): Promise<void> {
  const { folder, host, loader, onEnd } = surroundings;
  const { first, second } = await phase("image: load", async () => {
    const archives = listArchives(folder);
    await checkImage(archives[0]);
    return { first: await loadImage(loader, archives[0]), second: await loadImage(loader, archives[1]) };
  });
  const servers = await phase("PostgreSQL and the simulated exchange", async () => {
    const started = await startServers(host);
    onEnd("servers", () => started.stop());
    return started;
  });
  const stack = await defineStack(folder, host, servers);

  await phase("deploy: synth, server-side apply, schema", async () => {
    onEnd("namespace", () =>
      kubectl(["delete", "namespace", NAMESPACE, "--ignore-not-found", "--timeout=90s"]),
    );
    await prepareNamespace(servers.databaseUrl);
    await checkAdoption(() => stack.apply({ image: first, suspendAll: true }));
    await stack.apply({ image: first });
    await check("the schema job migrates", async () => {
      const [job] = await listObjects<Job>("job", "-l", "app.kubernetes.io/component=migrate");
      await waitForSuccess(job?.metadata.name ?? "", 90);
      const rows = await servers.query("select from r3a.migration");
      return `${job?.metadata.name}: ${rows.length} migrations`;
    });
    if (listFailures().length > 0) throw new Error("without the schema nothing else can run");
    await checkSecondApply(stack, first);
  });
  if (surroundings.isCostOnly)
    return phase("what a pod costs", async () => {
      await stack.apply({ image: first, suspendAll: true });
      await printPodStart(servers);
    });

  await phase("runs, failures and rights", async () => {
    // they need a minute to get stuck
    const stuck = makeStates();
    stuck.catch(() => {});
    const byClock = ["r3a-sync-1m-top", "r3a-sync-1m", "r3a-sync-15m"].map(checkFires);
    const byHand = ["1h", "4h", "1d"].map((interval) =>
      checkByHand(`r3a-sync-${interval}`, `e2e-sync-${interval}`),
    );
    await Promise.all([...byHand, checkAdmission()]);
    await Promise.all([checkSigterm(servers), checkFailurePolicy()]);
    await checkAccess();
    await checkJanitorPod();
    await Promise.all([...byClock, checkJanitorStates(stuck)]);
    await checkMaintenance(servers);
    await checkGuide();
    await checkSecretLines();
  });

  await phase("updates", async () => {
    await checkSuspend(stack, first);
    const nothingStarts = checkNothingStarts();
    await checkTruth(servers, ["1m", "15m", "1h", "1d"]);
    await checkNoCollision(servers);
    await nothingStarts;
    await checkSchedule(stack, first);
    await checkImageUpdate(stack, second);
    await checkRemoval(stack, second);
  });

  await phase("the second way: what the Pulumi program registers", () =>
    checkPulumiWay(stack.settings(), servers.databaseUrl),
  );

  if (surroundings.isWithFaults)
    await phase("recovery", async () => {
      await stack.apply({ image: second });
      await checkRecovery(servers, surroundings.restartApi);
      await checkTruth(servers, ["1m", "15m", "1h", "1d"]);
    });

  await phase("secrets and pods", async () => {
    await stack.apply({ image: second, suspendAll: true });
    await checkSecrets(servers.databaseUrl);
    await checkPods();
  });

  await phase("pulumi, where there is one", async () => {
    const settings = stack.settings();
    await kubectl(["delete", "namespace", NAMESPACE, "--timeout=90s"]);
    await checkPulumiCli(settings, servers.databaseUrl);
  });
}
