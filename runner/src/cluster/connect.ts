import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Context } from "../context.ts";
import type { Cluster } from "./cluster.ts";

const ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";

/**
 * Opens the cluster that this process belongs to: by the pod's service account where its token is mounted, else by
 * KUBECONFIG or ~/.kube/config and its current context. Null where there is none of these, as in a pod without a token;
 * nothing is sent yet. A configuration that cannot be used is a SettingsFault.
 */
export async function openCluster({
  env,
  signal,
  deadlineS = null,
}: Pick<Context, "env" | "signal"> & Partial<Pick<Context, "deadlineS">>): Promise<Cluster | null> {
  const isPod = existsSync(join(ACCOUNT, "token"));
  const hasFile =
    (env.KUBECONFIG ?? "") !== "" || (env.HOME !== undefined && existsSync(join(env.HOME, ".kube/config")));
  if (!isPod && !hasFile) return null;
  const deadlineAt = deadlineS === null ? null : performance.now() + deadlineS * 1000;
  const kubeconfig = env.KUBECONFIG || join(env.HOME ?? "/", ".kube/config");
  // the client is 2 MB of code: only a process with a cluster loads it
  const { createKubernetesClient } = await import("./client.ts");
  return {
    ...createKubernetesClient({ isPod, kubeconfig, signal, deadlineAt }),
    ownPod: isPod ? await readOwnPod(join(ACCOUNT, "token")) : null,
  };
}

/**
 * Reads from the token which pod it was made for. The host name does not serve: it is cut at 63 characters, and anybody
 * may set it.
 */
async function readOwnPod(path: string): Promise<Cluster["ownPod"]> {
  const [, claims = ""] = (await readFile(path, "utf8")).split(".");
  try {
    const { "kubernetes.io": about } = JSON.parse(Buffer.from(claims, "base64url").toString()) as {
      "kubernetes.io"?: { pod?: { name: string; uid: string } };
    };
    return about?.pod ?? null;
  } catch {
    return null; // a token of the old kind, which is bound to no pod
  }
}
