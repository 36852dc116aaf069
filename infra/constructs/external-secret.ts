import { ApiObject } from "cdk8s";
import { Construct } from "constructs";
import { SUITE_LABELS } from "../model/labels.ts";
import type { RequiredSecret } from "../model/need.ts";
import type { Settings } from "../settings/schema.ts";

/** Asks the External Secrets Operator for one secret; in the store its entry has the secret's name, one property a key. */
export class ExternalSecret extends Construct {
  constructor(scope: Construct, settings: Settings, secret: RequiredSecret) {
    super(scope, secret.name);
    new ApiObject(this, "external-secret", {
      apiVersion: "external-secrets.io/v1",
      kind: "ExternalSecret",
      metadata: { name: secret.name, namespace: settings.namespace, labels: SUITE_LABELS },
      spec: {
        refreshInterval: settings.externalSecretRefresh,
        secretStoreRef: { name: settings.externalSecretStore, kind: settings.externalSecretStoreKind },
        target: { name: secret.name, creationPolicy: "Owner", template: { type: secret.type } },
        data: secret.keys.map((key) => ({ secretKey: key, remoteRef: { key: secret.name, property: key } })),
      },
    });
  }
}
