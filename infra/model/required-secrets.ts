import type { Settings } from "../settings/schema.ts";
import type { RequiredSecret } from "./need.ts";
import { NEEDS } from "./needs.ts";

/**
 * The secrets whose maker `secretsMode` names: those of each need, and that of the registry. Names and keys, no values.
 */
export function listRequiredSecrets(settings: Settings): readonly RequiredSecret[] {
  const { pullSecretName: name } = settings;
  const registry = {
    name,
    type: "kubernetes.io/dockerconfigjson",
    keys: [".dockerconfigjson"],
    madeOf: "registryToken",
  } as const;
  return [
    ...Object.values(NEEDS).flatMap(({ secrets }) => secrets?.(settings) ?? []),
    ...(name === "" ? [] : [registry]),
  ];
}
