import type { OwnClient } from "../session.ts";
import type { LeafPart } from "./backup-leaf.ts";
import { sumOf } from "./row-hash.ts";

/** The gaps of one series: how many, and the sum of the hashes of their rows. */
export type GapSeries = LeafPart & { readonly rows: number; readonly hash: bigint };

/** jsonb prints a value in one way alone, and every other column does so too. */
const GAP_HASH = `
  hashtextextended(row(g.id, g.coin_id, g."interval", g.from_ts, g.to_ts, g.state, g.reason, g.evidence, g.attempts, g.created_at,
                       g.updated_at, g.next_check_at, g.run_id)::text, 0)`;

/** A series whose gaps are all gone is a change too: it has no row on the left. */
const CHANGED_SERIES = `
  select coalesce(n.coin_id, s.coin_id) as "coinId", coalesce(n."interval", s."interval") as "interval",
         coalesce(n.rows, 0)::float8 as rows, coalesce(n.hash, '0') as hash
  from (
    select g.coin_id, g."interval", count(*) as rows, ${sumOf(GAP_HASH)} as hash
    from r3a.ohlcv_gap_log g group by g.coin_id, g."interval"
  ) n
  full join r3a.backup_gap_series s on s.coin_id = n.coin_id and s."interval" = n."interval"
  where n.rows is distinct from s.rows and not (n.rows is null and s.rows = 0) or n.hash::numeric is distinct from s.hash and n.rows is not null
  order by 1, 2`;

/**
 * The series of which a gap came, changed or went since they were last exported. Reads every gap once. Deleted gaps count:
 * a restore replaces all gaps of a series, so it does not bring them back.
 */
export async function listChangedGaps(client: OwnClient): Promise<readonly GapSeries[]> {
  const rows = await client.query<LeafPart & { rows: number; hash: string }>(CHANGED_SERIES);
  return rows.map((row) => ({ ...row, hash: BigInt(row.hash) }));
}
