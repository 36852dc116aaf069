import { createHash } from "node:crypto";
import { ObjectFault } from "./fault.ts";

/** A length in bytes and a SHA-256 (hex) that a stream must have; `name` begins the sentence of the fault. */
type Awaited = { readonly name: string; readonly bytes: number; readonly sha256: string };

/**
 * Passes a stream on and compares length and SHA-256. Never more than `bytes` pass: a longer stream ends with an
 * ObjectFault before the part that is too much, a shorter or another one before its end.
 */
export async function* compareBytes(
  source: AsyncIterable<Uint8Array>,
  { name, bytes, sha256 }: Awaited,
): AsyncGenerator<Uint8Array> {
  const hash = createHash("sha256");
  let passed = 0;
  for await (const chunk of source) {
    passed += chunk.length;
    if (passed > bytes) throw new ObjectFault(`${name} has more than its ${bytes} bytes`);
    hash.update(chunk);
    yield chunk;
  }
  if (passed === 0 && bytes > 0) throw new ObjectFault(`${name} is empty instead of ${bytes} bytes long`);
  if (passed < bytes) throw new ObjectFault(`${name} ends after ${passed} of ${bytes} bytes`);
  const found = hash.digest("hex");
  if (found !== sha256)
    throw new ObjectFault(
      `${name} has the right length and other bytes: SHA-256 ${found} instead of ${sha256}`,
    );
}
