import { randomUUID } from "node:crypto";
import type { Evidence, Gap, GapReason, GapState } from "../../candle/gap.ts";
import { slotAtOrAfter, slotOf } from "../../candle/interval.ts";
import { type Span, spanOf, subtract } from "../../candle/span.ts";
import { IN_BACKUP, slotsOfLeaf } from "../../candle/waiting-gap.ts";
import { type Interval, WIDTH_MS } from "../../contract/intervals.ts";
import { planLoaded, planWaiting } from "../../restore/whole/pending-gaps-plan.ts";
import { findMissingIn } from "../audit.ts";
import type { LeafPart } from "../backup/backup-leaf.ts";
import { isUnbroken } from "../backup/found-parts.ts";
import type { PartState } from "../backup/part-state.ts";
import { type SeriesGap, upsertGaps, wholeSlots } from "../gaps.ts";
import type { OwnClient } from "../session.ts";
import { boundedMs } from "../sql-time.ts";
import { lockSeries } from "./series-locks.ts";

/** A leaf that a restore of the whole database has yet to load: its span, and the intervals whose candles it holds. */
export type PendingLeaf = {
  readonly name: string;
  readonly span: Span;
  readonly intervals: readonly Interval[];
};

type SeriesRow = { coinId: number; symbol: string; interval: Interval; from: number; to: number };
const COVERED = `
  select s.coin_id as "coinId", c.symbol, s."interval", ${boundedMs("s.covered_from")} as "from", ${boundedMs("s.covered_to")} as "to"
  from r3a.series s join r3a.coin c on c.id = s.coin_id
  where s.covered_from is not null and s.covered_to is not null and s."interval" = any($1::text[])`;
const LIST_COVERED = `${COVERED} order by s."interval", s.coin_id`;

/** $2, $3: the span in ms; $4: IN_BACKUP. */
const WAITS = `
  select from r3a.ohlcv_gap_log g
  where g.coin_id = s.coin_id and g."interval" = s."interval" and g.state = 'not_requested' and g.evidence ->> 'error' = $4
    and g.from_ts < to_timestamp($3::float8 / 1000) and g.to_ts > to_timestamp($2::float8 / 1000)`;
/**
 * Also series of which nothing waits: their log may call a candle missing that the leaf brings, and rows that somebody stored
 * meanwhile go. In the order in which every writer of the log changes the counts of the series.
 */
const LIST_TOUCHED = `${COVERED}
  and (s.covered_from < to_timestamp($3::float8 / 1000) and s.covered_to > to_timestamp($2::float8 / 1000) or exists (${WAITS}))
  order by s.coin_id, s."interval"`;

/** A gap as GAP_IN_MS reads it; times in ms. */
export type GapInMs = {
  id: string;
  from: number;
  to: number;
  state: GapState;
  reason: GapReason | null;
  attempts: number;
  evidence: Evidence;
  nextCheckAt: number | null;
};
/** A person may have written a time that a Date cannot hold: it is moved to where a Date can. */
export const GAP_IN_MS = `g.id, ${boundedMs("g.from_ts")} as "from", ${boundedMs("g.to_ts")} as "to", g.state, g.reason, g.attempts, g.evidence,
         case when g.next_check_at is not null then floor(${boundedMs("g.next_check_at")}) end as "nextCheckAt"`;
/** $3, $4: the span in ms. */
const READ_GAPS = `
  select ${GAP_IN_MS}
  from r3a.ohlcv_gap_log g
  where g.coin_id = $1 and g."interval" = $2 and g.state <> 'repaired'
    and g.from_ts < to_timestamp($4::float8 / 1000) and g.to_ts > to_timestamp($3::float8 / 1000)
  order by g.from_ts`;
const DELETE_GAPS = `delete from r3a.ohlcv_gap_log where id = any($1::uuid[])`;
const READ_NOW = `select now() as now`;

/** So many rows of the log are written together. */
const PART = 5_000;

/**
 * Logs what the leaves will bring as gaps that no run asks for, with the evidence IN_BACKUP: the slots that the series cover
 * and that no gap explains. In the caller's transaction, after r3a.coin, r3a.series and r3a.ohlcv_gap_log were restored.
 */
export async function addPendingGaps(client: OwnClient, leaves: readonly PendingLeaf[]): Promise<void> {
  const intervals = [...new Set(leaves.flatMap((leaf) => leaf.intervals))];
  const gaps: SeriesGap[] = [];
  for (const row of await client.query<SeriesRow>(LIST_COVERED, [intervals])) {
    const covered = coveredOf(row);
    if (covered === null) continue;
    const { coinId, interval } = row;
    const spans = leaves.filter((leaf) => leaf.intervals.includes(interval)).map(({ span }) => span);
    const waiting = planWaiting(covered, spans, await readGaps(client, row, covered));
    gaps.push(...waiting.map((span) => ({ ...waitingGap(span), coinId, interval })));
    if (gaps.length >= PART) await upsertGaps(client, gaps.splice(0), null);
  }
  await upsertGaps(client, gaps, null);
}

function waitingGap(span: Span): Gap {
  return {
    ...span,
    id: randomUUID(),
    state: "not_requested",
    reason: null,
    attempts: 0,
    evidence: { error: IN_BACKUP },
    nextCheckAt: null,
  };
}

/** A part of a slot is not covered; only a person can have written one. */
function coveredOf({ interval, from, to }: SeriesRow): Span | null {
  return spanOf(slotAtOrAfter(interval, from), slotOf(interval, to));
}

/**
 * Takes a leaf that was loaded, or that no backup has, out of these gaps; what is covered there and neither stored nor in
 * another gap becomes an open gap that is due at once. `parts`: all that the leaf holds now. Call it as the last step of the leaf's own transaction (read
 * committed): it takes the locks of the series as syncs do, until the transaction ends. TryAgain where others held one of
 * them for 10 min; then the transaction can only be rolled back.
 */
export async function shrinkPendingGaps(
  client: OwnClient,
  leaf: PendingLeaf,
  parts: readonly PartState[],
): Promise<void> {
  await lockSeries(client, leaf.name, await listTouched(client, leaf));
  const [clock] = await client.query<{ now: Date }>(READ_NOW);
  const byName = new Map(parts.map((part) => [nameOf(part), part]));
  // read again: until the locks were held, syncs moved the ends of the series
  for (const row of await listTouched(client, leaf)) {
    const { coinId, interval } = row;
    const covered = coveredOf(row);
    const slots = slotsOfLeaf(interval, leaf.span, covered ?? leaf.span);
    if (slots === null) continue;
    const { gone, changed } = planLoaded(await readGaps(client, row, slots), {
      slots,
      missing:
        covered === null
          ? []
          : await findMissing(client, leaf, { row, slots, part: byName.get(nameOf(row)) }),
      now: clock?.now.getTime() ?? Date.now(),
      newId: randomUUID,
    });
    if (gone.length > 0) await client.query(DELETE_GAPS, [gone]);
    await upsertGaps(
      client,
      changed.map((gap) => ({ ...gap, coinId, interval })),
      null,
    );
  }
}

const nameOf = ({ coinId, interval }: LeafPart) => `${coinId} ${interval}`;

/** The rows of a part without a hole are not read again: this took a third of the time of the load. */
async function findMissing(
  client: OwnClient,
  { span }: PendingLeaf,
  {
    row: { coinId, interval },
    slots,
    part,
  }: { readonly row: SeriesRow; readonly slots: Span; readonly part: PartState | undefined },
): Promise<readonly Span[]> {
  if (part === undefined) return [slots];
  if (!isUnbroken({ span }, part)) return findMissingIn(client, { coinId, interval, span: slots });
  return subtract(slots, [{ from: part.first, to: part.last + WIDTH_MS[interval] }]);
}

async function listTouched(client: OwnClient, { intervals, span }: PendingLeaf) {
  return client.query<SeriesRow>(LIST_TOUCHED, [intervals, span.from, span.to, IN_BACKUP]);
}

async function readGaps(
  client: OwnClient,
  { coinId, interval }: SeriesRow,
  { from, to }: Span,
): Promise<readonly Gap[]> {
  const rows = await client.query<GapInMs>(READ_GAPS, [coinId, interval, from, to]);
  return rows.map((row) => ({ ...row, ...wholeSlots(interval, row) }));
}
