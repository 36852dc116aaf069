import { type Fault, SettingsFault } from "../errors.ts";
import { checkSettings } from "../settings/check.ts";
import { describe, parseSettings, type Source } from "../settings/parse.ts";
import type { Settings } from "../settings/schema.ts";
import { readStack } from "../settings/stack-files.ts";
import { checkJobs } from "./check-jobs.ts";

/** The settings of an environment from its files; needs no engine and no passphrase. */
export function loadStack(root: string, stack: string): Settings {
  return settingsFrom(readStack(root, stack));
}

/**
 * Settings from what a reader found, right by themselves, together and for the jobs. Everything that is wrong is thrown
 * together as one SettingsFault.
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

/** A fault that may only be there because a wrong value beside it was taken out. */
function isBlurred({ key }: Fault, wrong: readonly Fault[]): boolean {
  const job = /^jobs\.[^.]+/.exec(key)?.[0];
  return wrong.some(
    (other) =>
      key === other.key ||
      key.startsWith(`${other.key}.`) ||
      (job !== undefined && other.key.startsWith(`${job}.`) && /seconds$/i.test(key)),
  );
}
