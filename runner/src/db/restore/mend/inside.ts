import pg from "pg";
import { type BackupLeaf, intervalsOf } from "../../backup/backup-leaf.ts";

/** The condition that a row of `alias` has an interval and an open time of the leaf. */
export function isInside(leaf: BackupLeaf, alias: string): string {
  const intervals = intervalsOf(leaf).map(pg.escapeLiteral).join(", ");
  const [from, to] = [leaf.span.from, leaf.span.to].map(
    (ms) => `timestamptz ${pg.escapeLiteral(new Date(ms).toISOString())}`,
  );
  return `${alias}."interval" in (${intervals}) and ${alias}."timestamp" >= ${from} and ${alias}."timestamp" < ${to}`;
}
