import type { Span } from "../../candle/span.ts";
import type { Interval } from "../../contract/intervals.ts";
import { type BackupLeaf, intervalsOf, type LeafPart } from "../backup/backup-leaf.ts";
import type { OwnClient } from "../session.ts";
import { boundedMs } from "../sql-time.ts";

/** A series with what was asked for of it (ms). */
export type CoveredSeries = LeafPart & { readonly symbol: string; readonly covered: Span };

const COVERED = `
  select s.coin_id as "coinId", s."interval", c.symbol, ${boundedMs("s.covered_from")} as "from", ${boundedMs("s.covered_to")} as "to"
  from r3a.series s join r3a.coin c on c.id = s.coin_id
  where s."interval" = any($1) and s.covered_from < to_timestamp($3::float8 / 1000) and s.covered_to > to_timestamp($2::float8 / 1000)
  order by 1, 2`;

type CoveredRow = LeafPart & Span & { readonly interval: Interval; readonly symbol: string };

/** The series whose covered span reaches into the leaf. */
export async function listCoveredSeries(
  client: OwnClient,
  leaf: BackupLeaf,
): Promise<readonly CoveredSeries[]> {
  const values = [intervalsOf(leaf), leaf.span.from, leaf.span.to];
  const rows = await client.query<CoveredRow>(COVERED, values);
  return rows.map(({ from, to, ...series }) => ({ ...series, covered: { from, to } }));
}

const LOGGED = `
  select ${boundedMs("g.from_ts")} as "from", ${boundedMs("g.to_ts")} as "to" from r3a.ohlcv_gap_log g
  where g.coin_id = $1 and g."interval" = $2 and g.state <> 'repaired'
    and g.from_ts < to_timestamp($4::float8 / 1000) and g.to_ts > to_timestamp($3::float8 / 1000)
  order by 1`;

/** The gaps of the series that reach into the span (ms), whatever explains them. */
export async function listGapsIn(
  client: OwnClient,
  { coinId, interval }: LeafPart,
  { from, to }: Span,
): Promise<readonly Span[]> {
  return client.query<Span>(LOGGED, [coinId, interval, from, to]);
}
