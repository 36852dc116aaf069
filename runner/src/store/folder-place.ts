import { lstat, mkdir, realpath } from "node:fs/promises";
import { dirname, join } from "node:path";
import { StoreFault, type StorePlace } from "./fault.ts";
import { syncFolder } from "./folder-sync.ts";

export const FOLDER_MODE = 0o700;

/**
 * The real path of the folder that is the tier. The folder is never made here: where the disk is not mounted, a backup
 * would land on the disk of the system, beside what it protects.
 */
export async function locateRoot(root: string, place: StorePlace): Promise<string> {
  try {
    const path = await realpath(root);
    if ((await lstat(path)).isDirectory()) return path;
  } catch (error) {
    if (codeOf(error) !== "ENOENT" && codeOf(error) !== "ENOTDIR") throw error;
    const text = `the folder does not exist. Is its disk mounted? R3A never makes this folder, since an unmounted disk would become a folder on the disk of the system; where the disk is mounted: mkdir -m 700 ${root}`;
    throw new StoreFault("no-bucket", text, place);
  }
  throw new StoreFault("no-bucket", "it is no folder; correct the address of the tier", place);
}

/** The path of an object. A link among its folders is refused: it would lead to files that are no backup. */
export async function locate(root: string, place: StorePlace): Promise<string> {
  const real = await locateRoot(root, place);
  const path = join(real, place.key);
  const folder = await realpath(dirname(path));
  if (folder !== dirname(path)) throw linkInside(folder, place);
  return path;
}

/** The same, with the folders made that are missing below the root. */
export async function prepareFolder(root: string, place: StorePlace): Promise<string> {
  let folder = await locateRoot(root, place);
  for (const name of place.key.split("/").slice(0, -1)) {
    const inner = join(folder, name);
    try {
      await mkdir(inner, { mode: FOLDER_MODE });
      await syncFolder(folder);
    } catch (error) {
      if (codeOf(error) !== "EEXIST") throw error;
      if (!(await lstat(inner)).isDirectory()) throw linkInside(inner, place);
    }
    folder = inner;
  }
  return join(folder, place.key.split("/").at(-1) ?? "");
}

export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

function linkInside(path: string, place: StorePlace): StoreFault {
  const text = `a link or a file stands where a folder must be (${path}); remove it, or correct the address of the tier`;
  return new StoreFault("refused", text, place);
}
