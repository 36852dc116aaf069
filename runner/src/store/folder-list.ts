import type { Dirent } from "node:fs";
import { lstat, opendir } from "node:fs/promises";
import { join } from "node:path";
import { printable } from "../candle/printable.ts";
import { StoreFault, type StorePlace } from "./fault.ts";
import { codeOf } from "./folder-place.ts";
import { isTemporary } from "./folder-put.ts";
import { isKey } from "./key.ts";
import type { StoredObject } from "./store.ts";

/** Names of one folder that are held at once. Six years of 600 symbols are about 20,000 objects. */
const MOST_NAMES = 250_000;
/** Files whose lengths are asked for together: 10,000 objects are listed in 0.24 s so, and took 0.43 s one by one. */
const AT_ONCE = 64;
/** What the disk itself puts there. */
const OF_THE_DISK = new Set(["lost+found"]);

export type Walk = {
  /** Real path of the tier. */
  readonly root: string;
  readonly prefix: string;
  /** Keys up to this one are left out; "" leaves out none. */
  readonly after: string;
  readonly signal: AbortSignal;
  readonly place: StorePlace;
  readonly onStranger: (name: string) => void;
  /** Gets the folder (as a part of a key) of a temporary file. */
  readonly onTemporary: (folder: string) => void;
};

/** The objects below `folder` (a key that ends with `/`, or "") in the order of their keys. */
export async function* walk(of: Walk, folder = ""): AsyncGenerator<StoredObject, void> {
  const names = await readNames(of, folder);
  for (let start = 0; start < names.length; start += AT_ONCE) {
    of.signal.throwIfAborted();
    const some = names.slice(start, start + AT_ONCE);
    const lengths = await Promise.all(
      some.map(({ key, entry }) => (entry.isDirectory() ? null : lengthOf(join(of.root, key)))),
    );
    for (const [index, { key, entry }] of some.entries()) {
      const bytes = lengths[index] ?? null;
      if (entry.isDirectory()) yield* walk(of, key);
      else if (bytes !== null) yield { key, bytes };
    }
  }
}

type Named = { readonly key: string; readonly entry: Dirent };

async function readNames(
  { root, prefix, after, signal, place, onStranger, onTemporary }: Walk,
  folder: string,
): Promise<Named[]> {
  const found: Named[] = [];
  let count = 0;
  for await (const entry of await openFolder(join(root, folder))) {
    signal.throwIfAborted();
    count += 1;
    if (count > MOST_NAMES)
      throw new StoreFault(
        "refused",
        `more than ${MOST_NAMES} names in the folder ${folder || "."}; is this the folder of a tier?`,
        place,
      );
    const name = `${folder}${entry.name}`;
    const key = entry.isDirectory() ? `${name}/` : name;
    if (!(key.startsWith(prefix) || (entry.isDirectory() && prefix.startsWith(key)))) continue;
    if (key <= after && !(entry.isDirectory() && after.startsWith(key))) continue;
    if (isKey(name) && (entry.isFile() || entry.isDirectory())) found.push({ key, entry });
    else if (isTemporary(entry.name)) onTemporary(folder);
    else if (!OF_THE_DISK.has(entry.name)) onStranger(printable(name, 100));
  }
  // the keys are ASCII, and a folder counts with its `/`: so S3 orders them too
  return found.sort((a, b) => (a.key < b.key ? -1 : 1));
}

async function openFolder(path: string): Promise<AsyncIterable<Dirent>> {
  try {
    return await opendir(path);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
    return (async function* () {})(); // removed since its name was read
  }
}

async function lengthOf(path: string): Promise<number | null> {
  try {
    const found = await lstat(path);
    return found.isFile() ? found.size : null;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return null;
    throw error;
  }
}
