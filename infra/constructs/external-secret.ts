import { ApiObject } from "cdk8s";
import { Construct } from "constructs";
import { SUITE_LABELS } from "../model/labels.ts";
import type { RequiredSecret } from "../model/need.ts";

/** One secret, and where the operator reads it. */
export type ExternalSecretProps = {
  readonly namespace: string;
  /** Name, type and keys of the Secret that the operator makes. */
  readonly secret: RequiredSecret;
  readonly store: { readonly name: string; readonly kind: "SecretStore" | "ClusterSecretStore" };
  /** How often the operator reads the store again, e.g. `1h`. */
  readonly refreshInterval: string;
};

/**
 * Asks the External Secrets Operator for one secret; in the store its entry has the secret's name, one property a key.
 */
export class ExternalSecret extends Construct {
  constructor(scope: Construct, id: string, props: ExternalSecretProps) {
    super(scope, id);
    const { namespace, secret, store, refreshInterval } = props;
    new ApiObject(this, "external-secret", {
      apiVersion: "external-secrets.io/v1",
      kind: "ExternalSecret",
      metadata: { name: secret.name, namespace, labels: SUITE_LABELS },
      spec: {
        refreshInterval,
        secretStoreRef: store,
        target: { name: secret.name, creationPolicy: "Owner", template: { type: secret.type } },
        data: secret.keys.map((key) => ({ secretKey: key, remoteRef: { key: secret.name, property: key } })),
      },
    });
  }
}
