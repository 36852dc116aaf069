import { PROJECT } from "./parse.ts";
import { SECRET_SETTINGS, type SecretName } from "./schema.ts";

const SECRETS = Object.keys(SECRET_SETTINGS).join(", ");

/** How each secret gets into a stack's file; a map goes in part by part, so that each is encrypted. */
export const HOW_TO_SET: Readonly<Record<SecretName, string>> = {
  dbUrl: `\`pulumi config set --secret ${PROJECT}:dbUrl\``,
  ownerDbUrl: `\`pulumi config set --secret ${PROJECT}:ownerDbUrl\``,
  readerDbUrl: `\`pulumi config set --secret ${PROJECT}:readerDbUrl\``,
  binance: `\`pulumi config set --path --secret ${PROJECT}:binance.apiKey\`, then the same for apiSecret`,
  registryToken: `\`pulumi config set --secret ${PROJECT}:registryToken\``,
};

export function isSecretName(key: string): key is SecretName {
  return Object.hasOwn(SECRET_SETTINGS, key);
}

/** What is wrong with a secret in Pulumi.yaml, which every stack reads. */
export function secretInProject(name: SecretName): string {
  return `a secret has no place here; take it out, the stack's file gets it by ${HOW_TO_SET[name]}`;
}

/** What is wrong with a secret that is not encrypted. */
export function plainSecret(name: SecretName): string {
  return `a secret in plain text; take it out, change it where it is used, then ${HOW_TO_SET[name]}`;
}

/** `{secure: ...}`, or a map of nothing else, as `pulumi config set --secret --path` writes. */
export function isEncrypted(value: unknown): boolean {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const entries = Object.entries(value);
  const [first] = entries;
  if (entries.length === 1 && first?.[0] === "secure") return typeof first[1] === "string";
  return entries.length > 0 && entries.every(([, each]) => isEncrypted(each));
}

/** What is wrong with a value that is encrypted and no secret, null where it is not encrypted. */
export function faultOfSecure(value: unknown): string | null {
  return hasSecure(value)
    ? `secure: is for ${SECRETS} alone, synth reads no secret; write the value in plain text`
    : null;
}

function hasSecure(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return Object.entries(value).some(([key, each]) => key === "secure" || hasSecure(each));
}
