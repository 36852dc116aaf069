import type { Manifest } from "../manifest.ts";
import { checkObjects } from "../rules/check-objects.ts";
import type { Breach } from "../rules/rule.ts";
import type { Settings } from "../settings/schema.ts";

/** What the rules say of an environment's objects; what the settings leave to others is taken to be there. */
export function checkEnvironment(objects: readonly Manifest[], settings: Settings): readonly Breach[] {
  return checkObjects(objects, {
    requireDigest: settings.requireDigest,
    externalServiceAccounts: settings.serviceAccountCreate ? [] : [settings.serviceAccountName],
    externalConfigMaps: settings.databaseCaConfigMap === "" ? [] : [settings.databaseCaConfigMap],
    externalNetworkPolicy: !settings.networkPolicy,
  });
}
