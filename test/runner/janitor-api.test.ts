import { afterEach, expect, test } from "vitest";
import type { Sight } from "../../runner/src/cluster/objects.ts";
import { EXIT } from "../../runner/src/contract.ts";
import { runRunner, startRunner } from "../support/runner.ts";
import { jobOf, ownedBy, podOf, STATUS } from "./janitor-objects.ts";
import { type Fault, type ScriptedApi, startApi } from "./scripted-api.ts";

const PODS = "/api/v1/namespaces/r3a/pods";
const JOBS = "/apis/batch/v1/namespaces/r3a/jobs";
const SIGHT: Sight = {
  pods: [
    podOf("a", STATUS.failed),
    podOf("b", STATUS.imagePull, ownedBy("Job", "marked")),
    podOf("c", STATUS.imagePull, ownedBy("Job", "plain")),
    ...["d", "e", "f"].map((name) => podOf(name, STATUS.running)),
  ],
  jobs: [jobOf("marked"), jobOf("plain", { spec: {} })],
  cronJobs: [],
};
const DELETES = [`DELETE ${JOBS}/plain`, `DELETE ${PODS}/a`, `DELETE ${PODS}/b`];
const TIMEOUT_MS = 60_000;

let api: ScriptedApi | null = null;
afterEach(async () => {
  await api?.stop();
  api = null;
});

async function start(faultOf?: (line: string, count: number) => Fault | undefined): Promise<ScriptedApi> {
  api = await startApi(SIGHT, faultOf);
  return api;
}

const ARGS = ["janitor", "--mode", "delete"];
const linesOf = (verb: string) =>
  (api?.requests ?? []).map(({ line }) => line).filter((line) => line.startsWith(verb));
/** These requests are refused with this status, the first `times` of them. */
const refusing =
  (faults: Readonly<Record<string, readonly [status: number, times?: number]>>) =>
  (line: string, count: number): Fault | undefined => {
    const [status, times = count] = faults[line] ?? [];
    return status === undefined || count > times ? undefined : { status, headers: { "retry-after": "1" } };
  };
const [DELETE_PLAIN = "", DELETE_A = "", DELETE_B = ""] = DELETES;
const EVENTS = "POST /api/v1/namespaces/r3a/events";

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

test.each<[string, ReturnType<typeof refusing>, number, readonly string[], RegExp]>([
  [
    "what has changed or is gone is no failure",
    refusing({ [DELETE_PLAIN]: [409], [DELETE_A]: [404] }),
    EXIT.done,
    DELETES,
    /Job plain, ImagePullBackOff: changed[\s\S]*Pod a, Failed: gone/,
  ],
  [
    "what may not be deleted is one, Events that may not be written are none",
    refusing({ [EVENTS]: [403], [DELETE_A]: [403] }),
    EXIT.failed,
    DELETES,
    /no Event on Pod a[\s\S]*Pod a was not deleted: 403/,
  ],
  [
    "a list that is forgotten half way starts again, a mark that is refused costs the Job",
    refusing({ [`GET ${PODS}`]: [410, 1], [`PATCH ${PODS}/b/status`]: [422] }),
    EXIT.done,
    [DELETE_PLAIN, DELETE_A, `DELETE ${JOBS}/marked`],
    /pod b cannot be marked/,
  ],
  [
    "a busy server is asked again, one in trouble is left for later",
    refusing({ [DELETE_A]: [429, 2], [DELETE_B]: [503] }),
    EXIT.tryAgain,
    [DELETE_PLAIN, DELETE_A, DELETE_A, DELETE_A, DELETE_B],
    /Pod a, Failed: done[\s\S]*answered 503/,
  ],
])("%s", { timeout: TIMEOUT_MS }, async (_, faultOf, exitCode, deletes, said) => {
  const { env } = await start(faultOf);
  const { code, stderr } = await runRunner(ARGS, env);
  expect([code, linesOf("DELETE")]).toEqual([exitCode, deletes]);
  expect(stderr).toMatch(said);
});

test("rights that are missing are named together, before anything is looked at", {
  timeout: TIMEOUT_MS,
}, async () => {
  const denied = { status: 201, body: { spec: {}, status: { allowed: false } } };
  const { env } = await start((line) => (line.endsWith("accessreviews") ? denied : undefined));
  const { code, stderr } = await runRunner(ARGS, env);
  expect(code).toBe(EXIT.settings);
  expect(stderr).toContain(
    "list pods, list jobs.batch, list cronjobs.batch, delete pods, delete jobs.batch, patch pods/status, create events in namespace r3a",
  );
  expect(linesOf("GET")).toEqual([]);
});

test("wrong selectors end it before it asks anything", { timeout: TIMEOUT_MS }, async () => {
  const { env } = await start();
  const { code } = await runRunner(ARGS, {
    ...env,
    JANITOR_PROTECTED_SELECTORS: "app=postgres;app in redis",
  });
  expect([code, api?.requests]).toEqual([EXIT.settings, []]);
});

test("a server that is away is tried again later", { timeout: TIMEOUT_MS }, async () => {
  const { env } = await start();
  api?.goAway();
  const { code, stderr } = await runRunner(ARGS, env);
  expect(code).toBe(EXIT.tryAgain);
  expect(stderr).toMatch(/the Kubernetes API at http:\/\/127\.0\.0\.1:\d+ does not answer/);
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
