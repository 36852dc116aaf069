import { slotAtOrAfter, slotOf } from "../../../candle/interval.ts";
import { spanOf } from "../../../candle/span.ts";
import { slotsOfLeaf } from "../../../candle/waiting-gap.ts";
import type { Interval } from "../../../contract/intervals.ts";
import type { CoveredSlots } from "../../../restore/mend/wanted-plan.ts";
import { type BackupLeaf, intervalsOf } from "../../backup/backup-leaf.ts";
import type { OwnClient } from "../../session.ts";
import { boundedMs } from "../../sql-time.ts";

type SeriesRow = { coinId: number; interval: Interval; from: number; to: number };

/** $1: intervals; $2, $3: the span of the leaf (ms). In the order in which every writer of the gap log changes its counts. */
const LIST = `
  select s.coin_id as "coinId", s."interval", ${boundedMs("s.covered_from")} as "from", ${boundedMs("s.covered_to")} as "to"
  from r3a.series s
  where s.covered_from is not null and s.covered_to is not null and s."interval" = any($1::text[])
    and s.covered_from < to_timestamp($3::float8 / 1000) and s.covered_to > to_timestamp($2::float8 / 1000)
  order by s.coin_id, s."interval"`;

/** The slots of the leaf that series cover. `isLocked`: no page of these series is committed until the transaction ends. */
export async function listCovered(
  client: OwnClient,
  leaf: BackupLeaf,
  { isLocked }: { readonly isLocked: boolean },
): Promise<readonly CoveredSlots[]> {
  const text = isLocked ? `${LIST} for update of s` : LIST;
  const rows = await client.query<SeriesRow>(text, [intervalsOf(leaf), leaf.span.from, leaf.span.to]);
  return rows.flatMap(({ coinId, interval, from, to }) => {
    // a part of a slot is not covered; only a person can have written one
    const covered = spanOf(slotAtOrAfter(interval, from), slotOf(interval, to));
    const slots = covered === null ? null : slotsOfLeaf(interval, leaf.span, covered);
    return slots === null ? [] : [{ coinId, interval, slots }];
  });
}
