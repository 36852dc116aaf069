import {
  AuthorizationV1Api,
  BatchV1Api,
  CoreV1Api,
  createConfiguration,
  KubeConfig,
  RbacAuthorizationV1Api,
  ResponseContext,
  ServerConfiguration,
  wrapHttpLibrary,
} from "@kubernetes/client-node";
import { messageOf, SettingsFault } from "../errors.ts";
import { type ClockLook, worseOf } from "./clock.ts";
import type { Cluster } from "./cluster.ts";
import { createTransport } from "./transport.ts";

// every value of the package is imported in this file: an import() of the whole package would add 2 MB to the bundle
export { Observable } from "@kubernetes/client-node";

/**
 * The Kubernetes client for the configuration of the pod, or for the current context of `kubeconfig`. It sends nothing
 * yet. `deadlineAt` counts as performance.now().
 */
export function createKubernetesClient({
  isPod,
  kubeconfig,
  signal,
  deadlineAt,
}: {
  readonly isPod: boolean;
  readonly kubeconfig: string;
  readonly signal: AbortSignal;
  readonly deadlineAt: number | null;
}): Omit<Cluster, "ownPod"> {
  const config = new KubeConfig();
  try {
    if (isPod) config.loadFromCluster();
    else config.loadFromDefault();
  } catch (error) {
    throw new SettingsFault([`the kubeconfig ${kubeconfig} cannot be read${reasonOf(error)}`]);
  }
  const server = config.getCurrentCluster()?.server;
  if (server === undefined)
    throw new SettingsFault([
      "the kubeconfig has no current context with a cluster: kubectl config use-context NAME",
    ]);
  let clock: ClockLook | null = null;
  const onClock = (look: ClockLook) => {
    clock = worseOf(clock, look);
  };
  const configuration = createConfiguration({
    baseServer: new ServerConfiguration(server, {}),
    authMethods: { default: config },
    httpApi: wrapHttpLibrary(
      createTransport({ Response: ResponseContext, server, signal, deadlineAt, onClock }),
    ),
  });
  return {
    namespace: config.getContextObject(config.currentContext)?.namespace?.trim() || "default",
    server,
    clock: () => clock,
    core: new CoreV1Api(configuration),
    batch: new BatchV1Api(configuration),
    authorization: new AuthorizationV1Api(configuration),
    rbac: new RbacAuthorizationV1Api(configuration),
  };
}

/**
 * Why the kubeconfig cannot be read, on one line. The parser's message quotes the lines around the fault, and its
 * reason may quote a word: either can show a token.
 */
function reasonOf(error: unknown): string {
  const { reason, mark } = error as { readonly reason?: string; readonly mark?: { readonly line: number } };
  if (typeof reason !== "string") return `: ${messageOf(error).split("\n")[0]}`;
  const line = mark === undefined ? "" : ` in line ${mark.line + 1}`;
  const said = reason.replace(/"[^"]*"|!?<[^>]*>/g, "(not shown)");
  return `${line}: ${said}; correct it there, or name another file in KUBECONFIG`;
}
