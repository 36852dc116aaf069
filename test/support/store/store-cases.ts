import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { expect, test } from "vitest";
import { StoreFault } from "../../../runner/src/store/fault.ts";
import type { SpooledFile, Store, StoredObject } from "../../../runner/src/store/store.ts";
import { temporaryFolder } from "../folder.ts";

/** A store to try, and how a stranger puts something beside its objects. */
export type Tried = {
  readonly store: Store;
  readonly plant: (name: string, body: string) => Promise<void>;
  /** What the store reported since it was opened. */
  readonly reports: readonly string[];
};

/** The signal of a run that nobody stops. */
export const going = new AbortController().signal;

/** A file of random bytes, as a backup spools one. */
export async function spool(bytes: number): Promise<SpooledFile & { readonly body: Buffer }> {
  const body = randomBytes(bytes);
  const path = join(temporaryFolder(), "spool");
  await writeFile(path, body);
  return { path, bytes, sha256: createHash("sha256").update(body).digest("hex"), body };
}

export async function listAll(store: Store, prefix = ""): Promise<readonly StoredObject[]> {
  return readAll(store.list(prefix, going));
}

async function readAll<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** The fault that a call ends with; a call that ends well or with another error fails the test. */
export async function faultOf(work: Promise<unknown>): Promise<StoreFault> {
  const error = await work.then(
    () => new Error("it ended well"),
    (reason: unknown) => reason,
  );
  if (error instanceof StoreFault) return error;
  throw error;
}

/** The faults of calls that were all made at once. */
export const faultsOf = (works: readonly Promise<unknown>[]) => Promise.all(works.map(faultOf));

/** What holds for every store. `open` makes one that is empty; `many`: more objects than a page of its listing has. */
export function testStore(open: () => Promise<Tried>, many: number): void {
  for (const bytes of [0, 1, 3_000_001])
    test(`gives back ${bytes} bytes as they were put`, async () => {
      const { store } = await open();
      const file = await spool(bytes);
      await store.put("objects/ab/one.zst.age", file, going);
      expect((await buffer(await store.get("objects/ab/one.zst.age", going))).equals(file.body)).toBe(true);
      expect(await store.head("objects/ab/one.zst.age", going)).toEqual({
        key: "objects/ab/one.zst.age",
        bytes,
      });
    });

  test("gives back a text as it was put, a byte order mark and letters of any alphabet too", async () => {
    const { store } = await open();
    const text = '\ufeff{"a":"Ünïcode 統一"}\n';
    await store.putText("manifests/1.json", text, going);
    expect(await store.getText("manifests/1.json", going)).toBe(text);
  });

  test("refuses a key that is taken, and what lies there stays", async () => {
    const { store } = await open();
    await store.putText("manifests/1.json", "first", going);
    const [text, file] = await Promise.all([
      faultOf(store.putText("manifests/1.json", "second", going)),
      faultOf(store.put("manifests/1.json", await spool(10), going)),
    ]);
    expect([text.kind, file.kind]).toEqual(["exists", "exists"]);
    expect(text.message).toContain(`${store.tier} (${store.address}), manifests/1.json: `);
    expect(await store.getText("manifests/1.json", going)).toBe("first");
  });

  test("of many that put one key at once one alone succeeds, and its text is what lies there", async () => {
    const { store } = await open();
    const texts = Array.from({ length: 8 }, (_, index) => `text ${index}`);
    const ends = await Promise.allSettled(
      texts.map((text) => store.putText("manifests/1.json", text, going)),
    );
    const won = texts.filter((_, index) => ends[index]?.status === "fulfilled");
    expect(won).toHaveLength(1);
    expect(await store.getText("manifests/1.json", going)).toBe(won[0]);
    const kinds = ends.flatMap((end) => (end.status === "rejected" ? [end.reason.kind] : []));
    expect(new Set(kinds)).toEqual(new Set(["exists"]));
  });

  test("stores nothing of a file that is not what was announced", async () => {
    const { store } = await open();
    const file = await spool(5_000);
    const changed = { ...file, sha256: (await spool(5_000)).sha256 };
    expect((await faultOf(store.put("objects/a", changed, going))).kind).toBe("broken");
    for (const bytes of [4_999, 5_001])
      expect((await faultOf(store.put("objects/a", { ...file, bytes }, going))).kind).toBe("broken");
    expect(await store.head("objects/a", going)).toBeNull();
    expect(await listAll(store)).toEqual([]);
    await expect(store.put("objects/a", { ...file, path: `${file.path}-away` }, going)).rejects.toThrow(
      /^the file to put, .*spool-away, cannot be read: ENOENT/,
    );
  });

  test("says missing where there is no object, and takes its removal as done", async () => {
    const { store } = await open();
    expect((await faultOf(store.get("objects/a", going))).kind).toBe("missing");
    expect((await faultOf(store.getText("objects/a", going))).kind).toBe("missing");
    expect(await store.head("objects/a", going)).toBeNull();
    await store.remove("objects/a", going);
  });

  test("removes an object, whose key is free then", async () => {
    const { store } = await open();
    await store.putText("a/b", "one", going);
    await store.putText("a/c", "two", going);
    await store.remove("a/b", going);
    expect((await listAll(store)).map(({ key }) => key)).toEqual(["a/c"]);
    await store.putText("a/b", "three", going);
    expect(await store.getText("a/b", going)).toBe("three");
  });

  test("lists in the order of the bytes of the keys, by any beginning", async () => {
    const { store } = await open();
    const keys = ["a-b", "a.b", "a/b", "a/b-c/d", "a/b.c", "a0", "ab/c/d/e", "b"];
    for (const key of keys.toReversed()) await store.putText(key, key, going);
    expect(await listAll(store)).toEqual(keys.map((key) => ({ key, bytes: key.length })));
    for (const prefix of ["a", "a/", "a/b", "a/b-c/", "ab/c/d/e", "c", "a/b/"])
      expect((await listAll(store, prefix)).map(({ key }) => key)).toEqual(
        keys.filter((key) => key.startsWith(prefix)),
      );
    for (const after of ["a", "a/b", "a/b-c", "a/b-c/d", "a/b-d", "b"]) {
      const behind = await readAll(store.list("a", going, after));
      expect(behind.map(({ key }) => key)).toEqual(keys.filter((key) => key < "b" && key > after));
    }
  });

  test(`lists ${many} objects, and stops where the reader stops`, async () => {
    const { store } = await open();
    const keys = Array.from({ length: many }, (_, index) => `objects/${String(index).padStart(5, "0")}`);
    for (let at = 0; at < many; at += 50)
      await Promise.all(keys.slice(at, at + 50).map((key) => store.putText(key, "x", going)));
    expect((await listAll(store)).map(({ key }) => key)).toEqual(keys);
    for await (const { key } of store.list("", going)) {
      expect(key).toBe(keys[0]);
      break;
    }
  });

  test("reports what is not ours and does not list it", async () => {
    const { store, plant, reports } = await open();
    await store.putText("manifests/1.json", "x", going);
    for (const name of ["Photo.JPG", "manifests/2 copy.json", "manifests/.hidden", "übung"])
      await plant(name, "not ours");
    expect((await listAll(store)).map(({ key }) => key)).toEqual(["manifests/1.json"]);
    expect(reports).toHaveLength(1);
    expect(reports[0]).toMatch(
      /holds what R3A did not write: .*"Photo.JPG".*give the tier a place of its own/,
    );
    expect(reports[0]).toContain("manifests/2 copy.json");
  });

  test.each([
    "",
    "/a",
    "a/",
    "a//b",
    "../a",
    "a/../b",
    "a/.b",
    "A",
    "a b",
    "a\nb",
    "ä",
    "a\\b",
    "a".repeat(301),
  ])("asks nothing for %j, which is no key", async (key) => {
    const { store } = await open();
    const calls = [
      store.putText(key, "x", going),
      spool(1).then((file) => store.put(key, file, going)),
      store.get(key, going),
      store.getText(key, going),
      store.head(key, going),
      store.remove(key, going),
    ];
    for (const { kind } of await faultsOf(calls)) expect(kind).toBe("refused");
  });

  test("takes texts of up to 16 MiB, and no object for a text that is longer or no UTF-8", async () => {
    const { store } = await open();
    const most = 16 * 1024 * 1024;
    await store.putText("most", "x".repeat(most), going);
    expect(await store.getText("most", going)).toHaveLength(most);
    expect((await faultOf(store.putText("more", "x".repeat(most + 1), going))).kind).toBe("broken");
    await store.put("long", await spool(most + 1), going);
    expect((await faultOf(store.getText("long", going))).message).toContain(`it has ${most + 1} bytes`);
    await store.put("bytes", await spool(64), going);
    expect((await faultOf(store.getText("bytes", going))).message).toContain("no text in UTF-8");
  });

  test("a run that is stopped ends every call with its own reason", async () => {
    const { store } = await open();
    await store.put("a", await spool(3_000_000), going);
    const file = await spool(1);
    const stop = new AbortController();
    const stream = await store.get("a", stop.signal);
    await once(stream, "readable");
    const reason = new Error("the run was stopped");
    stop.abort(reason);
    await expect(buffer(stream)).rejects.toBe(reason);
    const calls = [
      store.putText("b", "x", stop.signal),
      store.put("b", file, stop.signal),
      store.get("a", stop.signal),
      store.getText("a", stop.signal),
      store.head("a", stop.signal),
      store.remove("a", stop.signal),
      readAll(store.list("", stop.signal)),
    ];
    const ends = await Promise.allSettled<unknown>(calls);
    expect(ends).toEqual(calls.map(() => ({ status: "rejected", reason })));
    expect((await listAll(store)).map(({ key }) => key)).toEqual(["a"]);
  });
}
