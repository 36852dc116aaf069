import { isChangedSince } from "../../backup/backup-leaf.ts";
import { onlyRow } from "../../only-row.ts";
import type { OwnClient } from "../../session.ts";
import { msOf } from "../../sql-time.ts";

/**
 * A moment in the order of transactions. `at`: by the clock of the database (ms). `snapshot`: which transactions had ended.
 * `revision`: so many numbers below the newest revision that those below were committed, as text.
 */
export type Mark = { readonly at: number; readonly snapshot: string; readonly revision: string };

const READ = `
  select ${msOf("now()")} as at, pg_current_snapshot()::text as snapshot,
         (select coalesce(max(id), 0) - 1000 from r3a.candle_revision)::text as revision`;

/**
 * Whether a row of `alias` was written by a transaction that had not ended in the snapshot, the parameter `snapshot`. Not by
 * its xmin alone: one long transaction anywhere on the server would make damage of hours before a row that a job wrote. The
 * numbers of savepoints are not in a snapshot, but a job makes its savepoint after it reopened the leaf.
 */
export const isWrittenAfter = (alias: string, snapshot: string) => {
  const known = `${snapshot}::text::pg_snapshot`;
  const running = `select mod(x::text::numeric, 4294967296)::text from pg_snapshot_xip(${known}) x`;
  return `(${isChangedSince(alias, `pg_snapshot_xmax(${known})`)} or ${alias}.xmin::text = any (array(${running})))`;
};

/** The mark of this moment. Read it before the leaf is taken: a later writer then has no smaller number. */
export async function readMark(client: OwnClient): Promise<Mark> {
  return onlyRow(await client.query<Mark>(READ));
}
