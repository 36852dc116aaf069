/**
 * What finds damage in a leaf; the check of r3a.leaf_damage has the same list. content, slots: rows or slots differ from
 * what the backups restore. unreadable: reading fails (SQLSTATE XX001, XX002, 58P01, 58030). checksum: the server counted
 * a failed page. index: an index lacks rows, or has other ones. missing, detached, truncated, file: the table, its place,
 * its rows or its file is gone. suspects: rows changed though nothing explains it. by-hand: a person named the leaf.
 */
export const DETECTORS = [
  "content",
  "slots",
  "unreadable",
  "checksum",
  "index",
  "missing",
  "detached",
  "truncated",
  "file",
  "suspects",
  "by-hand",
] as const;
export type Detector = (typeof DETECTORS)[number];

/** Whether candles differ from the backups. That may be the wish of a person: backup --accept keeps them then. */
export function isAboutCandles(detector: string): boolean {
  return detector === "content" || detector === "slots" || detector === "suspects";
}
