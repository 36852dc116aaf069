import { lstat, statfs } from "node:fs/promises";
import { dirname, join } from "node:path";
import { withBounds } from "./bounded.ts";
import type { StorePlace } from "./fault.ts";
import { faultOfFolder } from "./folder-fault.ts";
import { FOLDER_MODE, locateRoot } from "./folder-place.ts";
import { FILE_MODE } from "./folder-put.ts";

/** A network disk that is away lets each call hang. */
const LOOK_MS = 30_000;
const OF_OTHERS = 0o077;

/**
 * Rights and room of a tier in a folder. `open`: sentences about who else may read or write. `freeBytes`: for this user.
 */
export type FolderLook = { readonly open: readonly string[]; readonly freeBytes: number };

/** Looks at the folder, and at the rights that one of its objects was made with. Throws a StoreFault. */
export async function lookAtFolder(
  root: string,
  place: StorePlace,
  signal: AbortSignal,
): Promise<FolderLook> {
  const bounds = { signal, wholeMs: LOOK_MS, silenceMs: LOOK_MS, place };
  return withBounds(bounds, async () => {
    try {
      const path = await locateRoot(root, place);
      const { mode } = await lstat(path);
      const { bavail, bsize } = await statfs(path);
      const object = join(path, place.key);
      const [ofFile, ofFolder] = [(await lstat(object)).mode, (await lstat(dirname(object))).mode];
      return {
        open: [
          ...((mode & OF_OTHERS) === 0
            ? []
            : [`other users may look into the folder (mode ${octal(mode)}): chmod 700 ${root}`]),
          ...(isMode(ofFile, FILE_MODE) && isMode(ofFolder, FOLDER_MODE)
            ? []
            : [
                `the disk does not keep rights: an object has mode ${octal(ofFile)} instead of 600, its folder ${octal(ofFolder)} instead of 700; mount the disk so that other users see nothing of it`,
              ]),
        ],
        freeBytes: bavail * bsize,
      };
    } catch (error) {
      signal.throwIfAborted();
      throw faultOfFolder(error, place);
    }
  });
}

const isMode = (mode: number, wanted: number) => (mode & 0o777) === wanted;
const octal = (mode: number) => (mode & 0o777).toString(8);
