import { randomBytes } from "node:crypto";
import { readdir } from "node:fs/promises";
import { expect, test } from "vitest";
import { sealObject } from "../../runner/src/backup/seal.ts";
import { TryAgain } from "../../runner/src/errors.ts";
import { inParts, NEVER, newKey } from "../support/backup/object.ts";
import { mountSmallDisk, NO_DISKS } from "../support/small-disk.ts";

const disk = mountSmallDisk(1);

test.skipIf(disk === null)(
  `a full spool is named, and the half object is removed ${disk === null ? NO_DISKS : ""}`,
  async () => {
    const folder = disk?.folder ?? "";
    const { recipient } = await newKey();
    const seal = (bytes: number) =>
      sealObject(inParts(randomBytes(bytes), 50_000), {
        spool: folder,
        recipients: [recipient],
        signal: NEVER,
      });
    const error: unknown = await seal(5_000_000).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(TryAgain);
    expect((error as TryAgain).message).toMatch(
      new RegExp(
        `^the spool ${folder} is full: an object needs more than [\\d,]+ bytes there; make room there`,
      ),
    );
    expect(await readdir(folder)).toEqual([]);
    // the room is there again
    expect(await seal(100_000)).toMatchObject({ plainBytes: 100_000 });
  },
);
