import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { beforeEach, expect, test } from "vitest";
import { withDamage, withManifestAlone } from "../../runner/src/restore/drill/layers.ts";
import { openFolderStore } from "../../runner/src/store/folder-store.ts";
import type { Store } from "../../runner/src/store/store.ts";
import { NEVER } from "../support/backup/object.ts";
import { temporaryFolder } from "../support/folder.ts";

/** Longer than two parts of a read. */
const CONTENT = Buffer.alloc(600_000, "candle");
let store: Store;
let folder = "";

beforeEach(() => {
  folder = temporaryFolder();
  mkdirSync(join(folder, "objects"));
  for (const name of ["objects/a", "objects/b"]) writeFileSync(join(folder, name), CONTENT);
  store = openFolderStore(folder, { tier: "warm", report: () => {} });
});

test.each([0, 262_143, 262_144, 599_999])(
  "byte %i of one object is another one, and all else is as it is",
  async (byte) => {
    const { store: damaged, reads } = withDamage(store, { key: "objects/a", byte });
    const read = async (key: string) => buffer(await damaged.get(key, NEVER));
    expect((await read("objects/b")).equals(CONTENT)).toBe(true);
    expect(reads()).toBe(0);
    const found = await read("objects/a");
    const differing = [...found.keys()].filter((at) => found[at] !== CONTENT[at]);
    expect([found.length, differing, reads()]).toEqual([CONTENT.length, [byte], 1]);
    expect((await buffer(await store.get("objects/a", NEVER))).equals(CONTENT)).toBe(true);
    expect([damaged.tier, damaged.address === store.address]).toEqual(["warm", false]);
  },
);

test("a damaged object that nobody reads to its end leaves no file open", async () => {
  const opened: Readable[] = [];
  const get: Store["get"] = async (key, signal) => {
    const source = await store.get(key, signal);
    opened.push(source);
    return source;
  };
  const { store: damaged } = withDamage({ ...store, get }, { key: "objects/a", byte: 1 });
  (await damaged.get("objects/a", NEVER)).destroy();
  await expect.poll(() => opened.map(({ destroyed }) => destroyed), { timeout: 20_000 }).toEqual([true]);
});

test("one manifest is listed alone, with everything that is no manifest", async () => {
  mkdirSync(join(folder, "manifests"));
  for (const name of ["manifests/one.json", "manifests/two.json"]) writeFileSync(join(folder, name), "{}");
  const listed = async (prefix: string) => {
    const keys: string[] = [];
    for await (const { key } of withManifestAlone(store, "manifests/one.json").list(prefix, NEVER))
      keys.push(key);
    return keys;
  };
  expect(await listed("manifests/")).toEqual(["manifests/one.json"]);
  expect(await listed("")).toEqual(["manifests/one.json", "objects/a", "objects/b"]);
});
