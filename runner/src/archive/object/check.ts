import type { Readable } from "node:stream";
import { compareBytes } from "./compare.ts";
import type { CipherFacts } from "./facts.ts";

/** Passes the stored bytes of an object on and compares them with the facts; throws as `compareBytes` does. */
export function compareCipher(
  cipher: AsyncIterable<Uint8Array>,
  { bytes, sha256 }: CipherFacts,
): AsyncGenerator<Uint8Array> {
  return compareBytes(cipher, { name: "the object", bytes, sha256 });
}

/**
 * Reads a stored object to its end and compares its length and SHA-256, which needs no identity. Throws an ObjectFault
 * where one differs, and the stream's own error where that fails.
 */
export async function checkObject(cipher: Readable, expected: CipherFacts): Promise<void> {
  for await (const _ of compareCipher(cipher, expected)) {
    // compareCipher hashes each part as it passes
  }
}
