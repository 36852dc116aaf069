import { spawnSync } from "node:child_process";
import { existsSync, utimesSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { basename, join } from "node:path";
import { expect, test } from "vitest";
import { sealObject } from "../../runner/src/backup/seal.ts";
import { requireRoom, spoolFile, sweepSpool } from "../../runner/src/backup/spool.ts";
import { TryAgain } from "../../runner/src/errors.ts";
import { inParts, NEVER, newKey } from "../support/backup/object.ts";
import { temporaryFolder } from "../support/folder.ts";

const nameOf = (pid: number, host = hostname()) =>
  `r3a-spool.${pid}.${String(pid).padStart(16, "0")}.${host}.age`;
const goneProcess = spawnSync("true").pid;

test("leftovers of processes that are gone, and those of yesterday, are removed; all else stays", async () => {
  const folder = temporaryFolder();
  const put = (name: string, ageHours = 0) => {
    const path = join(folder, name);
    writeFileSync(path, "x");
    const time = Date.now() / 1000 - ageHours * 3600;
    utimesSync(path, time, time);
    return name;
  };
  const gone = put(nameOf(goneProcess));
  const old = put(nameOf(process.ppid), 25);
  const oldElsewhere = put(nameOf(goneProcess, "another-pod"), 25);
  // as a container leaves it that starts again with the same process number
  const before = put(nameOf(process.pid), 23);
  const kept = [
    put(basename(spoolFile(folder))),
    put(nameOf(1)),
    put(nameOf(goneProcess, "a-third-pod"), 23),
    put("notes.age", 999),
    put(`${nameOf(goneProcess)}.txt`, 999),
  ];
  expect([...(await sweepSpool(folder))].sort()).toEqual([gone, old, oldElsewhere, before].sort());
  for (const name of kept) expect(existsSync(join(folder, name)), name).toBe(true);
  expect(await sweepSpool(folder)).toEqual([]);
});

test("a folder with too little room is told before the work, with what is free and what is needed", async () => {
  const folder = temporaryFolder();
  await expect(requireRoom(folder, 1)).resolves.toBeUndefined();
  const asked = requireRoom(folder, 1e18);
  await expect(asked).rejects.toBeInstanceOf(TryAgain);
  await expect(asked).rejects.toThrow(
    new RegExp(
      `^the spool ${folder} has [\\d,]+ bytes free, and the next object may need 1,000,000,000,000,000,000: `,
    ),
  );
});

test("a spool that is away is named", async () => {
  const folder = join(temporaryFolder(), "away");
  const { recipient } = await newKey();
  const sealing = sealObject(inParts(Buffer.alloc(10), 5), {
    spool: folder,
    recipients: [recipient],
    signal: NEVER,
  });
  await expect(sealing).rejects.toThrow(`the spool ${folder} cannot be written (ENOENT): set BACKUP_SPOOL`);
});
