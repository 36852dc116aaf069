import { type Config, getStack, runtime } from "@pulumi/pulumi";
import { describe, type RawValue, type Source, unknownKey } from "./parse.ts";
import { DEFAULTS, isSetting } from "./schema.ts";
import { isSecretName } from "./secret-keys.ts";

/**
 * The values of an environment from the engine, which puts the values of the stack over the defaults of Pulumi.yaml. Of
 * the secrets only the names are read.
 */
export function readPulumiConfig(config: Config, stack: string = getStack()): Source {
  const placeOf = () => `Pulumi.${stack}.yaml`;
  const prefix = `${config.name}:`;
  const names = Object.keys(runtime.allConfig())
    .filter((key) => key.startsWith(prefix))
    .map((key) => key.slice(prefix.length));
  const faults = names
    .filter((name) => !isSetting(name) && !isSecretName(name))
    .map((key) => describe({ key, message: unknownKey(key) }, placeOf));
  const values: Record<string, RawValue> = {};
  for (const name of Object.keys(DEFAULTS)) {
    const text = config.get(name);
    if (text !== undefined) values[name] = { text, value: text };
  }
  return { values, placeOf, faults };
}
