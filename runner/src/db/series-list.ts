import type { GapReason } from "../candle/gap.ts";
import { INTERVALS, type Interval, WIDTH_MS } from "../contract/intervals.ts";
import type { SizedLeaf } from "../partition/sizes.ts";
import { type Database, queryRows } from "./connect.ts";
import type { GapScope } from "./gap-list.ts";
import { boundedMs, msOf } from "./sql-time.ts";

/** Gaps of one kind: their number, and the slots in them. */
export type GapSum = { readonly gaps: number; readonly slots: number };

/**
 * What is stored of one series. Times in ms: `first` and `last` are open times of stored candles, null where none is
 * stored. `open`, `notRequested`, `absent`: the gaps that nothing explains, that nobody asked for, that the exchange does
 * not have; `beside`: those before the listing and after the delisting. All gaps lie in the covered span.
 */
export type ListedSeries = {
  readonly symbol: string;
  readonly interval: Interval;
  readonly coveredFrom: number;
  readonly coveredTo: number;
  readonly first: number | null;
  readonly last: number | null;
  readonly open: GapSum;
  /** The number of open gaps by what came of the last request for them. */
  readonly openBy: Readonly<Record<GapReason, number>>;
  readonly notRequested: GapSum;
  readonly absent: GapSum;
  readonly beside: GapSum;
};

/** The kinds of gaps by the condition that finds them. */
const KINDS = {
  open: `g.state = 'open'`,
  notRequested: `g.state = 'not_requested'`,
  absent: `g.state = 'confirmed_absent'`,
  beside: `g.state in ('before_listing', 'after_delisting')`,
} as const;
const SUMS = Object.entries(KINDS).flatMap(([kind, isKind]) => [
  `count(*) filter (where ${isKind})::int as "${kind}Gaps"`,
  `(coalesce(sum(g.part) filter (where ${isKind}), 0) / $2::int)::float8 as "${kind}Slots"`,
]);

const REASONS: readonly GapReason[] = ["absent", "failed", "invalid"];
const BY_REASON = `jsonb_build_object(${REASONS.map(
  (reason) => `'${reason}', count(*) filter (where ${KINDS.open} and g.reason = '${reason}')`,
)}) as "openBy"`;

/**
 * The series of one interval ($1) with slots of $2 seconds. The first candle is found by the primary key: the
 * interval is one value, so the server goes through the leaves of one list partition in their order. The last one is kept
 * up to date by the syncs. No candle is counted.
 */
const LIST_SERIES = `
  select c.symbol, s."interval", ${boundedMs("s.covered_from")} as "coveredFrom", ${boundedMs("s.covered_to")} as "coveredTo",
         ${msOf("f.ts")} as first, case when f.ts is not null then ${boundedMs("l.last_ts")} end as last,
         k.*
  from r3a.series s
  join r3a.coin c on c.id = s.coin_id
  left join r3a_util.last_ts_by_coin_interval l using (coin_id, "interval")
  left join lateral (
    select t."timestamp" as ts from r3a.ohlcv_partitioned t
    where t.coin_id = s.coin_id and t."interval" = $1 and t."timestamp" >= s.covered_from
    order by t."timestamp" limit 1
  ) f on true
  cross join lateral (
    select ${BY_REASON}, ${SUMS}
    from (
      select g.state, g.reason,
             extract(epoch from least(g.to_ts, s.covered_to) - greatest(g.from_ts, s.covered_from)) as part
      from r3a.ohlcv_gap_log g where g.coin_id = s.coin_id and g."interval" = $1 and g.state <> 'repaired'
    ) g
  ) k
  where s."interval" = $1 and s.covered_from is not null
  order by c.symbol`;

/** Takes a lock of each leaf for a moment, which a session that alters the leaf holds up for 5 s at most. */
const LIST_LEAVES = `
  select (select relname from pg_class where oid = parent) as parent, ${msOf("from_ts")} as "from", ${msOf("to_ts")} as "to",
         pg_total_relation_size(leaf)::float8 as bytes
  from r3a_util.leaf_partitions()`;

type SeriesRow = {
  symbol: string;
  interval: Interval;
  coveredFrom: number;
  coveredTo: number;
  first: number | null;
  last: number | null;
  openBy: Record<GapReason, number>;
} & { [Key in `${keyof typeof KINDS}${"Gaps" | "Slots"}`]: number };

/** All series that cover something, by interval, then by symbol. */
export async function listSeries(db: Database): Promise<readonly ListedSeries[]> {
  const listed: ListedSeries[] = [];
  for (const interval of INTERVALS) {
    const rows = await queryRows<SeriesRow>(db, LIST_SERIES, [interval, WIDTH_MS[interval] / 1000]);
    listed.push(...rows.map(seriesOf));
  }
  return listed;
}

/** $3, $4: null where the span has no end there. */
const HAS_SERIES = `
  select exists (
    select from r3a.series s join r3a.coin c on c.id = s.coin_id
    where ($1::text[] is null or c.symbol = any($1)) and ($2::text[] is null or s."interval" = any($2))
      and s.covered_to is not null
      and ($3::timestamptz is null or s.covered_to > $3) and ($4::timestamptz is null or s.covered_from < $4)
  ) as "hasSeries"`;

/** Whether a series of these covers any of the span (ms, null: no end). */
export async function hasSeries(
  db: Database,
  { symbols, intervals, from, to }: GapScope & { readonly from: number | null; readonly to: number | null },
): Promise<boolean> {
  const ends = [from, to].map((ms) => (ms === null ? null : new Date(ms)));
  const [row] = await queryRows<{ hasSeries: boolean }>(db, HAS_SERIES, [symbols, intervals, ...ends]);
  return row?.hasSeries === true;
}

function seriesOf({
  symbol,
  interval,
  coveredFrom,
  coveredTo,
  first,
  last,
  openBy,
  ...sums
}: SeriesRow): ListedSeries {
  const sumOf = (kind: keyof typeof KINDS): GapSum => ({
    gaps: sums[`${kind}Gaps`],
    slots: Math.round(sums[`${kind}Slots`]),
  });
  return {
    ...{ symbol, interval, coveredFrom, coveredTo, first, last },
    open: sumOf("open"),
    openBy,
    notRequested: sumOf("notRequested"),
    absent: sumOf("absent"),
    beside: sumOf("beside"),
  };
}

export async function listLeafSizes(db: Database): Promise<readonly SizedLeaf[]> {
  const rows = await queryRows<{ parent: string; from: number; to: number; bytes: number }>(db, LIST_LEAVES);
  return rows.map(({ parent, from, to, bytes }) => ({ parent, span: { from, to }, bytes }));
}
