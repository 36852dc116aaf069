import { createHash } from "node:crypto";

/** Counts and hashes what passes. `bytes` and `sha256` are of all that has passed so far. */
export function tallyBytes() {
  const hash = createHash("sha256");
  let bytes = 0;
  return {
    async *pass(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
      for await (const chunk of source) {
        bytes += chunk.length;
        hash.update(chunk);
        yield chunk;
      }
    },
    bytes: () => bytes,
    sha256: () => hash.copy().digest("hex"),
  };
}
