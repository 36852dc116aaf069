import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";

/** What a Kubernetes API server answers: lists by the last part of their path, e.g. `pods`. */
export type Answers = {
  readonly lists: Record<string, readonly object[]>;
  /** Lists that are answered with 403. */
  readonly forbidden: Set<string>;
  /** Rights that no account has, e.g. `delete pods`. */
  readonly denied: Set<string>;
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

const nameOf = (object: object) => (object as { metadata?: { name?: string } }).metadata?.name;

/** `verb resource` that a review of access asks for. */
function rightOf(review: string): string {
  const { verb, resource, subresource } = JSON.parse(review).spec.resourceAttributes;
  return `${verb} ${resource}${subresource === undefined ? "" : `/${subresource}`}`;
}

/** Starts an HTTP server that plays the API server from what a test puts into `answers`. */
export async function startAnswers(answers: Answers): Promise<AnsweringServer> {
  const requests: { path: string; accept: string }[] = [];
  const server = createServer(async (request, response) => {
    const sent = await text(request);
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    requests.push({ path: pathname, accept: request.headers.accept ?? "" });
    const [, namespace = "", name = "", one = ""] =
      /\/namespaces\/([^/]+)\/([^/]+)(?:\/([^/]+))?$/.exec(pathname) ?? [];
    const found = one === "" ? undefined : answers.lists[name]?.find((each) => nameOf(each) === one);
    const isForbidden = answers.forbidden.has(name);
    const message = `${name} is forbidden: User "somebody" cannot list resource "${name}"`;
    const body = isForbidden
      ? { kind: "Status", apiVersion: "v1", status: "Failure", reason: "Forbidden", message, code: 403 }
      : request.method === "POST"
        ? { ...JSON.parse(sent), status: { allowed: !answers.denied.has(rightOf(sent)) } }
        : one !== ""
          ? (found ?? { kind: "Status", message: `${name} "${one}" not found`, code: 404 })
          : {
              kind: KINDS[name] ?? "List",
              apiVersion: name === "cronjobs" ? "batch/v1" : "v1",
              metadata: {},
              items: namespace === "r3a" ? (answers.lists[name] ?? []) : [],
            };
    const status = isForbidden ? 403 : one !== "" && found === undefined ? 404 : 200;
    response.writeHead(status, { "content-type": "application/json" });
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
