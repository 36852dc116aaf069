import { type Fault, SettingsFault } from "../errors.ts";
import { checkSettings } from "../settings/check.ts";
import { describe, parseSettings, type Source } from "../settings/parse.ts";
import type { Settings } from "../settings/schema.ts";
import { readStack } from "../settings/stack-files.ts";
import { checkJobs } from "./check-jobs.ts";

/** The settings of an environment from its files. The Pulumi engine and the passphrase are not needed. */
export function loadStack(root: string, stack: string): Settings {
  return settingsFrom(readStack(root, stack));
}

/**
 * Settings from the values that a reader found: each value is right, and the values fit each other and the jobs. All
 * faults are thrown together as one SettingsFault.
 */
export function settingsFrom({ values, placeOf, faults }: Source): Settings {
  const { settings, wrong } = parseSettings(values);
  const meant = [...checkSettings(settings), ...checkJobs(settings)].filter(
    (fault) => !isBlurred(fault, wrong),
  );
  const all = [...faults, ...[...wrong, ...meant].map((fault) => describe(fault, placeOf))];
  if (all.length > 0) throw new SettingsFault(all);
  return settings;
}

/** Whether a fault may come only from a default, which stands in the place of a wrong value. */
function isBlurred({ key }: Fault, wrong: readonly Fault[]): boolean {
  const job = /^jobs\.[^.]+/.exec(key)?.[0];
  return wrong.some(
    (other) =>
      key === other.key ||
      key.startsWith(`${other.key}.`) ||
      (job !== undefined && other.key.startsWith(`${job}.`) && /seconds$/i.test(key)),
  );
}
