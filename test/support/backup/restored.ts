import {
  type LeafRecord,
  type PartRecord,
  parseLeafRecord,
} from "../../../runner/src/archive/leaf-record.ts";
import type { Manifest } from "../../../runner/src/archive/manifest.ts";
import { openObject } from "../../../runner/src/archive/object/open.ts";
import type { ObjectRef } from "../../../runner/src/archive/object-ref.ts";
import { parseManifest } from "../../../runner/src/archive/parse-manifest.ts";
import { orderManifests } from "../../../runner/src/backup/chain.ts";
import type { Store } from "../../../runner/src/store/store.ts";

const forever = new AbortController().signal;

/** The manifests of a tier, newest first. */
export async function readManifests(store: Store): Promise<readonly Manifest[]> {
  const keys: string[] = [];
  for await (const { key } of store.list("manifests/", forever)) keys.push(key);
  const { newestFirst } = orderManifests(keys);
  return Promise.all(
    newestFirst.map(async ({ key }) => parseManifest(key, await store.getText(key, forever))),
  );
}

export async function newestManifest(store: Store): Promise<Manifest> {
  const [newest] = await readManifests(store);
  if (newest === undefined) throw new Error(`${store.tier} has no manifest`);
  return newest;
}

/** The records of the leaves of a manifest, in its order. */
export async function readRecords(store: Store, { leaves }: Manifest): Promise<readonly LeafRecord[]> {
  return Promise.all(leaves.map(async ({ key }) => parseLeafRecord(key, await store.getText(key, forever))));
}

/** The lines of COPY in an object. */
export async function readLines(
  store: Store,
  expected: ObjectRef,
  identity: string,
): Promise<readonly string[]> {
  const plain = openObject(await store.get(expected.key, forever), { identity, expected, signal: forever });
  const text = Buffer.concat(await plain.toArray()).toString("utf8");
  return text === "" ? [] : text.trimEnd().split("\n");
}

/**
 * The candles that the newest manifest of a tier gives back, as lines of COPY in the order of their key: the bases, then the
 * deltas of later backups. Written without the code of restore, as a person would do it by hand.
 */
export async function restoreLines(store: Store, identity: string): Promise<readonly string[]> {
  const manifest = await newestManifest(store);
  const lines: string[] = [];
  for (const leaf of manifest.leaves) {
    const record = parseLeafRecord(leaf.key, await store.getText(leaf.key, forever));
    const rows = new Map<string, string>();
    const apply = async (object: ObjectRef, takes: (part: PartRecord) => boolean) => {
      const parts = new Set(
        record.parts.filter(takes).map(({ coinId, interval }) => `${coinId}\t${interval}`),
      );
      for (const line of await readLines(store, object, identity)) {
        const [coin, interval, time] = line.split("\t");
        if (parts.has(`${coin}\t${interval}`)) rows.set(`${coin}\t${interval}\t${time}`, line);
      }
    };
    for (const [index, base] of record.bases.entries()) await apply(base, (part) => part.base === index);
    for (const delta of manifest.deltas.filter((each) => each.leaf === leaf.name))
      await apply(delta, (part) => delta.backup > (part.baseBackup ?? 0));
    if (rows.size !== leaf.rows) throw new Error(`${leaf.name} gives ${rows.size} rows of ${leaf.rows}`);
    lines.push(...rows.values());
  }
  return lines.toSorted();
}
