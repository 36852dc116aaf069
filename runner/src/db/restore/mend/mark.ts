import { onlyRow } from "../../only-row.ts";
import type { OwnClient } from "../../session.ts";

/**
 * A moment in the order of transactions. `xmin`: those with a smaller number had ended; `revision`: revisions up to this
 * number were committed, but for the last thousand, whose transactions may have been under way. Both as text.
 */
export type Mark = { readonly xmin: string; readonly revision: string };

const READ = `
  select pg_snapshot_xmin(pg_current_snapshot())::text as xmin,
         (select coalesce(max(id), 0) - 1000 from r3a.candle_revision)::text as revision`;

/** The mark of this moment. Read it before the leaf is taken: a later writer then has no smaller number. */
export async function readMark(client: OwnClient): Promise<Mark> {
  return onlyRow(await client.query<Mark>(READ));
}
