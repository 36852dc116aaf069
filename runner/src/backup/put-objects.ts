import { createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { checkObject, compareCipher } from "../archive/object/check.ts";
import type { CipherFacts } from "../archive/object/facts.ts";
import { ObjectFault } from "../archive/object/fault.ts";
import { messageOf } from "../errors.ts";
import { StoreFault } from "../store/fault.ts";
import type { Store } from "../store/store.ts";
import { asSpoolFault, spoolFile } from "./spool.ts";

/** The stored bytes of an object, and where they lie on this machine. */
export type CipherFile = CipherFacts & { readonly path: string };

/**
 * Puts an object into a tier and reads it back to its end: a tier that took the bytes and gives others has nothing. What
 * lies under the key already counts where it is the same; a run that was killed may have put it.
 */
export async function putObject(
  store: Store,
  key: string,
  file: CipherFile,
  signal: AbortSignal,
): Promise<void> {
  await store.put(key, file, signal).catch((error: unknown) => {
    if (!(error instanceof StoreFault && error.kind === "exists")) throw error;
  });
  await readBack(store, key, file, signal);
}

/** Throws an ObjectFault with the name of the tier and the object where its bytes are not those of the facts. */
export async function readBack(
  store: Store,
  key: string,
  facts: CipherFacts,
  signal: AbortSignal,
): Promise<void> {
  try {
    await checkObject(await store.get(key, signal), facts);
  } catch (error) {
    if (!(error instanceof ObjectFault)) throw error;
    throw new ObjectFault(`${store.tier} (${store.address}), ${key}: ${error.message}`, { cause: error });
  }
}

/** What is copied, from where, and the folder for the bytes on the way. */
export type Copying = {
  readonly key: string;
  readonly facts: CipherFacts;
  readonly sources: readonly Store[];
  readonly spool: string;
};

/**
 * Gives a tier an object that others have: a tier that was away gets what it lacks without the rows being read again. Takes
 * the first source whose bytes are right; throws where none has them.
 */
export async function copyObject(
  target: Store,
  { key, facts, sources, spool }: Copying,
  signal: AbortSignal,
): Promise<void> {
  const reasons: string[] = [];
  for (const source of sources) {
    const path = spoolFile(spool);
    try {
      const cipher = compareCipher(await source.get(key, signal), facts);
      const file = createWriteStream(path, { flags: "wx", mode: 0o600 });
      await pipeline(cipher, file, { signal }).catch((error: unknown) => {
        throw asSpoolFault(error, path, file.bytesWritten);
      });
      await putObject(target, key, { ...facts, path }, signal);
      return;
    } catch (error) {
      signal.throwIfAborted();
      if (!isOf(source, error)) throw error;
      reasons.push(messageOf(error));
    } finally {
      await rm(path, { force: true });
    }
  }
  const place = { tier: target.tier, address: target.address, key };
  throw new StoreFault(
    "missing",
    `no other tier gives this object (${reasons.join("; ") || "none has it"}); the next daily run writes the candles anew, and names what it cannot`,
    place,
  );
}

/** Whether the source is at fault: then the next one is asked. */
function isOf(source: Store, error: unknown): boolean {
  return error instanceof StoreFault ? error.tier === source.tier : error instanceof ObjectFault;
}
