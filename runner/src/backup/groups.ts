import type { LeafPart } from "../db/backup/backup-leaf.ts";

/** A part that needs an object of its own or of a group, with the number of its rows. */
export type PartToPack = LeafPart & { readonly rows: number };

/** 200 MB of text, 45 MB sealed: a store takes and gives it in one piece, and an object that is lost costs no more. */
export const MOST_OBJECT_ROWS = 2_000_000;

/**
 * The parts of a leaf packed into new objects, in the order of the coins; one part is never divided. Only parts that need a
 * base are given: those of an object that is still right stay in it, so a coin that comes late adds an object and rewrites
 * none, and a part that changed leaves its object to the others.
 */
export function packParts<Part extends PartToPack>(
  parts: readonly Part[],
  mostRows = MOST_OBJECT_ROWS,
): readonly (readonly Part[])[] {
  const groups: Part[][] = [];
  let room = 0;
  for (const part of parts.toSorted(byKey)) {
    const group = groups.at(-1);
    if (group === undefined || part.rows > room) {
      groups.push([part]);
      room = mostRows;
    } else group.push(part);
    room -= part.rows;
  }
  return groups;
}

/** As the candle table's primary key orders them: the interval is text there. */
function byKey(a: PartToPack, b: PartToPack): number {
  return a.coinId - b.coinId || (a.interval < b.interval ? -1 : 1);
}
