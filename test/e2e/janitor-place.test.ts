import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { EXIT } from "../../runner/src/contract/exits.ts";
import { OURS, podOf, STATUS } from "../support/kubernetes/janitor-objects.ts";
import { type ScriptedApi, startApi } from "../support/kubernetes/scripted-api.ts";
import { runRunner } from "../support/runner.ts";

const TIMEOUT_MS = 60_000;
const POD = "DELETE /api/v1/namespaces/r3a/pods/a";
const SIGHT = { pods: [podOf("a", STATUS.failed, OURS)], jobs: [], cronJobs: [] };

let api: ScriptedApi | null = null;
let other: Server | null = null;
afterEach(async () => {
  await api?.stop();
  other?.close();
  api = null;
  other = null;
});

/** A server that must hear nothing; its requests, and its address with what must not be shown. */
async function startOther() {
  const heard: string[] = [];
  other = createServer((request, response) => {
    heard.push(`${request.method} ${request.url}`);
    response.end("{}");
  });
  other.listen(0, "127.0.0.1");
  await once(other, "listening");
  const host = `127.0.0.1:${(other.address() as AddressInfo).port}`;
  return { heard, host, location: `http://someone:canary-user@${host}/canary-path?token=canary-query` };
}

test.each([301, 302, 303, 307, 308])(
  "a redirect with %i is not followed, and its host is named alone",
  {
    timeout: TIMEOUT_MS,
  },
  async (status) => {
    const { heard, host, location } = await startOther();
    api = await startApi(SIGHT, (line) => (line === POD ? { status, headers: { location } } : undefined));
    const { code, stdout, stderr } = await runRunner(["janitor", "--mode", "delete"], api.env);
    expect([code, heard]).toEqual([EXIT.settings, []]);
    expect(stderr).toContain(`answered ${status} and points to ${host}, which is not followed`);
    expect(stdout + stderr).not.toMatch(/canary|someone/);
  },
);

test("a redirect of the first question, and one to nowhere, end it the same way", {
  timeout: TIMEOUT_MS,
}, async () => {
  const { heard, location } = await startOther();
  for (const [headers, said] of [
    [{ location }, /points to 127\.0\.0\.1:\d+/],
    [{ location: "http://[" }, /points to an address that cannot be read/],
    [{ location: "/elsewhere" }, /points to 127\.0\.0\.1:\d+/],
    [{}, /points to no address/],
  ] as const) {
    await api?.stop();
    api = await startApi(SIGHT, () => ({ status: 307, headers }));
    const { code, stderr } = await runRunner(["janitor"], api.env);
    expect([code, heard]).toEqual([EXIT.settings, []]);
    expect(stderr).toMatch(said);
  }
});

const KUBE = /kube-system: kube-\* belongs to Kubernetes; name the namespace of the jobs/;

test.each<[string, readonly string[], Readonly<Record<string, string>>]>([
  ["--namespace", ["--namespace", "kube-system"], {}],
  ["JANITOR_NAMESPACE", [], { JANITOR_NAMESPACE: "kube-system" }],
  ["scope namespace", ["--namespace", "kube-system", "--scope", "namespace", "--mode", "delete"], {}],
])("kube-system by %s is refused before anything is asked", { timeout: TIMEOUT_MS }, async (_, args, env) => {
  api = await startApi(SIGHT);
  const { code, stderr } = await runRunner(["janitor", ...args], { ...env, ...api.env });
  expect([code, api.requests]).toEqual([EXIT.settings, []]);
  expect(stderr).toMatch(KUBE);
});

test("the own namespace, or the context's, is refused in the same way", { timeout: TIMEOUT_MS }, async () => {
  api = await startApi(SIGHT, undefined, undefined, "kube-public");
  const { code, stderr } = await runRunner(["janitor"], api.env);
  expect([code, api.requests]).toEqual([EXIT.settings, []]);
  expect(stderr).toMatch(/the janitor's namespace must not be kube-public/);
});

test.each(["R3A", "a/../kube-system", "", "kube-system "])(
  "%j is no namespace",
  { timeout: TIMEOUT_MS },
  async (name) => {
    api = await startApi(SIGHT);
    const { code, stderr } = await runRunner(["janitor", "--namespace", name], api.env);
    expect([code, api.requests]).toEqual([EXIT.settings, []]);
    expect(stderr).toMatch(/must be the name of a namespace/);
  },
);

test("the scope is a flag before it is an environment, and is one of two words", {
  timeout: TIMEOUT_MS,
}, async () => {
  api = await startApi({ pods: [podOf("a", STATUS.failed)], jobs: [], cronJobs: [] });
  const removes = async (env: Readonly<Record<string, string>>, ...args: readonly string[]) =>
    /(\d+) to remove/.exec((await runRunner(["janitor", ...args], { ...env, ...api?.env })).stdout)?.[1];
  expect(await removes({})).toBe("0");
  expect(await removes({ JANITOR_SCOPE: "namespace" })).toBe("1");
  expect(await removes({ JANITOR_SCOPE: "namespace" }, "--scope", "ours")).toBe("0");
  expect(await removes({}, "--scope", "namespace")).toBe("1");
  const broken = await runRunner(["janitor", "--scope", "all"], { JANITOR_SCOPE: "Ours", ...api.env });
  expect(broken.code).toBe(EXIT.usage);
  expect(broken.stderr).toMatch(
    /--scope must be one of ours, namespace, not "all"[\s\S]*JANITOR_SCOPE must be one of ours/,
  );
});
