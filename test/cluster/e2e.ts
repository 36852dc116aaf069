import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { tolerate, withLock } from "../../dev/install/file-lock.js";
import { messageOf } from "../../runner/src/errors.ts";
import { listFailures, phase, say, summarize } from "./report.ts";
import { ROOT, runTool } from "./run-tool.ts";
import { buildImages } from "./runner-image.ts";

/**
 * `npm run test:e2e`: the suite on a real Kubernetes, from the image to the rows. Without KUBECONFIG it starts a cluster
 * of its own and runs itself again inside it; with KUBECONFIG it uses that cluster, see README.md here. `--recovery`
 * adds the faults that take minutes, `--cost` only measures what image and pods cost.
 */

const CLUSTER = join(ROOT, "test/cluster/cluster");
const STATE = process.env.R3A_CLUSTER_STATE ?? "/tmp/r3a-cluster";
/** What `cluster up` keeps in its state, to tell the cluster of a run from one that somebody started by hand. */
const OWNER = "e2e";
/** The node of the local cluster, as its pods see it. */
const LOCAL_HOST = "10.244.0.1";

/** This machine cannot have the cluster: nothing was tested. */
const NO_CLUSTER = 75;

/** A machine has one such cluster. A run takes 4 min, with `--recovery` 12, and the first time 10 more. */
const LOCK = "/tmp/r3a-cluster.lock";
const WAIT_MS = 20 * 60_000;

/** The local cluster around the test, taken down whatever happens. */
async function runLocally(folder: string): Promise<number> {
  const onWait = (pid: number) => say(`process ${pid} has the cluster: this run waits for its end`);
  return withLock(LOCK, () => runInTurn(folder), { waitMs: WAIT_MS, onWait }).catch((error: unknown) => {
    say(messageOf(error));
    return NO_CLUSTER;
  });
}

async function isOurs(): Promise<boolean> {
  return (await readFile(join(STATE, "for"), "utf8").catch(tolerate("ENOENT")))?.trim() === OWNER;
}

async function runInTurn(folder: string): Promise<number> {
  let code = NO_CLUSTER;
  try {
    await phase("install (Debian packages, Kubernetes from Go modules; cached)", () =>
      runTool(CLUSTER, ["install"], { isLoud: true }),
    );
    code = 1;
    await phase("image: build", () => buildImages(folder));
    // from here on there is something to take down. Ctrl-C reaches by itself what runs: it cleans up, and then we do
    const stop = new AbortController();
    for (const signal of ["SIGINT", "SIGTERM"] as const)
      process.on(signal, () => stop.abort(new Error(`stopped by ${signal}`)));
    try {
      code = NO_CLUSTER;
      if (await isOurs()) await phase("cluster of a run that was killed: down", takeDown);
      await phase("cluster up", () =>
        runTool(CLUSTER, ["up"], { isLoud: true, env: { R3A_CLUSTER_FOR: OWNER } }),
      );
      code = 1;
      stop.signal.throwIfAborted();
      const env = [
        `R3A_E2E_FOLDER=${folder}`,
        `R3A_E2E_HOST=${LOCAL_HOST}`,
        `R3A_E2E_LOAD=${CLUSTER} load`,
        `R3A_E2E_RESTART_API=${CLUSTER} restart-api`,
      ];
      const self = [process.execPath, fileURLToPath(import.meta.url), ...process.argv.slice(2)];
      const child = spawn(CLUSTER, ["exec", "env", ...env, ...self], { cwd: ROOT, stdio: "inherit" });
      process.on("SIGTERM", () => child.kill("SIGTERM"));
      [code] = (await once(child, "close")) as [number];
    } finally {
      if (await isOurs()) await phase("cluster down", takeDown);
    }
  } catch (error) {
    say(messageOf(error));
  }
  summarize();
  return code;
}

const takeDown = () => runTool(CLUSTER, ["down"]);

/** The test proper, on the cluster that KUBECONFIG names. */
async function runOnCluster(folder: string, host: string, loader: string): Promise<number> {
  const isWithFaults = process.argv.includes("--recovery");
  const isCostOnly = process.argv.includes("--cost");
  // loaded here: the outer run needs none of it
  const { runScenario } = await import("./scenario.ts");
  const { diagnose } = await import("./diagnose.ts");
  const restartApi = process.env.R3A_E2E_RESTART_API;
  const cleanups: { name: string; work: () => Promise<unknown> }[] = [];
  const stopped = Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]).then(() => {
    throw new Error("stopped by a signal");
  });
  let isBroken = false;
  try {
    const onEnd = (name: string, work: () => Promise<unknown>) => cleanups.unshift({ name, work });
    await Promise.race([
      runScenario({ folder, host, loader, restartApi, isWithFaults, isCostOnly, onEnd }),
      stopped,
    ]);
  } catch (error) {
    isBroken = true;
    say(`FAIL  ${messageOf(error)}`);
  }
  if (isBroken || listFailures().length > 0) await diagnose();
  await phase("taking down", async () => {
    for (const { name, work } of cleanups) await work().catch((error) => say(`${name}: ${String(error)}`));
  });
  summarize();
  return isBroken || listFailures().length > 0 ? 1 : 0;
}

async function main(): Promise<number> {
  const { KUBECONFIG, R3A_E2E_FOLDER, R3A_E2E_HOST, R3A_E2E_LOAD } = process.env;
  if (KUBECONFIG !== undefined && (R3A_E2E_HOST === undefined || R3A_E2E_LOAD === undefined)) {
    say("with KUBECONFIG set, R3A_E2E_HOST and R3A_E2E_LOAD must be set too: see test/cluster/README.md");
    return 64;
  }
  if (R3A_E2E_FOLDER !== undefined)
    return runOnCluster(R3A_E2E_FOLDER, R3A_E2E_HOST ?? "", R3A_E2E_LOAD ?? "");
  const folder = await mkdtemp(join(tmpdir(), "r3a-e2e-"));
  try {
    if (KUBECONFIG === undefined) return await runLocally(folder);
    await phase("image: build", () => buildImages(folder));
    return await runOnCluster(folder, R3A_E2E_HOST ?? "", R3A_E2E_LOAD ?? "");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

process.exitCode = await main();
// a signal's listeners and idle connections must not hold the process
process.exit();
