import { randomBytes } from "node:crypto";

/** What the key of an object says: the SHA-256 (hex) of its plain bytes, and the attempt that sealed them. */
export type ObjectName = { readonly plainSha256: string; readonly attempt: string };

const SHA256 = /^[0-9a-f]{64}$/;
const ATTEMPT = /^[0-9a-f]{8,32}$/;
const KEY = /^objects\/([0-9a-f]{2})\/([0-9a-f]{64})-([0-9a-f]{8,32})\.zst\.age$/;
/** `objects/`, two digits, `/`, 64 digits, `-`, 32 digits, `.zst.age`. */
const LONGEST_KEY = 116;

/** A new attempt id. age is not deterministic: the same plain bytes, sealed twice, are two objects. */
export function newAttempt(): string {
  return randomBytes(8).toString("hex");
}

/** The key of an object in every tier, below the prefix of the tier. */
export function objectKey(plainSha256: string, attempt: string): string {
  if (!SHA256.test(plainSha256))
    throw new Error(`an object needs a SHA-256 in hex, not ${JSON.stringify(plainSha256.slice(0, 80))}`);
  if (!ATTEMPT.test(attempt))
    throw new Error(`an attempt needs 8 to 32 digits in hex, not ${JSON.stringify(attempt.slice(0, 80))}`);
  return `objects/${plainSha256.slice(0, 2)}/${plainSha256}-${attempt}.zst.age`;
}

/** The parts of a key as a store lists it; null for what is no object's key. */
export function parseObjectKey(key: string): ObjectName | null {
  if (key.length > LONGEST_KEY) return null;
  const [, folder, plainSha256 = "", attempt = ""] = KEY.exec(key) ?? [];
  return folder !== undefined && plainSha256.startsWith(folder) ? { plainSha256, attempt } : null;
}
