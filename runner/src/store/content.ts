import { createHash } from "node:crypto";
import { StoreFault, type StorePlace } from "./fault.ts";

/** The parts of what is put, and what they must amount to. */
export type Content = {
  /** Begins anew with each call: a try that failed has read some. */
  readonly parts: () => AsyncIterable<Buffer>;
  readonly bytes: number;
  /** Hex. */
  readonly sha256: string;
};

/**
 * The parts as they are sent to a store. The last one is held back until the length and the hash are known to be right: a
 * server that compares neither must not get a whole body that is another.
 */
export async function* checked(
  { parts, bytes, sha256 }: Content,
  place: StorePlace,
  progress: () => void,
): AsyncGenerator<Buffer, void> {
  const hash = createHash("sha256");
  let count = 0;
  let held: Buffer | null = null;
  for await (const part of parts()) {
    count += part.length;
    if (count > bytes) throw changed(count, bytes, place);
    hash.update(part);
    if (held !== null) yield held;
    progress();
    held = part;
  }
  if (count !== bytes || hash.digest("hex") !== sha256) throw changed(count, bytes, place);
  if (held !== null) yield held;
}

function changed(count: number, bytes: number, place: StorePlace): StoreFault {
  const text = `the file to put is not what was announced (${count} bytes came, ${bytes} were announced, or its SHA-256 is another): something changed it; nothing was stored, run again`;
  return new StoreFault("broken", text, place);
}
