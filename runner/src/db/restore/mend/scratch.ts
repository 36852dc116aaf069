import pg from "pg";
import { LEAF_SCRATCH_SCHEMA } from "../../../contract/names.ts";
import type { BackupLeaf } from "../../backup/backup-leaf.ts";
import { intervalsOf } from "../../backup/backup-leaf.ts";

/** The table that is built for a leaf, whatever table of the leaf was given: the live one is never written to here. */
export function scratchOf({ name, parent, span }: BackupLeaf): BackupLeaf {
  return { schema: LEAF_SCRATCH_SCHEMA, name, parent, span };
}

/** Two moments as SQL of the type timestamptz: where the leaf begins and where it ends. */
export function boundsOf({ span }: Pick<BackupLeaf, "span">): readonly [from: string, to: string] {
  const timeOf = (ms: number) => `timestamptz ${pg.escapeLiteral(new Date(ms).toISOString())}`;
  return [timeOf(span.from), timeOf(span.to)];
}

/** The condition that a row of `alias` has an interval and an open time of the leaf. */
export function isInside(leaf: BackupLeaf, alias: string): string {
  const [from, to] = boundsOf(leaf);
  const intervals = intervalsOf(leaf).map(pg.escapeLiteral).join(", ");
  return `${alias}."interval" in (${intervals}) and ${alias}."timestamp" >= ${from} and ${alias}."timestamp" < ${to}`;
}
