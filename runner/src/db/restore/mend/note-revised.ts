import { type BackupLeaf, tableOf } from "../../backup/backup-leaf.ts";
import { jsonOf } from "../../candles.ts";
import { scratchOf } from "../../leaf/scratch.ts";
import type { OwnClient } from "../../session.ts";
import { isInside } from "./inside.ts";
import { MARGIN_MS } from "./revisions.ts";

/** The swap holds writers back while it writes them down: so many took 70 ms on two busy cores, and 5000 took 350 ms. */
const MOST = 1_000;

// as texts: the numbers go through no double, and 1.50 is another value than 1.5
const READ = (leaf: BackupLeaf) => `
  select coalesce(jsonb_agg(b), '[]')::text as rows from (
    select s.coin_id, s."interval", s."timestamp" as at, ${jsonOf("s")} as values, s.source
    from ${tableOf(scratchOf(leaf))} s
    where exists (
      select from r3a.candle_revision r
      where r.coin_id = s.coin_id and r."interval" = s."interval" and r."timestamp" = s."timestamp"
        and r.seen_at >= to_timestamp($1::float8 / 1000) and ${isInside(leaf, "r")} and r.new_values::text <> ${jsonOf("s")}::text
    )
    limit ${MOST}
  ) b`;

const NOTE = (leaf: BackupLeaf) => `
  insert into r3a.candle_revision (coin_id, "interval", "timestamp", old_values, new_values, old_source, new_source, run_id)
  select s.coin_id, s."interval", s."timestamp", b.values, ${jsonOf("s")}, b.source, s.source, $2
  from jsonb_to_recordset($1) as b (coin_id int, "interval" text, at timestamptz, values jsonb, source text)
  join ${tableOf(scratchOf(leaf))} s on s.coin_id = b.coin_id and s."interval" = b."interval" and s."timestamp" = b.at
  where ${jsonOf("s")}::text <> b.values::text`;

/**
 * The rows that `applyRevisions` will change, as JSON; call it before. Of more than 1000 the first ones: the next backup calls
 * the others suspect, and a person accepts them.
 */
export async function readBeforeRevisions(
  client: OwnClient,
  leaf: BackupLeaf,
  { at }: { readonly at: number },
): Promise<string> {
  const [row] = await client.query<{ rows: string }>(READ(leaf), [at - MARGIN_MS]);
  return row?.rows ?? "[]";
}

/**
 * Writes the change from the rows of the backup to those of the scratch table down as revisions, in the transaction of the
 * swap. A backup that came upon the damage has seen the first revisions already and believes the older values, since the rows
 * had vanished: without newer ones it would call each candle of the symbol suspect.
 */
export async function noteRevised(
  client: OwnClient,
  leaf: BackupLeaf,
  { before, runId }: { readonly before: string; readonly runId: string },
): Promise<void> {
  if (before !== "[]") await client.query(NOTE(leaf), [before, runId]);
}
