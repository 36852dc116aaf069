import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import type { SeenObjects } from "../../../runner/src/cluster/objects.ts";

/** One request as it came, e.g. `DELETE /api/v1/namespaces/r3a/pods/a`, with its query and body; `at` in ms. */
export type Request = {
  readonly line: string;
  readonly query: string;
  readonly body: unknown;
  readonly at: number;
};
/** An answer that a test puts in the place of the usual one: null is silence. */
export type Fault = { readonly status: number; readonly body?: unknown; readonly headers?: object } | null;

/** What goes wrong with the `count`-th request of this line, from 1. */
export type FaultOf = (line: string, count: number, body: unknown) => Fault | undefined;

export type ScriptedApi = {
  readonly requests: readonly Request[];
  /** KUBECONFIG and nothing else. */
  readonly env: Readonly<Record<string, string>>;
  /** Nobody listens any more. */
  goAway(): void;
  stop(): Promise<void>;
};

const KINDS = { pods: "PodList", jobs: "JobList", cronjobs: "CronJobList" } as const;

/**
 * Answers the few questions of the janitor over HTTP, with the objects of a test, two a page; it keeps no state. What a
 * real API server does, the cluster tests show: this one can refuse, forget and fall silent at a chosen request, and
 * have another clock (`dateOf`: the Date header, null for none).
 */
export async function startApi(
  seen: SeenObjects,
  faultOf: FaultOf = () => undefined,
  dateOf: (line: string) => string | null = () => new Date().toUTCString(),
  namespace = "r3a",
): Promise<ScriptedApi> {
  const requests: Request[] = [];
  const counts = new Map<string, number>();
  const lists = { pods: seen.pods, jobs: seen.jobs, cronjobs: seen.cronJobs };

  function usual(request: Request): unknown {
    const last = request.line.split("/").at(-1) as keyof typeof lists;
    if (request.line.startsWith("GET") && last in lists) {
      const from = Number(new URLSearchParams(request.query).get("continue") ?? 0);
      const more = from + 2 < lists[last].length ? { continue: String(from + 2) } : {};
      return { kind: KINDS[last], items: lists[last].slice(from, from + 2), metadata: more };
    }
    if (last.endsWith("accessreviews")) return { spec: {}, status: { allowed: true } };
    return { metadata: { name: "x", resourceVersion: "8" } };
  }

  async function answer(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, search } = new URL(message.url ?? "", "http://x");
    const line = `${message.method} ${pathname}`;
    const body = message.method === "GET" ? null : await json(message);
    const request = { line, query: search, body, at: performance.now() };
    requests.push(request);
    const count = (counts.get(line) ?? 0) + 1;
    counts.set(line, count);
    const fault = faultOf(line, count, body);
    if (fault === null) return;
    const status = fault?.status ?? (message.method === "POST" ? 201 : 200);
    response.sendDate = false;
    const date = dateOf(line);
    response.writeHead(status, {
      "content-type": "application/json",
      ...(date === null ? {} : { date }),
      ...fault?.headers,
    });
    response.end(
      JSON.stringify(
        fault === undefined ? usual(request) : (fault.body ?? { message: `scripted ${status}` }),
      ),
    );
  }

  const server = createServer((message, response) => void answer(message, response));
  const goAway = () => {
    server.closeAllConnections();
    server.close();
  };
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const folder = await mkdtemp(join(tmpdir(), "r3a-api-"));
  const config = join(folder, "config");
  const cluster = {
    server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    "insecure-skip-tls-verify": true,
  };
  await writeFile(
    config,
    JSON.stringify({
      "current-context": "c",
      contexts: [{ name: "c", context: { cluster: "c", user: "u", namespace } }],
      clusters: [{ name: "c", cluster }],
      users: [{ name: "u", user: {} }],
    }),
  );
  return {
    requests,
    env: { KUBECONFIG: config },
    goAway,
    async stop() {
      goAway();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
