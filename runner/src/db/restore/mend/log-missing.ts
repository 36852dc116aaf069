import { randomUUID } from "node:crypto";
import type { Gap } from "../../../candle/gap.ts";
import { union } from "../../../candle/span.ts";
import type { Interval } from "../../../contract/intervals.ts";
import { WIDTH_MS } from "../../../contract/intervals.ts";
import { planMissing } from "../../../restore/mend/missing-plan.ts";
import type { BackupLeaf, LeafPart } from "../../backup/backup-leaf.ts";
import { type SeriesGap, upsertGaps, wholeSlots } from "../../gaps.ts";
import { onlyRow } from "../../only-row.ts";
import type { OwnClient } from "../../session.ts";
import { GAP_IN_MS, type GapInMs } from "../pending-gaps.ts";
import { listCovered } from "./covered.ts";
import { partName, type Stored } from "./stored.ts";
import type { TakenOver } from "./take-over.ts";

/** What the mended leaf holds, and why slots can be missing; `taken`: of `takeOver` in this transaction. */
export type Held = {
  readonly stored: Stored;
  readonly taken: TakenOver;
  readonly error: string;
  readonly runId: string | null;
};
/** `gaps` and `slots`: new open gaps, and the number of candles that are missing there; `changed`: rows of the log that were written. */
export type LoggedMissing = { readonly gaps: number; readonly slots: number; readonly changed: number };

type GapRow = LeafPart & GapInMs;
/** $1, $2: the series; $3, $4: the span of the leaf (ms). The gaps of a series are disjoint: one at most reaches into the span. */
const READ_GAPS = `
  with edges as (select to_timestamp($3::float8 / 1000) as begin, to_timestamp($4::float8 / 1000) as until)
  select s.coin_id as "coinId", s."interval", ${GAP_IN_MS}
  from edges cross join unnest($1::int[], $2::text[]) as s (coin_id, "interval")
  join lateral (
    select k.* from r3a.ohlcv_gap_log k
    where k.coin_id = s.coin_id and k."interval" = s."interval" and k.state <> 'repaired' and k.to_ts > begin and k.from_ts < until
      and k.from_ts >= coalesce((select max(p.from_ts) from r3a.ohlcv_gap_log p
        where p.coin_id = s.coin_id and p."interval" = s."interval" and p.state <> 'repaired' and p.from_ts < begin), begin)
  ) g on true
  order by s.coin_id, s."interval", g.from_ts`;
const READ_NOW = `select now() as now`;

/**
 * Brings the gap log in line with the leaf as the swap will show it, in the swap's transaction and before it asks for the locks
 * of the tables: covered slots that are neither stored nor in a gap become open gaps that are due at once, and gaps lose what
 * is stored. Holds back the pages of these series until the transaction ends; three questions and one statement, whatever
 * the number of series.
 */
export async function logMissing(client: OwnClient, leaf: BackupLeaf, held: Held): Promise<LoggedMissing> {
  const covered = await listCovered(client, leaf, { isLocked: true });
  if (covered.length === 0) return { gaps: 0, slots: 0, changed: 0 };
  const { now } = onlyRow(await client.query<{ now: Date }>(READ_NOW));
  const rows = await client.query<GapRow>(READ_GAPS, [
    covered.map(({ coinId }) => coinId),
    covered.map(({ interval }) => interval),
    leaf.span.from,
    leaf.span.to,
  ]);
  const gapsOf = Map.groupBy(rows, partName);
  const takenOf = Map.groupBy(held.taken.slots, partName);
  const changed: SeriesGap[] = [];
  let [gaps, slots] = [0, 0];
  for (const { coinId, interval, slots: span } of covered) {
    const name = partName({ coinId, interval });
    const stored = union([...(held.stored.get(name)?.spans ?? []), ...(takenOf.get(name) ?? [])]);
    const existing = (gapsOf.get(name) ?? []).map((row) => gapOf(interval, row));
    const plan = planMissing(
      existing,
      { slots: span, stored },
      { error: held.error, now: now.getTime(), newId: randomUUID },
    );
    changed.push(...plan.changed.map((gap) => ({ ...gap, coinId, interval })));
    gaps += plan.added.length;
    slots += plan.added.reduce((sum, { from, to }) => sum + (to - from) / WIDTH_MS[interval], 0);
  }
  await upsertGaps(client, changed, held.runId);
  return { gaps, slots, changed: changed.length };
}

function gapOf(interval: Interval, { coinId: _coin, interval: _interval, ...row }: GapRow): Gap {
  return { ...row, ...wholeSlots(interval, row) };
}
