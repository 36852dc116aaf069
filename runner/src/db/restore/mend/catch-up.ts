import { MINUTE_MS } from "../../../time.ts";
import { type BackupLeaf, tableOf } from "../../backup/backup-leaf.ts";
import { COPY_COLUMNS } from "../../copy-lines.ts";
import { LEAF_LOCK_MS } from "../../leaf/guard.ts";
import { scratchOf } from "../../leaf/scratch.ts";
import { lockLeafState } from "../../leaf/state.ts";
import { retryBusy } from "../../lock-retry.ts";
import { onlyRow } from "../../only-row.ts";
import { type OwnClient, own } from "../../session.ts";
import { type Mark, readMark } from "./mark.ts";
import { type Reach, readDamaged } from "./read-damaged.ts";
import { applyRevisions } from "./revisions.ts";
import { replaceRows, type TakenOver, takenOf, type Written, writtenRows } from "./take-over.ts";

/** `mark`: from which on `takeOver` goes on. */
export type CaughtUp = Pick<TakenOver, "rows"> & { readonly mark: Mark };

const PATIENCE_MS = 5 * MINUTE_MS;
type SpanRow = { coin_id: number; interval: string; from_ts: string; to_ts: string };
const TAKE_SPANS = `
  delete from r3a.leaf_reopening where leaf = $1 returning coin_id, "interval", from_ts::text as from_ts, to_ts::text as to_ts`;
const MAKE_ROWS = (leaf: BackupLeaf) =>
  `create temp table mend_rows as select ${COPY_COLUMNS} from ${tableOf(scratchOf(leaf))} where false`;
const MAKE_SPANS = `
  create temp table mend_written as select * from jsonb_to_recordset($1) as u (coin_id int, "interval" text, from_ts timestamptz, to_ts timestamptz)`;

/**
 * Takes what jobs wrote to the leaf since the mark into the scratch table, which has its primary key, before the swap does the
 * same for the little that comes after: it holds writers back for a moment alone, and this may read the whole table. Works on
 * connections of its own. Busy where writers hold the leaf for 5 min.
 */
export async function catchUp(
  reach: Reach,
  leaf: BackupLeaf,
  { oldTable, mark }: Written,
): Promise<CaughtUp> {
  const { spans, next } = await own(reach.db, reach.signal, (client) =>
    takeSpans(client, leaf, reach.signal),
  );
  await own(reach.db, reach.signal, (client) =>
    applyRevisions(client, leaf, { at: mark.at, above: mark.revision }),
  );
  if (oldTable === null || spans.length === 0) return { rows: 0, mark: next };
  const written = (where: string) =>
    writtenRows(leaf, { table: oldTable, spans: "pg_temp.mend_written", where });
  const { result } = await readDamaged(reach, {
    table: oldTable,
    prepare: async (client) => {
      await client.query(MAKE_SPANS, [JSON.stringify(spans)]);
      await client.query(MAKE_ROWS(leaf));
    },
    read: (client, where) => client.query(`insert into pg_temp.mend_rows ${written(where)}`, [mark.snapshot]),
    finish: async (client) =>
      takenOf(leaf, onlyRow(await client.query(replaceRows(leaf, "select * from pg_temp.mend_rows")))),
  });
  return { rows: result.rows, mark: next };
}

/** The spans that were written, and the mark behind them, while no writer is under way. */
async function takeSpans(client: OwnClient, { name }: BackupLeaf, signal: AbortSignal) {
  const attempt = async () => {
    await client.query(`begin; set local lock_timeout = ${LEAF_LOCK_MS}`);
    try {
      await lockLeafState(client, name);
      const next = await readMark(client);
      const spans = await client.query<SpanRow>(TAKE_SPANS, [name]);
      await client.query("commit");
      return { spans, next };
    } catch (error) {
      await client.query("rollback").catch(() => {}); // the first error says why
      throw error;
    }
  };
  return retryBusy(attempt, performance.now() + PATIENCE_MS, signal);
}
