import { afterEach, expect, test } from "vitest";
import type { SeenObjects } from "../../runner/src/cluster/objects.ts";
import { EXIT } from "../../runner/src/contract/exits.ts";
import { jobOf, OURS, ownedBy, podOf, STATUS } from "../support/kubernetes/janitor-objects.ts";
import { type Fault, type FaultOf, type ScriptedApi, startApi } from "../support/kubernetes/scripted-api.ts";
import { runRunner } from "../support/runner.ts";

const PODS = "/api/v1/namespaces/r3a/pods";
const JOBS = "/apis/batch/v1/namespaces/r3a/jobs";
const SEEN: SeenObjects = {
  pods: [
    podOf("a", STATUS.failed, OURS),
    podOf("b", STATUS.imagePull, ownedBy("Job", "marked")),
    podOf("c", STATUS.imagePull, ownedBy("Job", "plain")),
  ],
  jobs: [jobOf("marked", { metadata: OURS }), jobOf("plain", { metadata: OURS, spec: {} })],
  cronJobs: [],
};
const DELETE_PLAIN = `DELETE ${JOBS}/plain`;
const DELETE_MARKED = `DELETE ${JOBS}/marked`;
const DELETE_A = `DELETE ${PODS}/a`;
const DELETE_B = `DELETE ${PODS}/b`;
const DELETES = [DELETE_PLAIN, DELETE_A, DELETE_B];
const MARK_B = `PATCH ${PODS}/b/status`;
const EVENTS = "POST /api/v1/namespaces/r3a/events";
const ARGS = ["janitor", "--mode", "delete"];
const TIMEOUT_MS = 60_000;

let api: ScriptedApi | null = null;
afterEach(async () => {
  await api?.stop();
  api = null;
});

const deletes = () =>
  (api?.requests ?? []).map(({ line }) => line).filter((line) => line.startsWith("DELETE"));

async function run(faultOf: FaultOf, ...more: readonly string[]) {
  api = await startApi(SEEN, faultOf);
  return runRunner([...ARGS, ...more], api.env);
}

/** These requests are refused with this status, the first `times` of them. */
function refusing(
  faults: Readonly<Record<string, readonly [status: number, times?: number]>>,
  retryAfter = 1,
): FaultOf {
  return (line, count): Fault | undefined => {
    const [status, times = count] = faults[line] ?? [];
    if (status === undefined || count > times) return undefined;
    return { status, headers: { "retry-after": String(retryAfter) } };
  };
}

test.each<[string, FaultOf, number, readonly string[], RegExp]>([
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
    "a mark that is refused costs the Job",
    refusing({ [MARK_B]: [422] }),
    EXIT.done,
    [DELETE_PLAIN, DELETE_A, DELETE_MARKED],
    /pod b cannot be marked/,
  ],
  [
    "a server in trouble over one object does the others",
    refusing({ [DELETE_PLAIN]: [500], [MARK_B]: [503] }),
    EXIT.failed,
    [DELETE_PLAIN, DELETE_A],
    /Job plain was not deleted: .* answered 500[\s\S]*Pod b was not deleted: .* answered 503[\s\S]*\[JANITOR\] ended: .*failed\W+2/,
  ],
  [
    "Events that bring the server into trouble hold nothing up",
    refusing({ [EVENTS]: [500] }),
    EXIT.done,
    DELETES,
    /no Event on Job plain: .* answered 500/,
  ],
  [
    "a server that stays busy over one object does the others",
    refusing({ [DELETE_PLAIN]: [429] }, 0),
    EXIT.failed,
    [DELETE_PLAIN, DELETE_PLAIN, DELETE_PLAIN, DELETE_PLAIN, DELETE_A, DELETE_B],
    /Job plain was not deleted: .* answered 429/,
  ],
  [
    "a server in trouble while it is looked at is tried again later",
    refusing({ [`GET ${PODS}`]: [500] }),
    EXIT.tryAgain,
    [],
    /answered 500/,
  ],
])("%s", { timeout: TIMEOUT_MS }, async (_, faultOf, exitCode, asked, said) => {
  const { code, stderr } = await run(faultOf);
  expect([code, deletes()]).toEqual([exitCode, asked]);
  expect(stderr).toMatch(said);
});

test("a busy server is asked again when it says, and not before", { timeout: TIMEOUT_MS }, async () => {
  const { code } = await run(refusing({ [DELETE_A]: [429, 1] }, 3), "--deadline", "60");
  const [first, second] = api?.requests.filter(({ line }) => line === DELETE_A) ?? [];
  expect(code).toBe(EXIT.done);
  expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThan(2_900);
});

test("a server that is busy for longer than the deadline is not waited for", {
  timeout: TIMEOUT_MS,
}, async () => {
  const { code, stderr, ms } = await run(refusing({ [DELETE_A]: [429] }, 60), "--deadline", "30");
  expect([code, deletes()]).toEqual([EXIT.tryAgain, [DELETE_PLAIN, DELETE_A]]);
  expect(stderr).toMatch(/is busy for 60 s, longer than there is time/);
  expect(ms).toBeLessThan(15_000);
});

test("a server that goes away half way ends it, with what was done until then", {
  timeout: TIMEOUT_MS,
}, async () => {
  const { code, stderr } = await run((line) => {
    if (line !== DELETE_A) return undefined;
    api?.goAway();
    return null;
  });
  expect([code, deletes()]).toEqual([EXIT.tryAgain, [DELETE_PLAIN, DELETE_A]]);
  expect(stderr).toMatch(/\[JANITOR\] ended: .*done\W+1[\s\S]*does not answer/);
});

test("a server that is away is tried again later", { timeout: TIMEOUT_MS }, async () => {
  api = await startApi(SEEN);
  api.goAway();
  const { code, stderr } = await runRunner(ARGS, api.env);
  expect(code).toBe(EXIT.tryAgain);
  expect(stderr).toMatch(/the Kubernetes API at http:\/\/127\.0\.0\.1:\d+ does not answer/);
});

test("an account that is not known is told with the server and the remedy", {
  timeout: TIMEOUT_MS,
}, async () => {
  const { code, stderr } = await run(() => ({ status: 401, body: { message: "Unauthorized" } }));
  expect(code).toBe(EXIT.settings);
  expect(stderr).toMatch(
    /the Kubernetes API at http:\/\/127\.0\.0\.1:\d+ does not know this account \(401: Unauthorized\): log in again/,
  );
});

const denied = { status: 201, body: { spec: {}, status: { allowed: false } } };

test("rights that are missing are named together, before anything is looked at", {
  timeout: TIMEOUT_MS,
}, async () => {
  const { code, stderr } = await run((line) => (line.endsWith("accessreviews") ? denied : undefined));
  expect(code).toBe(EXIT.settings);
  expect(stderr).toContain(
    "list pods, list jobs.batch, list cronjobs.batch, delete pods, delete jobs.batch, create events in namespace r3a",
  );
  expect(api?.requests.filter(({ line }) => line.startsWith("GET"))).toEqual([]);
});

test("without the right to mark a pod its Job is deleted, and that is said", {
  timeout: TIMEOUT_MS,
}, async () => {
  const { code, stderr } = await run((line, _, body) => {
    if (line === MARK_B) return { status: 403 };
    return JSON.stringify(body)?.includes('"subresource":"status"') ? denied : undefined;
  });
  expect([code, deletes()]).toEqual([EXIT.done, [DELETE_PLAIN, DELETE_A, DELETE_MARKED]]);
  expect(stderr).toMatch(/may not patch pods\/status in namespace r3a: .* deleted instead of failed/);
});
