import { SettingsFault } from "../../runner/src/errors.ts";
import { parseSettings } from "../../runner/src/settings/parse.ts";
import type { Settings } from "../../runner/src/settings/table.ts";

/** The faults that the settings of this environment have; none where they can be used. */
export function faultsOf(
  env: Readonly<Record<string, string>>,
  needed: readonly (keyof Settings)[],
): readonly string[] {
  try {
    parseSettings(env, needed);
  } catch (error) {
    if (error instanceof SettingsFault) return error.faults;
    throw error;
  }
  return [];
}
