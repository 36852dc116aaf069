import { restoreDate } from "./plain-scalar.ts";
import { SETTINGS, type SettingName, type Settings } from "./schema.ts";

/** What every setting is worth where no file says anything. */
export const DEFAULTS: Settings = SETTINGS.parse({});

export function isSetting(name: string): name is SettingName {
  return Object.hasOwn(DEFAULTS, name);
}

/**
 * The value of a setting from its text. The engine hands every scalar over as a text and the rest as JSON, so both
 * loaders decode here, by the type of the setting. A text that does not fit is passed on as it is, for the schema to
 * refuse. A scalar that the engine reads differently has been refused before (plain-scalar.ts), but for a date.
 */
export function decodeSetting(name: SettingName, text: string): unknown {
  const model = DEFAULTS[name];
  if (typeof model === "string") return restoreDate(text);
  if (typeof model === "boolean") return text === "true" ? true : text === "false" ? false : text;
  if (typeof model === "number") return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
