import { type Interval, WIDTH_MS } from "../contract/intervals.ts";
import { IS_IN_BACKUP } from "./gaps.ts";
import type { Reader } from "./session.ts";
import { msOf } from "./sql-time.ts";

/**
 * How far one series is. Times in ms; `gaps`: the open gaps; `notRequested`: the gaps that nobody asked for, `inBackup`: those of them that a restore loads; `dueSince`:
 * when the first open gap was due.
 */
export type SeriesScan = {
  readonly coinId: number;
  readonly symbol: string;
  readonly interval: Interval;
  /** Close of the newest candle, null where none is stored. */
  readonly newestClose: number | null;
  readonly gaps: number;
  readonly notRequested: number;
  readonly inBackup: number;
  readonly dueSince: number | null;
};

/**
 * The number of open gaps is kept up to date as the log changes, an index holds the gaps that nobody asked for, and
 * another one finds the first gap that is due: this statement follows each sync.
 */
const SCAN = `
  select s.coin_id as "coinId", c.symbol, s."interval", ${msOf("l.last_ts")} as newest, coalesce(n.open, 0)::int as open,
         u."notRequested", u."inBackup",
         ${msOf("g.due")} as due
  from r3a.series s
  join r3a.coin c on c.id = s.coin_id
  left join r3a_util.last_ts_by_coin_interval l using (coin_id, "interval")
  left join r3a.gap_count n using (coin_id, "interval")
  cross join lateral (
    select min(first.next_check_at) as due
    from (values ('absent'), ('failed'), ('invalid')) r (reason)
    cross join lateral (
      select g.next_check_at from r3a.ohlcv_gap_log g
      where g.coin_id = s.coin_id and g."interval" = s."interval" and g.state = 'open' and g.reason = r.reason
      order by g.next_check_at limit 1
    ) first
  ) g
  cross join lateral (
    select count(*)::int as "notRequested", (count(*) filter (where ${IS_IN_BACKUP}))::int as "inBackup" from r3a.ohlcv_gap_log g
    where g.coin_id = s.coin_id and g."interval" = s."interval" and g.state = 'not_requested'
  ) u
  where s."interval" = any($1::text[]) and ($2::int[] is null or s.coin_id = any($2)) and s.covered_to is not null
  order by c.symbol`;

type ScanRow = Pick<SeriesScan, "coinId" | "symbol" | "interval" | "notRequested" | "inBackup"> & {
  readonly newest: number | null;
  readonly open: number;
  readonly due: number | null;
};

/**
 * Each series of the intervals of which something was asked for, of these coins alone or of all (null): the quick scan,
 * which also follows each sync.
 */
export async function scanSeries(
  client: Reader,
  intervals: readonly Interval[],
  coinIds: readonly number[] | null,
): Promise<readonly SeriesScan[]> {
  const { rows } = await client.query<ScanRow>(SCAN, [intervals, coinIds]);
  return rows.map(({ newest, open, due, ...series }) => ({
    ...series,
    newestClose: newest === null ? null : newest + WIDTH_MS[series.interval],
    gaps: open,
    dueSince: due,
  }));
}

/** A symbol that sync is meant to keep. Times in ms; `status` null: the database does not know the symbol. */
export type ExpectedSymbol = {
  readonly symbol: string;
  readonly status: string | null;
  readonly closedAt: number | null;
  readonly firstCandle: number | null;
  /** When the symbol came among the largest; null where the symbols are named. */
  readonly enteredAt: number | null;
};

const TIMES = `
  ${msOf("c.closed_at")} as "closedAt",
  ${msOf("c.first_candle")} as "firstCandle"`;
const NAMED = `
  select w.symbol, c.status, ${TIMES}, null as "enteredAt"
  from unnest($1::text[]) as w (symbol) left join r3a.coin c using (symbol) order by w.symbol`;
const LARGEST = `
  select c.symbol, c.status, ${TIMES}, ${msOf("m.entered_at")} as "enteredAt"
  from r3a.universe_member m join r3a.coin c on c.id = m.coin_id where m.size = $1 order by c.symbol`;

/** The named symbols, or the members of "the `size` largest"; none where there is no ranking yet. */
export async function listExpected(
  client: Reader,
  { symbols, size }: { readonly symbols: readonly string[] | null; readonly size: number },
): Promise<readonly ExpectedSymbol[]> {
  const { rows } = await client.query<ExpectedSymbol>(
    symbols === null ? LARGEST : NAMED,
    symbols === null ? [size] : [symbols],
  );
  return rows;
}
