import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { messageOf } from "../../runner/src/errors.ts";
import { openFolderStore } from "../../runner/src/store/folder-store.ts";
import { runCommand } from "../support/database/own-server.ts";
import { temporaryFolder } from "../support/folder.ts";
import { faultOf, going, listAll, spool } from "../support/store/store-cases.ts";

const open = (root: string) =>
  openFolderStore(root, {
    tier: "hot",
    report: (text) => {
      throw new Error(text);
    },
  });

const PROGRAM = fileURLToPath(new URL("../support/store/put-forever.ts", import.meta.url));
const KILLS = 12;

test(`after ${KILLS} kills at any moment every object that has a name is whole`, async () => {
  const root = temporaryFolder();
  const file = await spool(4_000_000);
  let [objects, leftovers] = [0, 0];
  for (let kill = 0; kill < KILLS; kill += 1) {
    const words = [PROGRAM, root, file.path, String(file.bytes), file.sha256];
    const child = spawn(process.execPath, words, { stdio: "inherit" });
    const ended = once(child, "close");
    const own = () => {
      const names =
        kill === 0 && !readdirSync(root).includes("objects") ? [] : readdirSync(join(root, "objects"));
      return names.some((name) => name.startsWith(`${child.pid}-`));
    };
    while (!own()) await sleep(5);
    await sleep(kill * 7); // so that the kills meet every step of a put
    child.kill("SIGKILL");
    await ended;
  }
  const store = open(root);
  for await (const { key, bytes } of store.list("", going)) {
    expect(bytes).toBe(file.bytes);
    expect((await buffer(await store.get(key, going))).equals(file.body)).toBe(true);
    objects += 1;
  }
  leftovers = readdirSync(join(root, "objects")).filter((name) => name.endsWith(".tmp")).length;
  expect(objects).toBeGreaterThanOrEqual(KILLS);
  // else no kill met a put under way, and the test shows nothing
  expect(leftovers).toBeGreaterThan(0);
}, 180_000);

const mountPoint = join(tmpdir(), `r3a-full-store-${process.pid}`);
await mkdir(mountPoint);
const canMount = await runCommand("mount", ["-t", "tmpfs", "-o", "size=4m,mode=0777", "tmpfs", mountPoint]);
if (!canMount) await rm(mountPoint, { recursive: true });

describe.skipIf(!canMount)("a disk of its own (a small tmpfs; skipped where mounting is not allowed)", () => {
  afterAll(async () => {
    await runCommand("umount", ["-l", mountPoint]);
    await rm(mountPoint, { recursive: true });
  });

  test("that is full: the object is not there, nothing is left of it, and what fits is taken", async () => {
    const store = open(mountPoint);
    const first = await spool(1_000_000);
    await store.put("objects/a", first, going);
    const fault = await faultOf(store.put("objects/b", await spool(5_000_000), going));
    expect(fault.kind).toBe("full");
    expect(fault.message).toContain("ENOSPC: no space left on device; make room there");
    expect(messageOf(fault)).toBe(fault.message);
    expect(readdirSync(join(mountPoint, "objects"))).toEqual(["a"]);
    await store.put("objects/b", await spool(2_000_000), going);
    expect((await buffer(await store.get("objects/a", going))).equals(first.body)).toBe(true);
    expect((await listAll(store)).map(({ key }) => key)).toEqual(["objects/a", "objects/b"]);
  });

  test("that is mounted read-only: denied, and it can still be read", async () => {
    const store = open(mountPoint);
    mkdirSync(join(mountPoint, "manifests"));
    writeFileSync(join(mountPoint, "manifests/1.json"), "x");
    expect(await runCommand("mount", ["-o", "remount,ro", mountPoint])).toBe(true);
    const fault = await faultOf(store.putText("manifests/2.json", "x", going));
    expect(fault.kind).toBe("denied");
    expect(fault.message).toContain("the disk is mounted read-only");
    expect((await faultOf(store.remove("manifests/1.json", going))).kind).toBe("denied");
    expect(await store.getText("manifests/1.json", going)).toBe("x");
  });
});
