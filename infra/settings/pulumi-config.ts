import { type Config, getStack, runtime } from "@pulumi/pulumi";
import { SettingsFault } from "../errors.ts";
import { DEFAULTS, decodeSetting, isSetting } from "./decode.ts";
import { describe, examineSettings, unknownKey } from "./parse.ts";
import type { Settings } from "./schema.ts";
import { isSecretName } from "./secret-keys.ts";

/**
 * The settings of an environment from the engine, which has put the defaults of Pulumi.yaml under the stack's values.
 * Of the secrets it sees the names alone. Everything that is wrong is thrown together as one SettingsFault.
 */
export function readPulumiConfig(config: Config, stack: string = getStack()): Settings {
  const place = () => `Pulumi.${stack}.yaml`;
  const prefix = `${config.name}:`;
  const names = Object.keys(runtime.allConfig())
    .filter((key) => key.startsWith(prefix))
    .map((key) => key.slice(prefix.length));
  const unknown = names
    .filter((name) => !isSetting(name) && !isSecretName(name))
    .map((key) => describe({ key, message: unknownKey(key) }, place));
  const raw: Record<string, unknown> = {};
  for (const name of Object.keys(DEFAULTS).filter(isSetting)) {
    const text = config.get(name);
    if (text !== undefined) raw[name] = decodeSetting(name, text);
  }
  const { settings, faults } = examineSettings(raw, place);
  const all = [...unknown, ...faults];
  if (all.length > 0) throw new SettingsFault(all);
  return settings;
}
