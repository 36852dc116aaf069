import { createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import { pipeline, type Readable } from "node:stream";
import { encrypt } from "../archive/object/age.ts";
import type { ObjectFacts } from "../archive/object/facts.ts";
import { tallyBytes } from "../archive/object/tally.ts";
import { compress } from "../archive/object/zstd.ts";
import { asSpoolFault, spoolFile } from "./spool.ts";

/** An object in the spool, ready to be put. Who has put it removes the file. */
export type SpooledObject = ObjectFacts & { readonly path: string };

/** `spool`: a folder. `recipients`: public keys of age. */
export type Sealing = {
  readonly spool: string;
  readonly recipients: readonly string[];
  readonly signal: AbortSignal;
};

/**
 * Compresses and encrypts a stream into a file of the spool that its owner alone reads. Where `plain` fails, the spool
 * is full or `signal` is aborted, the file is removed and the error thrown: of a full spool TryAgain, of `signal` its reason.
 */
export async function sealObject(
  plain: Readable | AsyncIterable<Uint8Array>,
  { spool, recipients, signal }: Sealing,
): Promise<SpooledObject> {
  signal.throwIfAborted();
  if (recipients.length === 0) throw new Error("an object is encrypted to at least one recipient");
  const path = spoolFile(spool);
  const file = createWriteStream(path, { flags: "wx", mode: 0o600 });
  const [content, cipher] = [tallyBytes(), tallyBytes()];
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  // the pipeline itself does not end as long as a source neither goes on nor ends
  const stop = () => {
    file.destroy();
    reject(signal.reason);
  };
  signal.addEventListener("abort", stop, { once: true });
  try {
    pipeline(
      plain,
      content.pass,
      compress,
      (source: AsyncIterable<Uint8Array>) => encrypt(source, recipients),
      cipher.pass,
      file,
      (error) => (error ? reject(error) : resolve()),
    );
    await promise;
  } catch (error) {
    // a file that is still being opened would come into being after its removal
    if (!file.closed) await new Promise<void>((closed) => file.once("close", () => closed()));
    await rm(path, { force: true });
    throw asSpoolFault(error, path, cipher.bytes());
  } finally {
    signal.removeEventListener("abort", stop);
  }
  return {
    path,
    bytes: cipher.bytes(),
    sha256: cipher.sha256(),
    plainBytes: content.bytes(),
    plainSha256: content.sha256(),
  };
}
