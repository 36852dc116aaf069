import type { Evidence, Gap, GapReason, GapState } from "../candle/gap.ts";
import { slotOf } from "../candle/interval.ts";
import type { Span } from "../candle/span.ts";
import { IN_BACKUP } from "../candle/waiting-gap.ts";
import { type Interval, WIDTH_MS } from "../contract/intervals.ts";

export type GapRow = {
  id: string;
  fromTs: Date;
  toTs: Date;
  state: GapState;
  reason: GapReason | null;
  attempts: number;
  evidence: Evidence;
  nextCheckAt: Date | null;
};

/** Columns of r3a.ohlcv_gap_log, which has the name g in the statement. */
export const GAP_COLUMNS = `g.id, g.from_ts as "fromTs", g.to_ts as "toTs", g.state, g.reason, g.attempts, g.evidence,
  g.next_check_at as "nextCheckAt"`;

/** Whether runs ask for the gap at all: of what nobody asked for, only what migrate-layout moves has a time to ask at. */
export const IS_ASKED = `(g.state <> 'not_requested' or g.next_check_at is not null)`;

/** Whether the candles of a gap are in a backup that a restore loads: no run asks for these, not even a backfill. */
export const IS_IN_BACKUP = `(g.state = 'not_requested' and g.evidence ->> 'error' is not distinct from '${IN_BACKUP}')`;

/** The whole slots that a stretch (ms) touches, at least one: a person may have logged a part of a slot. */
export function wholeSlots(interval: Interval, { from, to }: Span): Span {
  const [begin, width] = [slotOf(interval, from), WIDTH_MS[interval]];
  return { from: begin, to: Math.max(slotOf(interval, Math.ceil(to) - 1), begin) + width };
}

export function gapOf(interval: Interval, row: GapRow): Gap {
  return {
    id: row.id,
    ...wholeSlots(interval, { from: row.fromTs.getTime(), to: row.toTs.getTime() }),
    state: row.state,
    reason: row.reason,
    attempts: row.attempts,
    evidence: row.evidence,
    nextCheckAt: row.nextCheckAt?.getTime() ?? null,
  };
}

/** A gap with its series, ready to be written. */
export type SeriesGap = Gap & { readonly coinId: number; readonly interval: Interval };

const UPSERT_GAPS = `
  insert into r3a.ohlcv_gap_log as g
    (id, coin_id, "interval", from_ts, to_ts, state, reason, evidence, attempts, next_check_at, run_id)
  select id, "coinId", "interval", to_timestamp("from" / 1000.0), to_timestamp("to" / 1000.0), state, reason, evidence,
         attempts, to_timestamp("nextCheckAt" / 1000.0), $2
  from jsonb_to_recordset($1) as u (id uuid, "coinId" int, "interval" text, "from" bigint, "to" bigint, state text,
         reason text, evidence jsonb, attempts int, "nextCheckAt" bigint)
  on conflict (id) do update set
    from_ts = excluded.from_ts, to_ts = excluded.to_ts, state = excluded.state, reason = excluded.reason,
    evidence = excluded.evidence, attempts = excluded.attempts, next_check_at = excluded.next_check_at,
    run_id = excluded.run_id, updated_at = now()`;

/** A client of the pool, or one of its own. */
type Writer = { query(text: string, values: unknown[]): Promise<unknown> };

/** Adds new gaps and updates known ones, in the caller's transaction. */
export async function upsertGaps(
  client: Writer,
  gaps: readonly SeriesGap[],
  runId: string | null,
): Promise<void> {
  if (gaps.length > 0) await client.query(UPSERT_GAPS, [JSON.stringify(gaps), runId]);
}
