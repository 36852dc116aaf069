import { randomUUID } from "node:crypto";
import { link, lstat, open, opendir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { HOUR_MS } from "../time.ts";
import type { Bounded } from "./bounded.ts";
import { type Content, checked } from "./content.ts";
import { StoreFault, type StorePlace } from "./fault.ts";
import { codeOf } from "./folder-place.ts";
import { syncFolder } from "./folder-sync.ts";

export const FILE_MODE = 0o600;
/**
 * Of a put that lives a byte is written every 120 s (bounded.ts), so the run that wrote an older temporary file was killed;
 * the rest is for clocks that differ.
 */
const LEFTOVER_MS = HOUR_MS;
const TEMPORARY = /^\.put-[0-9a-f-]{36}\.tmp$/;

export const isTemporary = (name: string) => TEMPORARY.test(name);

/**
 * Writes an object beside its name, syncs it, and gives it its name by `link`, which, other than `rename`, fails where the
 * name is taken. So under its name an object is whole or not there, whenever the program is killed.
 */
export async function writeNew(
  path: string,
  content: Content,
  { signal, progress, place }: Bounded & { place: StorePlace },
): Promise<void> {
  if (await isTaken(path)) throw taken(place);
  const temporary = join(dirname(path), `.put-${randomUUID()}.tmp`);
  const file = await open(temporary, "wx", FILE_MODE);
  try {
    try {
      for await (const part of checked(content, place, progress)) {
        signal.throwIfAborted();
        await file.writeFile(part); // which goes on where the last call ended
      }
      await file.sync();
    } finally {
      await file.close();
    }
    signal.throwIfAborted();
    await link(temporary, path).catch((error: unknown) => {
      throw codeOf(error) === "EEXIST" ? taken(place) : noLinks(error, place);
    });
  } finally {
    await rm(temporary, { force: true });
  }
  await syncFolder(dirname(path));
}

async function isTaken(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return false;
    throw error;
  }
}

function taken(place: StorePlace): StoreFault {
  return new StoreFault("exists", "the key is taken; what lies there stays as it is", place);
}

/** FAT, exFAT and some network disks have no hard links, and so no way to refuse a name that is taken. */
function noLinks(error: unknown, place: StorePlace): unknown {
  if (!["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"].includes(codeOf(error))) return error;
  const text = `the disk has no hard links (${codeOf(error)}), by which R3A writes each object once; use a disk with ext4, xfs, btrfs, zfs or NFS`;
  return new StoreFault("refused", text, place);
}

/** Removes the temporary files that killed runs left in a folder. */
export async function removeLeftovers(folder: string, now: number): Promise<void> {
  for await (const entry of await opendir(folder)) {
    if (!entry.isFile() || !isTemporary(entry.name)) continue;
    const path = join(folder, entry.name);
    const old = await lstat(path).catch((error: unknown) => {
      if (codeOf(error) === "ENOENT") return null; // its run just ended
      throw error;
    });
    if (old !== null && now - old.mtimeMs > LEFTOVER_MS) await rm(path, { force: true });
  }
}
