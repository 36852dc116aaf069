import * as fs from "node:fs/promises";
import { join } from "node:path";
import { tolerate, withLock } from "../install/file-lock.js";
import { homeOf, isServer } from "./place.ts";
import { startPostgres } from "./postgres.ts";

/** What lies in the folder of a development server. */

/** Whether the server of a folder runs. */
export async function isRunning(folder: string): Promise<boolean> {
  const dataDir = join(homeOf(await fs.realpath(folder)), "pgdata");
  const file = await fs.readFile(join(dataDir, "postmaster.pid"), "utf8").catch(tolerate("ENOENT"));
  return isServer(Number(file?.split("\n")[0]), dataDir);
}

/** Deletes the server of a folder and its data; false where somebody uses the server. */
export async function removeData(folder: string): Promise<boolean> {
  // one that a killed program left runs for nobody: who joins it and leaves stops it
  if (await isRunning(folder)) await (await startPostgres({ dir: folder })).stop();
  const home = homeOf(await fs.realpath(folder));
  const isFree = await withLock(join(home, "lock"), async () => {
    if (await isRunning(folder)) return false;
    await fs.rm(join(home, "pgdata"), { recursive: true, force: true, maxRetries: 5 });
    return true;
  });
  if (isFree) for (const path of [home, folder]) await fs.rm(path, { recursive: true, force: true });
  return isFree;
}

/** The size of all files below a folder, in bytes. */
export async function sizeOf(folder: string): Promise<number> {
  const entries = await fs.readdir(folder, { recursive: true, withFileTypes: true });
  const sizes = entries.map(async (entry) => {
    // the server deletes files while they are counted
    const stat =
      entry.isFile() && (await fs.stat(join(entry.parentPath, entry.name)).catch(tolerate("ENOENT")));
    return stat ? stat.size : 0;
  });
  return (await Promise.all(sizes)).reduce((total, size) => total + size, 0);
}
