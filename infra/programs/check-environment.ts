import type { Manifest } from "../manifest.ts";
import { checkObjects } from "../rules/check-objects.ts";
import type { Breach } from "../rules/rule.ts";
import type { Settings } from "../settings/schema.ts";

/** The breaches in the objects of an environment. Objects that the settings leave to other people count as present. */
export function checkEnvironment(objects: readonly Manifest[], settings: Settings): readonly Breach[] {
  return checkObjects(objects, {
    requireDigest: settings.requireDigest,
    externalServiceAccounts: settings.serviceAccountCreate ? [] : [settings.serviceAccountName],
    externalConfigMaps: settings.databaseCaConfigMap === "" ? [] : [settings.databaseCaConfigMap],
    externalNetworkPolicy: !settings.networkPolicy,
  });
}
