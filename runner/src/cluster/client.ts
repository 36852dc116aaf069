import {
  AuthorizationV1Api,
  BatchV1Api,
  CoreV1Api,
  createConfiguration,
  IsomorphicFetchHttpLibrary,
  KubeConfig,
  ResponseContext,
  ServerConfiguration,
  wrapHttpLibrary,
} from "@kubernetes/client-node";
import { messageOf, SettingsFault } from "../errors.ts";
import type { Cluster } from "./connect.ts";
import { createTransport } from "./transport.ts";

// one place names what is used of the package: a whole import() of it would bring 2 MB more into the bundle
export { Observable } from "@kubernetes/client-node";

/** The client of Kubernetes on the configuration of the pod, or of the current context. It sends nothing yet. */
export function createClient(isPod: boolean, signal: AbortSignal): Omit<Cluster, "ownPod"> {
  const config = new KubeConfig();
  try {
    if (isPod) config.loadFromCluster();
    else config.loadFromDefault();
  } catch (error) {
    throw new SettingsFault([`the kubeconfig cannot be read: ${messageOf(error)}`]);
  }
  const server = config.getCurrentCluster()?.server;
  if (server === undefined)
    throw new SettingsFault([
      "the kubeconfig has no current context with a cluster: kubectl config use-context NAME",
    ]);
  const configuration = createConfiguration({
    baseServer: new ServerConfiguration(server, {}),
    authMethods: { default: config },
    httpApi: wrapHttpLibrary(
      createTransport(new IsomorphicFetchHttpLibrary(), ResponseContext, server, signal),
    ),
  });
  return {
    namespace: config.getContextObject(config.currentContext)?.namespace?.trim() || "default",
    server,
    core: new CoreV1Api(configuration),
    batch: new BatchV1Api(configuration),
    authorization: new AuthorizationV1Api(configuration),
  };
}
