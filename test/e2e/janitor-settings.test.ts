import { afterEach, expect, test } from "vitest";
import { EXIT } from "../../runner/src/contract/exits.ts";
import { OURS, podOf, STATUS } from "../support/kubernetes/janitor-objects.ts";
import { type ScriptedApi, startApi } from "../support/kubernetes/scripted-api.ts";
import { runRunner } from "../support/runner.ts";

const TIMEOUT_MS = 60_000;
const labelled = (key: string, value: string) => ({ labels: { ...OURS.labels, [key]: value } });
const PODS = [
  podOf("database", STATUS.failed, labelled("app.kubernetes.io/name", "postgres")),
  podOf("mariadb", STATUS.failed, labelled("app.kubernetes.io/name", "mariadb")),
  podOf("redis", STATUS.failed, labelled("app", "redis")),
  podOf("a", STATUS.failed, OURS),
  podOf("b", STATUS.failed, OURS),
];

let api: ScriptedApi | null = null;
afterEach(async () => {
  await api?.stop();
  api = null;
});

async function scan(env: Readonly<Record<string, string>>, ...args: readonly string[]) {
  api = await startApi({ pods: PODS, jobs: [], cronJobs: [] });
  const run = await runRunner(["janitor", ...args], { ...env, ...api.env });
  const removed = [...run.stdout.matchAll(/delete-pod.*?Pod\/(\w+)/g)].map(([, name]) => name);
  return { ...run, removed };
}

test("by hand, too, databases are protected", { timeout: TIMEOUT_MS }, async () => {
  expect(await scan({})).toMatchObject({ code: EXIT.done, removed: ["a", "b", "redis"] });
});

test("--protect adds to what the environment protects", { timeout: TIMEOUT_MS }, async () => {
  const own = { JANITOR_PROTECTED_SELECTORS: "app.kubernetes.io/name=postgres" };
  const { removed } = await scan(own, "--protect", "app=redis");
  expect(removed).toEqual(["a", "b", "mariadb"]);
});

test("a label that nothing has protects nothing", { timeout: TIMEOUT_MS }, async () => {
  const { removed } = await scan({ JANITOR_PROTECTED_SELECTORS: "r3a.dev/nothing" }, "--max-percent", "100");
  expect(removed).toEqual(["a", "b", "database", "mariadb", "redis"]);
});

test.each(["", "  ", "app=postgres;", "app=postgres;app in redis"])(
  "selectors %j end it before it asks anything",
  { timeout: TIMEOUT_MS },
  async (selectors) => {
    const { code, stderr } = await scan({ JANITOR_PROTECTED_SELECTORS: selectors });
    expect([code, api?.requests]).toEqual([EXIT.settings, []]);
    expect(stderr).toMatch(/JANITOR_PROTECTED_SELECTORS .* is no label selector/);
  },
);

const BROKEN = {
  JANITOR_PROTECTED_SELECTORS: "app in redis;!",
  JANITOR_DELETE_AFTER_SECONDS: "soon",
  JANITOR_FINISHED_AFTER_SECONDS: "0",
  JANITOR_MAX_DELETES: "-1",
  JANITOR_MAX_PERCENT: "101",
};

test("all that is wrong with the environment is said at once", { timeout: TIMEOUT_MS }, async () => {
  const { code, stderr } = await scan(BROKEN);
  expect(code).toBe(EXIT.settings);
  for (const name of Object.keys(BROKEN)) expect(stderr).toContain(`- ${name} `);
  expect(stderr).toMatch(/JANITOR_PROTECTED_SELECTORS "app in redis" is .*; "!" is no label selector/);
});

test("the doctor says the same", { timeout: TIMEOUT_MS }, async () => {
  const { code, stdout } = await runRunner(["doctor", "--only", "settings"], BROKEN);
  expect(code).toBe(EXIT.failed);
  for (const name of Object.keys(BROKEN)) expect(stdout.replace(/\s+/g, " ")).toContain(name);
});

test("the brake is set by the environment, and by a flag before it", { timeout: TIMEOUT_MS }, async () => {
  const two = { JANITOR_MAX_DELETES: "2" };
  expect((await scan(two)).stdout).toContain("BRAKE: 3 objects would go, more than the 2 of --max-deletes");
  await api?.stop();
  expect((await scan(two, "--max-deletes", "3")).code).toBe(EXIT.done);
  await api?.stop();
  // five of five: a share counts from the fourth pod on
  const all = { JANITOR_PROTECTED_SELECTORS: "r3a.dev/nothing", JANITOR_MAX_PERCENT: "99" };
  expect((await scan(all)).stdout).toContain("BRAKE: 5 of 5 pods would go, more than the 99 %");
  await api?.stop();
  expect((await scan(all, "--max-percent", "100")).code).toBe(EXIT.done);
});
