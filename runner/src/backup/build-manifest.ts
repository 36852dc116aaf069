import { areComparable } from "../archive/hash-version.ts";
import { leafOfName, type PartRecord, renderLeafRecord } from "../archive/leaf-record.ts";
import type { Manifest, ManifestLeaf } from "../archive/manifest.ts";
import { measureText } from "../archive/named-text.ts";
import type { ObjectRef } from "../archive/object-ref.ts";
import { encodeSlots } from "../archive/slots.ts";
import type { StoredPart } from "../db/backup/ledger.ts";
import { renderTime } from "../time.ts";

/** Rows of a leaf that a backup wrote beside the bases. `first`, `last`: open times (ms). */
export type DeltaObject = ObjectRef & {
  readonly leaf: string;
  readonly backup: number;
  readonly first: number;
  readonly last: number;
};

/**
 * The parts of one leaf with what they need: `objects` has every base that a part names. `serverVersion`: of the server that
 * the manifest names.
 */
export type LeafContent = {
  readonly name: string;
  readonly parts: readonly StoredPart[];
  readonly objects: ReadonlyMap<string, ObjectRef>;
  readonly deltas: readonly DeltaObject[];
  readonly serverVersion: number;
};

/** A leaf as the manifest names it, the text of its record, and the deltas that complete its bases, oldest first. */
export type RecordedLeaf = {
  readonly entry: ManifestLeaf;
  readonly text: string;
  readonly bases: readonly ObjectRef[];
  readonly deltas: readonly DeltaObject[];
};

/**
 * The record of a leaf; null where no part of it has rows. Equal contents make equal texts, so a leaf that did not change
 * has its record already. Throws where a base is missing: such a manifest would restore less than it says.
 */
export function recordLeaf(content: LeafContent): RecordedLeaf | null {
  const { name, parts, objects, deltas, serverVersion } = content;
  const filled = parts.filter(({ rows }) => rows > 0).toSorted(byKey);
  if (filled.length === 0) return null;
  const keys = [...new Set(filled.flatMap(({ base }) => (base === null ? [] : [base.key])))].toSorted();
  const bases = keys.map((key) => refOf(objects.get(key), key));
  const records = filled.map((part) => ({
    ...recordPart(part, keys),
    ...(areComparable(part.serverVersion, serverVersion) ? {} : { serverVersion: part.serverVersion }),
  }));
  const { key, text } = renderLeafRecord({ version: 1, leaf: name, bases, parts: records });
  const { sha256, bytes } = measureText(text);
  const { parent, span } = leafOfName(name);
  // a base that holds its part as it is needs no delta, and an old delta may lie in no tier any more
  const needy = filled.filter(({ base, hash }) => base?.hash !== hash);
  const since = Math.min(...needy.map(({ base }) => base?.backup ?? 0));
  return {
    entry: {
      ...{ name, parent, from: renderTime(span.from), to: renderTime(span.to), key, sha256, bytes },
      parts: filled.length,
      rows: filled.reduce((sum, { rows }) => sum + rows, 0),
    },
    text,
    bases,
    deltas: deltas.filter(({ backup }) => backup > since).toSorted((a, b) => a.backup - b.backup),
  };
}

/** The deltas as a manifest has them. */
export function renderDeltas(leaves: readonly RecordedLeaf[]): Manifest["deltas"] {
  return leaves.flatMap(({ deltas }) =>
    deltas.map(({ first, last, leaf, backup, ...ref }) => ({
      ...refOf(ref, ref.key),
      ...{ leaf, backup, from: renderTime(first), to: renderTime(last) },
    })),
  );
}

function recordPart(
  { coinId, interval, rows, hash, slots, first, last, base }: StoredPart,
  keys: readonly string[],
): PartRecord {
  return {
    ...{ coinId, interval, rows, hash: String(hash), slots: encodeSlots(slots) },
    ...{ first: renderTime(first ?? 0), last: renderTime(last ?? 0) },
    base: base === null ? null : keys.indexOf(base.key),
    baseBackup: base?.backup ?? null,
  };
}

/** The six fields of an object in one order, whatever else the thing has. */
export function refOf(object: ObjectRef | undefined, name: string): ObjectRef {
  if (object === undefined)
    throw new Error(`the ledger names ${name} and does not have it; look who changed r3a.backup_object`);
  const { key, bytes, sha256, plainBytes, plainSha256, rows } = object;
  return { key, bytes, sha256, plainBytes, plainSha256, rows };
}

function byKey(a: StoredPart, b: StoredPart): number {
  return a.coinId - b.coinId || (a.interval < b.interval ? -1 : 1);
}
