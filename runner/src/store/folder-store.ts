import { constants } from "node:fs";
import { lstat, open, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { type Bounded, longestMs, withBounds } from "./bounded.ts";
import type { Content } from "./content.ts";
import { StoreFault, type StorePlace } from "./fault.ts";
import { faultOfFolder } from "./folder-fault.ts";
import { walk } from "./folder-list.ts";
import { codeOf, locate, locateRoot, prepareFolder } from "./folder-place.ts";
import { removeLeftovers, writeNew } from "./folder-put.ts";
import { syncFolder } from "./folder-sync.ts";
import { assertKey, assertPrefix } from "./key.ts";
import { measured } from "./measured.ts";
import { readSpooled } from "./spooled-file.ts";
import type { Store, StoredObject, StoreOptions } from "./store.ts";
import { createStrangers } from "./strangers.ts";
import { encodeText, partsOf, readText } from "./text.ts";

/** A disk that other programs keep busy takes its time for fsync. */
const SILENCE_MS = 120_000;
const PART_BYTES = 256 * 1024;

/** The tier in a folder: objects with mode 0600 in folders with mode 0700, each under its key. */
export function openFolderStore(root: string, { tier, report }: StoreOptions): Store {
  const address = `file://${root}`;
  const placeOf = (key: string): StorePlace => ({ tier, address, key });
  const swept = new Set<string>();
  /** Folders in which a listing met temporary files. Who only reads removes none. */
  const untidy = new Set<string>();

  const onObject = <T>(
    key: string,
    { signal, bytes = 0 }: { signal: AbortSignal; bytes?: number },
    work: (place: StorePlace, bounded: Bounded) => Promise<T>,
  ): Promise<T> => {
    const place = placeOf(key);
    const bounds = { signal, wholeMs: longestMs(bytes) + SILENCE_MS, silenceMs: SILENCE_MS, place };
    return withBounds(bounds, async (bounded) => {
      assertKey(key, place);
      try {
        return await work(place, bounded);
      } catch (error) {
        bounded.signal.throwIfAborted();
        throw faultOfFolder(error, place);
      }
    });
  };

  const write = (key: string, content: Content, signal: AbortSignal) =>
    onObject(key, { signal, bytes: content.bytes }, async (place, bounded) => {
      const path = await prepareFolder(root, place);
      for (const folder of [dirname(path), ...untidy]) {
        if (!swept.has(folder)) await removeLeftovers(folder, Date.now());
        swept.add(folder);
      }
      await writeNew(path, content, { ...bounded, place });
    });

  const read = (key: string, signal: AbortSignal) =>
    onObject(key, { signal }, async (place) => {
      const path = await locate(root, place);
      const { size: bytes } = await lookAt(path, place);
      const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
      const source = file.createReadStream({ highWaterMark: PART_BYTES });
      const faultOf = (error: unknown) => faultOfFolder(error, place);
      return { bytes, stream: measured(source, { bytes, place, signal, faultOf }) };
    });

  async function* list(prefix: string, signal: AbortSignal, after = ""): AsyncGenerator<StoredObject, void> {
    const place = placeOf("");
    assertPrefix(prefix, place);
    const strangers = createStrangers(report, place);
    try {
      const bounds = { signal, wholeMs: SILENCE_MS, silenceMs: SILENCE_MS, place };
      const found = await withBounds(bounds, () => locateRoot(root, place));
      const onTemporary = (folder: string) => void untidy.add(join(found, folder));
      const walking = walk({
        ...{ root: found, prefix, after, signal, place, onTemporary },
        onStranger: strangers.add,
      });
      for (;;) {
        const next = await withBounds(bounds, () => walking.next());
        if (next.done) return;
        yield next.value;
      }
    } catch (error) {
      signal.throwIfAborted();
      throw faultOfFolder(error, place);
    } finally {
      strangers.finish();
    }
  }

  return {
    tier,
    address,
    list,
    put: (key, { path, bytes, sha256 }, signal) =>
      write(key, { parts: () => readSpooled(path), bytes, sha256 }, signal),
    async putText(key, text, signal) {
      const { body, bytes, sha256 } = encodeText(text, placeOf(key));
      await write(key, { parts: () => partsOf(body), bytes, sha256 }, signal);
    },
    get: async (key, signal): Promise<Readable> => (await read(key, signal)).stream,
    async getText(key, signal) {
      const { stream, bytes } = await read(key, signal);
      return readText(stream, bytes, placeOf(key));
    },
    head: (key, signal) =>
      onObject(key, { signal }, async (place) => {
        try {
          const { size: bytes } = await lookAt(await locate(root, place), place);
          return { key, bytes };
        } catch (error) {
          if (codeOf(error) === "ENOENT") return null;
          throw error;
        }
      }),
    remove: (key, signal) =>
      onObject(key, { signal }, async (place) => {
        try {
          const path = await locate(root, place);
          await lookAt(path, place);
          await rm(path);
          await syncFolder(dirname(path));
        } catch (error) {
          if (codeOf(error) !== "ENOENT") throw error;
        }
      }),
    clockAheadMs: () => null,
    async close() {},
  };
}

/** A folder, a link or a pipe in the place of an object is none: a pipe would hang who opens it. */
async function lookAt(path: string, place: StorePlace): Promise<{ readonly size: number }> {
  const found = await lstat(path);
  if (found.isFile()) return found;
  const what = found.isSymbolicLink() ? "a link" : found.isDirectory() ? "a folder" : "no regular file";
  throw new StoreFault("refused", `${what} is in the place of the object; look who put it there`, place);
}
