import { PROJECT } from "./schema.ts";

/**
 * The command that writes a secret into the file of a stack; it asks for the value, so no shell history has the value.
 */
const byKey = (key: string) => `\`pulumi config set --secret ${PROJECT}:${key}\``;

/**
 * The only keys that hold secrets: encrypted in the file of the stack, never read by synth. A map is set part by part,
 * so that each part is encrypted.
 */
export const SECRET_SETTINGS = {
  dbUrl: { meaning: "DB_URL of the jobs.", howToSet: byKey("dbUrl") },
  ownerDbUrl: { meaning: "DB_URL of the owner, with `ownerDbSecretName`.", howToSet: byKey("ownerDbUrl") },
  readerDbUrl: {
    meaning: "DB_URL of the reader, with `readerDbSecretName`.",
    howToSet: byKey("readerDbUrl"),
  },
  binance: {
    meaning: "Object {apiKey, apiSecret}; optional.",
    howToSet: `\`pulumi config set --path --secret ${PROJECT}:binance.apiKey\`, then the same for apiSecret`,
  },
  registryToken: { meaning: "Password or token of the pull credentials.", howToSet: byKey("registryToken") },
} as const;
export type SecretName = keyof typeof SECRET_SETTINGS;

const SECRETS = Object.keys(SECRET_SETTINGS).join(", ");

export function isSecretName(key: string): key is SecretName {
  return Object.hasOwn(SECRET_SETTINGS, key);
}

/** What is wrong with a secret in Pulumi.yaml, which every stack reads. */
export function secretInProject(name: SecretName): string {
  return `a secret has no place here; take it out, the stack's file gets it by ${SECRET_SETTINGS[name].howToSet}`;
}

/** What is wrong with a secret that is not encrypted. */
export function plainSecret(name: SecretName): string {
  return `a secret in plain text; take it out, change it where it is used, then ${SECRET_SETTINGS[name].howToSet}`;
}

/** Whether a value is `{secure: ...}`, or a map of such values, as `pulumi config set --secret --path` writes it. */
export function isEncrypted(value: unknown): boolean {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const entries = Object.entries(value);
  const [first] = entries;
  if (entries.length === 1 && first?.[0] === "secure") return typeof first[1] === "string";
  return entries.length > 0 && entries.every(([, each]) => isEncrypted(each));
}

/** What is wrong with an encrypted value under a key that holds no secret; null: the value is not encrypted. */
export function faultOfSecure(value: unknown): string | null {
  return hasSecure(value)
    ? `secure: is for ${SECRETS} alone, synth reads no secret; write the value in plain text`
    : null;
}

function hasSecure(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return Object.entries(value).some(([key, each]) => key === "secure" || hasSecure(each));
}
