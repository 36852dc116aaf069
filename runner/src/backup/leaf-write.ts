import type { Snapshot } from "../db/backup/snapshot.ts";
import type { ObjectUse } from "../db/backup/stored-objects.ts";
import type { LeafWrite } from "../db/backup/write-ledger.ts";
import { COPY_COLUMN_NAMES } from "../db/copy-lines.ts";
import { type ExportedLeaf, type LeafObject, unpackParts } from "./export-leaf.ts";

/** What the ledger says of an object, besides that it is a base. */
export function toUse(object: LeafObject): readonly ObjectUse[] {
  const { key, kind, leaf, first, last } = object;
  return kind === "base" ? [] : [{ key, kind, leaf, first, last, columns: COPY_COLUMN_NAMES }];
}

/** What the ledger gets of a leaf; nothing where the leaf came after the counters were read. */
export function toLeafWrite(exported: ExportedLeaf, { counters }: Snapshot): readonly LeafWrite[] {
  const { leaf, bases } = exported;
  const counter = counters.get(leaf.name);
  return counter === undefined ? [] : [{ leaf, counter, parts: unpackParts(exported), bases }];
}
