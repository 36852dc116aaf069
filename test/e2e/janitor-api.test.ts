import { afterEach, expect, test } from "vitest";
import type { Pod, SeenObjects } from "../../runner/src/cluster/objects.ts";
import { EXIT } from "../../runner/src/contract/exits.ts";
import { jobOf, OURS, ownedBy, podOf, STATUS } from "../support/kubernetes/janitor-objects.ts";
import { type FaultOf, type ScriptedApi, startApi } from "../support/kubernetes/scripted-api.ts";
import { runRunner, startRunner } from "../support/runner.ts";

const PODS = "/api/v1/namespaces/r3a/pods";
const JOBS = "/apis/batch/v1/namespaces/r3a/jobs";
const SEEN: SeenObjects = {
  pods: [
    podOf("a", STATUS.failed, OURS),
    podOf("b", STATUS.imagePull, ownedBy("Job", "marked")),
    podOf("c", STATUS.imagePull, ownedBy("Job", "plain")),
    ...["d", "e", "f"].map((name) => podOf(name, STATUS.running)),
  ],
  jobs: [jobOf("marked", { metadata: OURS }), jobOf("plain", { metadata: OURS, spec: {} })],
  cronJobs: [],
};
const DELETES = [`DELETE ${JOBS}/plain`, `DELETE ${PODS}/a`, `DELETE ${PODS}/b`];
const TIMEOUT_MS = 60_000;

let api: ScriptedApi | null = null;
afterEach(async () => {
  await api?.stop();
  api = null;
});

async function start(faultOf?: FaultOf): Promise<ScriptedApi> {
  api = await startApi(SEEN, faultOf);
  return api;
}

const ARGS = ["janitor", "--mode", "delete"];
const linesOf = (verb: string) =>
  (api?.requests ?? []).map(({ line }) => line).filter((line) => line.startsWith(verb));
test("deletes exactly what it looked at, after the Events, all pages seen", {
  timeout: TIMEOUT_MS,
}, async () => {
  const { env, requests } = await start();
  const { code, stdout } = await runRunner(ARGS, env);
  expect(stdout).toContain("6 pods, 2 Jobs and 0 CronJobs in r3a: 3 to remove, 0 kept");
  expect([code, linesOf("DELETE")]).toEqual([EXIT.done, DELETES]);
  const bodyOf = (line: string) => requests.find((each) => each.line === line)?.body;
  expect(bodyOf(`DELETE ${JOBS}/plain`)).toEqual({
    preconditions: { uid: "uid-plain", resourceVersion: "7" },
    propagationPolicy: "Background",
  });
  expect(bodyOf(`PATCH ${PODS}/b/status`)).toMatchObject({
    metadata: { uid: "uid-b", resourceVersion: "7" },
    status: { conditions: [{ type: "ConfigIssue", status: "True", reason: "ImagePullBackOff" }] },
  });
  // the version that the mark made
  expect(bodyOf(`DELETE ${PODS}/b`)).toEqual({ preconditions: { uid: "uid-b", resourceVersion: "8" } });
  const events = requests.filter(({ line }) => line.endsWith("/events"));
  expect(
    events.map(({ body }) => (body as { involvedObject: { name: string } }).involvedObject.name),
  ).toEqual(["plain", "a", "b", "marked"]);
});

test("a dry run prints the same bytes and only looks", { timeout: TIMEOUT_MS }, async () => {
  const { env } = await start();
  const removal = await runRunner(ARGS, env);
  const asked = linesOf("DELETE").length;
  const dryRun = await runRunner([...ARGS, "--dry-run"], env);
  expect([dryRun.code, dryRun.stdout]).toEqual([EXIT.done, removal.stdout]);
  expect([asked, linesOf("DELETE").length]).toEqual([3, 3]);
});

test("the brake is tried before the first delete", { timeout: TIMEOUT_MS }, async () => {
  const { env } = await start();
  const { code, stdout } = await runRunner([...ARGS, "--max-deletes", "2"], env);
  expect(stdout).toContain("BRAKE: 3 objects would go, more than the 2 of --max-deletes");
  expect([code, linesOf("DELETE"), linesOf("PATCH")]).toEqual([EXIT.brake, [], []]);
  expect(linesOf("POST").filter((line) => line.endsWith("/events"))).toHaveLength(1);
});

test("a scan that meets the brake says so and writes nothing", { timeout: TIMEOUT_MS }, async () => {
  const { env } = await start();
  const { code } = await runRunner(["janitor", "--mode", "scan", "--max-deletes", "2"], env);
  expect([code, linesOf("POST").filter((line) => line.endsWith("/events"))]).toEqual([EXIT.brake, []]);
});

test("a list that is forgotten half way starts again from nothing", { timeout: TIMEOUT_MS }, async () => {
  const { env } = await start((line, count) =>
    line === `GET ${PODS}` && count === 2 ? { status: 410 } : undefined,
  );
  const { code, stdout } = await runRunner(["janitor"], env);
  expect(code).toBe(EXIT.done);
  expect(stdout).toContain("6 pods, 2 Jobs and 0 CronJobs in r3a: 3 to remove, 0 kept");
  expect(linesOf(`GET ${PODS}`)).toHaveLength(5);
});

test("a pod that a Job gets between two lists is seen: the Job is not taken for dead", {
  timeout: TIMEOUT_MS,
}, async () => {
  const pods: Pod[] = [];
  api = await startApi({ pods, jobs: [jobOf("alive", { metadata: OURS })], cronJobs: [] }, (line) => {
    if (line === `GET ${JOBS}` && pods.length === 0)
      pods.push(podOf("new", STATUS.running, ownedBy("Job", "alive")));
    return undefined;
  });
  expect((await runRunner(ARGS, api.env)).code).toBe(EXIT.done);
  expect(linesOf("DELETE")).toEqual([]);
  const lists = linesOf("GET").map((line) => line.split("/").at(-1));
  expect(lists).toEqual(["jobs", "cronjobs", "pods"]);
});

test("SIGTERM and the own deadline end it in the middle of a request", { timeout: TIMEOUT_MS }, async () => {
  const { env, requests } = await start((line) => (line === `DELETE ${PODS}/a` ? null : undefined));
  const slow = await runRunner([...ARGS, "--deadline", "5"], env);
  expect([slow.code, slow.ms < 9_000]).toEqual([EXIT.deadline, true]);
  const asked = requests.length;
  const { child, ended } = startRunner(ARGS, env);
  await expect
    .poll(() => requests.slice(asked).some(({ line }) => line === `DELETE ${PODS}/a`), { timeout: 20_000 })
    .toBe(true);
  child.kill("SIGTERM");
  expect((await ended).code).toBe(EXIT.terminated);
  expect(linesOf(`DELETE ${PODS}/b`)).toEqual([]);
});
