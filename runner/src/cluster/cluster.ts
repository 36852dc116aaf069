import type {
  AuthorizationV1Api,
  BatchV1Api,
  CoreV1Api,
  RbacAuthorizationV1Api,
} from "@kubernetes/client-node";
import type { ClockLook } from "./clock.ts";

/** A Kubernetes API server with the rights of one account. Calls fail as createTransport says, or with Stopped. */
export type Cluster = {
  /** The pod's own namespace; outside of a pod that of the current context. */
  readonly namespace: string;
  /** Address of the API server, for messages. */
  readonly server: string;
  /** The look at its clock with the largest difference, of all answers until now; null before the first answer. */
  readonly clock: () => ClockLook | null;
  /** The pod that this process runs in; null outside of one. */
  readonly ownPod: { readonly name: string; readonly uid: string } | null;
  readonly core: CoreV1Api;
  readonly batch: BatchV1Api;
  readonly authorization: AuthorizationV1Api;
  readonly rbac: RbacAuthorizationV1Api;
};
