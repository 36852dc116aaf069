import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { isBech32Key } from "./bech32.ts";

const LARGEST_FILE = 64 * 1024;
/** As many as recipients: a key that was replaced still opens the objects of its time. */
const MOST_KEYS = 16;
const PREFIX = "AGE-SECRET-KEY-";

/**
 * The secret keys of an identity: a text with a key on each line, where blank lines and those with # count as none. No
 * fault shows a part of the text.
 */
export function parseIdentity(text: string): string {
  if (/^(age-encryption\.org\/v1|-----BEGIN AGE ENCRYPTED FILE-----)/.test(text))
    throw new Error("is encrypted with a passphrase, for which no job can ask: give the secret key itself");
  const keys = listKeys(text);
  if (keys.length === 0) throw new Error(`holds no secret key (${PREFIX}1...)`);
  if (keys.length > MOST_KEYS) throw new Error(`holds more than ${MOST_KEYS} secret keys`);
  const wrong = keys.flatMap((key, index) =>
    key === key.toUpperCase() && isBech32Key(key.toLowerCase(), PREFIX.toLowerCase()) ? [] : [index + 1],
  );
  if (wrong.length > 0)
    throw new Error(
      `must hold secret keys such as age-keygen prints (${PREFIX}1 and 58 letters and digits), a line each; key ${wrong.join(", ")} is none (its value is not shown)`,
    );
  return keys.join("\n");
}

/** The keys in the text of an identity. */
export function listKeys(identity: string): readonly string[] {
  return identity
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
}

/** The identity in a file such as age-keygen writes. */
export function readIdentityFile(path: string): string {
  if (/age-secret-key-/i.test(path)) throw new Error("holds a secret key instead of the path of a file");
  return parseIdentity(readBounded(path));
}

function readBounded(path: string): string {
  // not opened: opening a pipe waits for its writer
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) throw new Error(`names ${path}, which does not exist`);
  if (!found.isFile()) throw new Error(`names ${path}, which is no regular file`);
  const file = openSync(path, "r");
  try {
    if (fstatSync(file).size > LARGEST_FILE)
      throw new Error(`names ${path}, which is larger than ${LARGEST_FILE} bytes`);
    const bytes = Buffer.alloc(LARGEST_FILE);
    return bytes.toString("utf8", 0, readSync(file, bytes));
  } finally {
    closeSync(file);
  }
}
