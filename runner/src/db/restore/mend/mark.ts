import { onlyRow } from "../../only-row.ts";
import type { OwnClient } from "../../session.ts";
import { msOf } from "../../sql-time.ts";

/**
 * A moment in the order of transactions. `at`: by the clock of the database (ms). `xmin`: transactions with a smaller number
 * had ended. `revision`: so many numbers below the newest revision that those below were committed. Both as text.
 */
export type Mark = { readonly at: number; readonly xmin: string; readonly revision: string };

const READ = `
  select ${msOf("now()")} as at, pg_snapshot_xmin(pg_current_snapshot())::text as xmin,
         (select coalesce(max(id), 0) - 1000 from r3a.candle_revision)::text as revision`;

/** The mark of this moment. Read it before the leaf is taken: a later writer then has no smaller number. */
export async function readMark(client: OwnClient): Promise<Mark> {
  return onlyRow(await client.query<Mark>(READ));
}
