import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What a Kubernetes API server answers: lists by the last part of their path, e.g. `pods`. */
export type Answers = {
  readonly lists: Record<string, readonly object[]>;
  /** Lists that are answered with 403. */
  readonly forbidden: Set<string>;
};

export type AnsweringServer = {
  readonly answers: Answers;
  /** Path of a kubeconfig whose current context has namespace r3a. */
  readonly kubeconfig: string;
  /** Path and Accept of each request. */
  readonly requests: { readonly path: string; readonly accept: string }[];
  stop(): Promise<void>;
};

const KINDS: Readonly<Record<string, string>> = {
  cronjobs: "CronJobList",
  pods: "PodList",
  secrets: "SecretList",
  configmaps: "ConfigMapList",
  serviceaccounts: "ServiceAccountList",
};

/** Starts an HTTP server that plays the API server from what a test puts into `answers`. */
export async function startAnswers(answers: Answers): Promise<AnsweringServer> {
  const requests: { path: string; accept: string }[] = [];
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    requests.push({ path: pathname, accept: request.headers.accept ?? "" });
    const [, namespace = "", name = ""] = /\/namespaces\/([^/]+)\/([^/]+)$/.exec(pathname) ?? [];
    const isForbidden = answers.forbidden.has(name);
    const message = `${name} is forbidden: User "somebody" cannot list resource "${name}"`;
    const body = isForbidden
      ? { kind: "Status", apiVersion: "v1", status: "Failure", reason: "Forbidden", message, code: 403 }
      : {
          kind: KINDS[name] ?? "List",
          apiVersion: name === "cronjobs" ? "batch/v1" : "v1",
          metadata: {},
          items: namespace === "r3a" ? (answers.lists[name] ?? []) : [],
        };
    response.writeHead(isForbidden ? 403 : 200, { "content-type": "application/json" });
    response.end(JSON.stringify(body));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const dir = await mkdtemp(join(tmpdir(), "r3a-kube-"));
  const kubeconfig = join(dir, "config");
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "played", cluster: { server: url, "insecure-skip-tls-verify": true } }],
    users: [{ name: "somebody", user: {} }],
    contexts: [{ name: "played", context: { cluster: "played", user: "somebody", namespace: "r3a" } }],
    "current-context": "played",
  };
  await writeFile(kubeconfig, JSON.stringify(config));
  return {
    answers,
    kubeconfig,
    requests,
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
      await rm(dir, { recursive: true, force: true });
    },
  };
}
