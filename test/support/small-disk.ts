import { spawnSync } from "node:child_process";
import { rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll } from "vitest";
import { temporaryFolder } from "./folder.ts";

/** A disk of its own in the memory, for files of a test that fill it. */
export type SmallDisk = {
  readonly folder: string;
  /** Fills the disk but for `left` bytes. */
  fill(left: number): void;
  /** Takes away what `fill` wrote. */
  makeRoom(): void;
};

/** The words for the title of a test that is skipped without disks. */
export const NO_DISKS = "(skipped: this user cannot mount a small disk)";

/** Mounts a disk of some MB until the end of the test file; null where this user may not. */
export function mountSmallDisk(megabytes: number): SmallDisk | null {
  const folder = temporaryFolder();
  const options = `size=${megabytes}m`;
  if (spawnSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", folder]).status !== 0) return null;
  afterAll(() => void spawnSync("umount", ["-l", folder]));
  const filler = join(folder, ".filler");
  return {
    folder,
    fill(left) {
      const { bavail, bsize } = statfsSync(folder);
      writeFileSync(filler, Buffer.alloc(bavail * bsize - left));
    },
    makeRoom: () => rmSync(filler),
  };
}
