import { Provider } from "@pulumi/kubernetes/provider.js";
import type { ComponentResource } from "@pulumi/pulumi";
import type { Settings } from "../settings/schema.ts";

/**
 * The only provider of the stack; default ones are switched off in Pulumi.yaml, for they would take whatever cluster
 * the shell points at. Secrets and ConfigMaps are updated in place: the next run reads the new values, while a
 * replacement would leave jobs without them for a moment. Server-side apply writes no last-applied annotation, in
 * which secret values would stand in plain text. A field that somebody patched by hand, or that Helm once set, belongs to
 * them; without `enablePatchForce` the next change of it would end in a conflict instead of taking it back.
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
