import {
  chmodSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { messageOf } from "../../runner/src/errors.ts";
import { openFolderStore } from "../../runner/src/store/folder-store.ts";
import { temporaryFolder } from "../support/folder.ts";
import { faultOf, faultsOf, going, listAll, spool, testStore } from "../support/store/store-cases.ts";

function open(root = temporaryFolder()) {
  const reports: string[] = [];
  const store = openFolderStore(root, { tier: "hot", report: (text) => reports.push(text) });
  const plant = async (name: string, body: string) => {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), body);
  };
  return { root, store, reports, plant };
}

describe("a folder as every store", () => {
  testStore(async () => open(), 60);
});

const modeOf = (path: string) => (statSync(path).mode & 0o7777).toString(8);
/** The files below a folder that this process has open. */
const openFiles = (root: string) =>
  readdirSync("/proc/self/fd").filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(root);
    } catch {
      return false; // closed since the folder was read
    }
  });

test("objects have mode 0600, folders 0700, and nothing lies beside them", async () => {
  const { root, store } = open();
  await store.put("objects/ab/one", await spool(100), going);
  expect(modeOf(join(root, "objects"))).toBe("700");
  expect(modeOf(join(root, "objects/ab"))).toBe("700");
  expect(modeOf(join(root, "objects/ab/one"))).toBe("600");
  expect(readdirSync(join(root, "objects/ab"))).toEqual(["one"]);
});

test("a folder that does not exist is never made, and the fault says why", async () => {
  const root = join(temporaryFolder(), "mnt");
  const { store } = open(root);
  for (const fault of await faultsOf([
    store.putText("a", "x", going),
    store.get("a", going),
    store.head("a", going),
    store.remove("a", going),
    listAll(store),
  ])) {
    expect(fault.kind).toBe("no-bucket");
    expect(fault.message).toContain("Is its disk mounted? R3A never makes this folder");
    expect(fault.message).toContain(`mkdir -m 700 ${root}`);
    // the words of the system are a part of the sentence, and do not follow it once more
    expect(messageOf(fault)).toBe(fault.message);
  }
  expect(() => statSync(root)).toThrow("ENOENT");
  writeFileSync(root, "");
  expect((await faultOf(store.putText("a", "x", going))).message).toContain("it is no folder");
});

test("what a killed run left is not listed, and goes when it is an hour old", async () => {
  const { root, store, reports } = open();
  const left = (index: number) =>
    join(root, "objects", `.put-01a20000-0000-7000-8000-00000000000${index}.tmp`);
  await store.putText("objects/a", "x", going);
  for (const index of [1, 2]) writeFileSync(left(index), "half an obj");
  const [now, hour] = [Date.now() / 1000, 3600];
  utimesSync(left(1), now, now - 1.1 * hour);
  utimesSync(left(2), now, now - 0.9 * hour);
  expect((await listAll(store)).map(({ key }) => key)).toEqual(["objects/a"]);
  await open(root).store.putText("objects/b", "x", going);
  expect(readdirSync(join(root, "objects")).sort()).toEqual([left(2).split("/").at(-1), "a", "b"]);
  expect(reports).toEqual([]);
});

test("what a killed run left in another folder goes with the first write after a listing that met it", async () => {
  const { root, store } = open();
  await store.putText("objects/ab/a", "x", going);
  const left = join(root, "objects/ab/.put-01a20000-0000-7000-8000-000000000001.tmp");
  writeFileSync(left, "half an obj");
  const old = Date.now() / 1000 - 7200;
  utimesSync(left, old, old);
  const { store: reader } = open(root);
  await listAll(reader, "objects/");
  expect(readdirSync(join(root, "objects/ab"))).toHaveLength(2);
  await reader.putText("manifests/m", "x", going);
  expect(readdirSync(join(root, "objects/ab"))).toEqual(["a"]);
});

test("a run that is killed between the name and the removal of the temporary name leaves a whole object", async () => {
  const { root, store } = open();
  await store.putText("objects/a", "whole", going);
  linkSync(join(root, "objects/a"), join(root, "objects/.put-01a20000-0000-7000-8000-000000000001.tmp"));
  expect(await listAll(store)).toEqual([{ key: "objects/a", bytes: 5 }]);
  expect(await store.getText("objects/a", going)).toBe("whole");
  expect((await faultOf(store.putText("objects/a", "other", going))).kind).toBe("exists");
});

test("a link or a folder in the place of an object is refused", async () => {
  const { root, store, reports } = open();
  const outside = join(temporaryFolder(), "outside");
  writeFileSync(outside, "secret of another program");
  symlinkSync(outside, join(root, "link"));
  symlinkSync("/nonexistent", join(root, "dead"));
  mkdirSync(join(root, "folder"));
  for (const key of ["link", "dead", "folder"]) {
    const faults = await faultsOf([
      store.get(key, going),
      store.getText(key, going),
      store.head(key, going),
      store.remove(key, going),
    ]);
    expect(faults.map(({ kind }) => kind)).toEqual(["refused", "refused", "refused", "refused"]);
    expect((await faultOf(store.putText(key, "x", going))).kind).toBe("exists");
  }
  expect(await listAll(store)).toEqual([]);
  expect(reports[0]).toMatch(/"dead", "link"/);
  expect(readFileSync(outside, "utf8")).toBe("secret of another program");
});

test("a link in the place of a folder leads nowhere", async () => {
  const { root, store } = open();
  const outside = temporaryFolder();
  writeFileSync(join(outside, "a"), "x");
  symlinkSync(outside, join(root, "objects"));
  for (const fault of await faultsOf([
    store.putText("objects/b", "x", going),
    store.get("objects/a", going),
    store.head("objects/a", going),
    store.remove("objects/a", going),
  ])) {
    expect(fault.kind).toBe("refused");
    expect(fault.message).toContain("a link or a file stands where a folder must be");
  }
  expect(await listAll(store)).toEqual([]);
  expect(readdirSync(outside)).toEqual(["a"]);
});

test("the folder of the tier itself may be a link", async () => {
  const real = temporaryFolder();
  const root = join(temporaryFolder(), "backup");
  symlinkSync(real, root);
  const { store } = open(root);
  await store.putText("objects/a", "x", going);
  expect(await listAll(store)).toEqual([{ key: "objects/a", bytes: 1 }]);
  expect(readdirSync(real)).toEqual(["objects"]);
});

test.skipIf(process.getuid?.() === 0)("without rights the fault is denied and says what to do", async () => {
  const { root, store } = open();
  chmodSync(root, 0o500);
  const fault = await faultOf(store.putText("a", "x", going));
  chmodSync(root, 0o700);
  expect(fault.kind).toBe("denied");
  expect(fault.message).toContain("give this account the right to read and write there");
});

test("a file that grows shorter while it is read is broken", async () => {
  const { root, store } = open();
  await store.put("a", await spool(5_000_000), going);
  const stream = await store.get("a", going);
  writeFileSync(join(root, "a"), "short");
  const fault = await faultOf(stream.toArray());
  expect(fault.kind).toBe("broken");
  expect(fault.message).toMatch(/only \d+ of the 5000000 bytes that were announced came/);
});

test("a stream that nobody reads, or not to its end, leaves no file open", async () => {
  const { root, store } = open();
  await store.put("a", await spool(5_000_000), going);
  const unread = await store.get("a", going);
  expect(openFiles(root)).toHaveLength(1);
  unread.destroy();
  for await (const part of await store.get("a", going)) {
    expect(part.length).toBeGreaterThan(0);
    break;
  }
  await expect.poll(() => openFiles(root)).toEqual([]);
});
