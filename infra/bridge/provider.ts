import { Provider } from "@pulumi/kubernetes/provider.js";
import type { ComponentResource } from "@pulumi/pulumi";
import type { Settings } from "../settings/schema.ts";

/**
 * The only provider of the stack. Pulumi.yaml switches the default providers off, because they would take the cluster
 * of the shell. Secrets and ConfigMaps are updated in place: the next run reads the new values, while a replacement
 * would leave the jobs without values for a moment. Server-side apply writes no last-applied annotation, in which the
 * values of secrets would stand in plain text. A field that a person patched or that Helm once set has another owner:
 * without `enablePatchForce` the next change of this field would end in a conflict.
 */
export function makeProvider(name: string, settings: Settings, parent: ComponentResource): Provider {
  return new Provider(
    name,
    {
      ...(settings.kubeContext === "" ? {} : { context: settings.kubeContext }),
      namespace: settings.namespace,
      enableServerSideApply: true,
      enableSecretMutable: true,
      enableConfigMapMutable: true,
      enablePatchForce: true,
    },
    { parent },
  );
}
