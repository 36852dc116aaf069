import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readdir } from "node:fs/promises";
import { expect, onTestFinished, test } from "vitest";
import { sealObject } from "../../runner/src/backup/seal.ts";
import { SpoolFault } from "../../runner/src/backup/spool.ts";
import { inParts, NEVER, newKey } from "../support/backup/object.ts";
import { temporaryFolder } from "../support/folder.ts";

const folder = temporaryFolder();
const isMounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", folder]).status === 0;
const why = isMounted ? "" : " (skipped: this user cannot mount a small disk)";

test.skipIf(!isMounted)(`a full spool is named, and the half object is removed${why}`, async () => {
  onTestFinished(() => {
    spawnSync("umount", [folder]);
  });
  const { recipient } = await newKey();
  const seal = (bytes: number) =>
    sealObject(inParts(randomBytes(bytes), 50_000), {
      spool: folder,
      recipients: [recipient],
      signal: NEVER,
    });
  const error: unknown = await seal(5_000_000).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(SpoolFault);
  expect((error as SpoolFault).message).toMatch(
    new RegExp(
      `^the spool ${folder} is full: an object needs more than [\\d,]+ bytes there; make room there`,
    ),
  );
  expect(await readdir(folder)).toEqual([]);
  // the room is there again
  expect(await seal(100_000)).toMatchObject({ plainBytes: 100_000 });
});
