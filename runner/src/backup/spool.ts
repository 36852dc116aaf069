import { randomBytes } from "node:crypto";
import { accessSync, constants, statSync } from "node:fs";
import { lstat, readdir, rm, statfs } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { TryAgain } from "../errors.ts";
import { renderNumber } from "../render.ts";
import { DAY_MS, SECOND_MS } from "../time.ts";

/** `r3a-spool.PID.RANDOM.HOST.age`: another run sees by it whose file this is, and whether that process is gone. */
const NAME = /^r3a-spool\.(\d{1,10})\.[0-9a-f]{16}\.([\w.-]{1,253})\.age$/;

/** A path in the spool that no file has. */
export function spoolFile(folder: string): string {
  return join(folder, `r3a-spool.${process.pid}.${randomBytes(8).toString("hex")}.${hostname()}.age`);
}

/** The folder for ciphertext that is not yet put, as the setting names it; throws where nothing can be written there. */
export function parseSpool(folder: string): string {
  const found = statSync(folder, { throwIfNoEntry: false });
  if (found === undefined) throw new Error(`names ${folder}, which does not exist: make the folder first`);
  if (!found.isDirectory()) throw new Error(`names ${folder}, which is no folder`);
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Error(`names ${folder}, where this user can make no file (${code})`);
  }
  return folder;
}

const ADVICE = "make room there, or set BACKUP_SPOOL to a folder with more";

/** Throws TryAgain where the folder has less free than `bytes`: an hour of reading would end with a full disk. */
export async function requireRoom(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (free < bytes)
    throw new TryAgain(
      `the spool ${folder} has ${renderNumber(free)} bytes free, and the next object may need ${renderNumber(bytes)}: ${ADVICE}`,
    );
}

const FULL = ["ENOSPC", "EDQUOT", "EFBIG"];
/** A write to the database or the store fails with other codes. */
const OF_DISK = [...FULL, "EIO", "EROFS"];

/** TryAgain for an error of the file at `path`, after `written` bytes; every other error as it is. */
export function asSpoolFault(error: unknown, path: string, written: number): unknown {
  const { code = "", syscall, path: of } = error as NodeJS.ErrnoException;
  if (of !== path && !(syscall === "write" && OF_DISK.includes(code))) return error;
  const folder = dirname(path);
  const text = FULL.includes(code)
    ? `the spool ${folder} is full: an object needs more than ${renderNumber(written)} bytes there; ${ADVICE}`
    : `the spool ${folder} cannot be written (${code}): set BACKUP_SPOOL to a folder where this user may make files`;
  return new TryAgain(text, { cause: error });
}

/**
 * Removes what killed runs left in the spool: files whose process on this machine is gone, and those that nobody has
 * written for a day. Files of other users and of other programs stay. Returns the names of the removed files.
 */
export async function sweepSpool(folder: string): Promise<readonly string[]> {
  const removed: string[] = [];
  for (const name of await readdir(folder)) {
    const [, pid, host] = NAME.exec(name) ?? [];
    if (pid === undefined) continue;
    const path = join(folder, name);
    // another run may sweep at the same moment
    const found = await lstat(path).catch(() => null);
    if (found === null || !found.isFile() || found.uid !== process.getuid?.()) continue;
    const isOrphan = host === hostname() && isGone(Number(pid), found.mtimeMs);
    if (!isOrphan && Date.now() - found.mtimeMs < DAY_MS) continue;
    await rm(path, { force: true });
    removed.push(name);
  }
  return removed;
}

/** Whether the process that wrote a file at `writtenAt` (ms) is gone. A container that starts again gives its process the old number. */
function isGone(pid: number, writtenAt: number): boolean {
  if (pid === process.pid) return writtenAt < Date.now() - process.uptime() * SECOND_MS;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    // EPERM: the process is another user's
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}
