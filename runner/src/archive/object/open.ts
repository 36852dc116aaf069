import { PassThrough, pipeline, type Readable } from "node:stream";
import { decrypt } from "./age.ts";
import { compareCipher } from "./check.ts";
import { compareBytes } from "./compare.ts";
import type { ObjectFacts } from "./facts.ts";
import { decompress } from "./zstd.ts";

/** How to open an object: `identity` has a secret key of age on each line. */
export type Opening = {
  readonly identity: string;
  readonly expected: ObjectFacts;
  readonly signal: AbortSignal;
};

/**
 * The plain bytes of a stored object. Each layer is verified as the bytes pass; never more than the expected length
 * passes. Where anything differs the stream fails with an ObjectFault before its end, so what came out of a stream that
 * failed must be thrown away. An error of `cipher` and the reason of `signal` come through as they are.
 */
export function openObject(cipher: Readable, { identity, expected, signal }: Opening): Readable {
  const { plainBytes, plainSha256 } = expected;
  const plain = new PassThrough();
  pipeline(
    cipher,
    (source: AsyncIterable<Uint8Array>) => compareCipher(source, expected),
    (source: AsyncIterable<Uint8Array>) => decrypt(source, identity),
    decompress,
    (source: AsyncIterable<Uint8Array>) =>
      compareBytes(source, { name: "the content of the object", bytes: plainBytes, sha256: plainSha256 }),
    plain,
    // the reader of `plain` gets the error
    () => signal.removeEventListener("abort", stop),
  );
  const stop = () => plain.destroy(signal.reason);
  if (signal.aborted) stop();
  else signal.addEventListener("abort", stop, { once: true });
  return plain;
}
