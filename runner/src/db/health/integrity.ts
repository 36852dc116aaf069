import { MISALIGNED } from "../../candle/candle.ts";
import { type Interval, WIDTH_MS } from "../../contract/intervals.ts";
import type { Reader } from "../session.ts";
import { isSound } from "../sound-candle.ts";
import { msOf } from "../sql-time.ts";

/**
 * The faults among the newest candles of one series. `unaccounted`: the number of covered slots that are neither stored nor
 * in the gap log; negative if slots are stored and in the gap log; `from` and `to` (ms): the covered span that was read,
 * not in order where nothing of it is covered. `lastTsDiffers`: the last timestamp is not that of the newest row.
 */
export type RecentCandles = {
  readonly symbol: string;
  readonly interval: Interval;
  readonly candles: number;
  readonly broken: number;
  readonly misaligned: number;
  readonly future: number;
  readonly unaccounted: number;
  readonly from: number;
  readonly to: number;
  readonly lastTsDiffers: boolean;
};

/** A person may have written infinity into the row of the series. No Date holds infinity, and no backfill asks for the future. */
const notLater = (time: string) => `least(${time}, $3::timestamptz + $4::interval)`;

/**
 * $1 interval, $2 first slot, $3 latest open time that is not in the future, $4 width. The lateral subquery makes the
 * planner read each series by the primary key instead of a whole leaf, and the bound $2 limits the read to the open leaves.
 * The slots come from date_bin: the arithmetic of extract takes nearly as long as the rest of the query (600 symbols on a
 * busy machine: 2.6 s for an interval instead of 1.5 s).
 */
const RECENT = `
  select c.symbol, s."interval", r.candles, r.broken, r.misaligned, r.future,
         (greatest(extract(epoch from s.covered_to - w.from_ts), 0) / extract(epoch from $4::interval) - r.stored - g.logged)::float8
           as unaccounted,
         ${msOf(notLater("w.from_ts"))} as "from", ${msOf(notLater("s.covered_to"))} as "to",
         (l.last_ts >= $2::timestamptz or r.newest is not null) and l.last_ts is distinct from r.newest as "lastTsDiffers"
  from r3a.series s
  join r3a.coin c on c.id = s.coin_id
  left join r3a_util.last_ts_by_coin_interval l using (coin_id, "interval")
  cross join lateral (select greatest(s.covered_from, $2::timestamptz) as from_ts) w
  cross join lateral (
    select count(*)::int as candles, max(t.ts) as newest,
           count(*) filter (where not t.is_sound)::int as broken,
           count(*) filter (where t.ts <> t.slot and coalesce(flags, 0) & ${MISALIGNED} = 0)::int as misaligned,
           count(*) filter (where t.ts > $3::timestamptz)::int as future,
           count(distinct t.slot) filter (where t.ts >= w.from_ts and t.ts < s.covered_to) as stored
    from (
      select "timestamp" as ts, date_bin($4::interval, "timestamp", 'epoch'::timestamptz) as slot,
             flags, ${isSound("$4::interval")} as is_sound
      from r3a.ohlcv_partitioned
      where coin_id = s.coin_id and "interval" = $1 and "timestamp" >= $2::timestamptz
    ) t
  ) r
  cross join lateral (
    select coalesce(sum(extract(epoch from least(g.to_ts, s.covered_to) - greatest(g.from_ts, w.from_ts))), 0)
             / extract(epoch from $4::interval) as logged
    from r3a.ohlcv_gap_log g
    where g.coin_id = s.coin_id and g."interval" = $1 and g.state <> 'repaired'
      and g.from_ts < s.covered_to and g.to_ts > w.from_ts
      -- gaps are disjoint: of those that begin before, the last one alone can reach into the span
      and g.from_ts >= coalesce((select max(p.from_ts) from r3a.ohlcv_gap_log p where p.coin_id = s.coin_id
            and p."interval" = $1 and p.state <> 'repaired' and p.from_ts < w.from_ts), w.from_ts)
  ) g
  where s."interval" = $1 and s.covered_to is not null
  order by c.symbol`;

/** The candles of one interval since `from` (a slot, ms). `future`: the candles that close after `latestClose` (ms). */
export async function listRecent(
  client: Reader,
  interval: Interval,
  { from, latestClose }: { readonly from: number; readonly latestClose: number },
): Promise<readonly RecentCandles[]> {
  const width = WIDTH_MS[interval];
  const { rows } = await client.query<RecentCandles>(RECENT, [
    interval,
    new Date(from),
    new Date(latestClose - width),
    `${width / 1000} s`,
  ]);
  return rows;
}

/**
 * An index under construction is invalid, or not attached yet: this is no fault. The query asks maint what it wants only if
 * an index is invalid: wanted_index() waits for a locked table. The root must have an index of each kind that maint wants, and
 * each other table is compared with its parent.
 */
const FAULTY_INDEXES = `
  with building as (
    select relid, index_relid from pg_stat_progress_create_index where datname = current_database()
  ),
  root as (select 'r3a.ohlcv_partitioned'::regclass as id),
  part as (
    select inhrelid as id, inhparent as parent from pg_inherits
    where inhparent = (select id from root)
       or inhparent in (select inhrelid from pg_inherits where inhparent = (select id from root))
  )
  select i.indexrelid::regclass::text || ' is invalid, and '
           || case when i.indexrelid in (select w.indexrelid from r3a_util.wanted_index() w where w.indexrelid is not null)
                   then 'maint builds it'
                   else 'none that maint builds: drop index ' || i.indexrelid::regclass::text || ', or reindex it' end as fault
  from pg_index i join pg_class c on c.oid = i.indexrelid
  where c.relnamespace in ('r3a'::regnamespace, 'r3a_util'::regnamespace)
    and not (i.indisvalid and i.indisready and i.indislive)
    and not exists (select from building b where b.index_relid = i.indexrelid)
  union all
  select root.id::regclass::text || ' has no ' || k.name || ', and maint builds it'
  from root cross join (values ('btree', 'primary key'), ('brin_ts', 'BRIN index')) as k (kind, name)
  where not exists (select from building b where b.relid = root.id)
    and not exists (select from r3a_util.candle_index x where x.indrelid = root.id and x.kind = k.kind)
  union all
  select part.id::regclass::text || ' has no ' || p.indexrelid::regclass::text
  from part join pg_index p on p.indrelid = part.parent
  where not exists (select from building b where b.relid = part.id) and not exists (
    select from pg_inherits h join pg_index i on i.indexrelid = h.inhrelid
    where h.inhparent = p.indexrelid and i.indrelid = part.id
  )
  order by 1`;

const FAULTY_CONSTRAINTS = `
  select format('%s: %I is not validated: alter table %1$s validate constraint %2$I', conrelid::regclass, conname) as fault
  from pg_constraint
  where connamespace in ('r3a'::regnamespace, 'r3a_util'::regnamespace) and not convalidated
  order by 1`;

/** One sentence for each invalid index, for each index that maint wants of the root, and for each that only a parent has. */
export async function listFaultyIndexes(client: Reader): Promise<readonly string[]> {
  return listFaults(client, FAULTY_INDEXES);
}

/** One sentence for each constraint that was not validated: stored rows may break the constraint. */
export async function listFaultyConstraints(client: Reader): Promise<readonly string[]> {
  return listFaults(client, FAULTY_CONSTRAINTS);
}

async function listFaults(client: Reader, text: string): Promise<readonly string[]> {
  return (await client.query<{ fault: string }>(text)).rows.map(({ fault }) => fault);
}

/** Pages with a wrong checksum since the statistics began. `isMended`: the last one was met before a damaged leaf was restored. */
export type ChecksumFailures = { readonly failures: number; readonly isMended: boolean };

/** The failures in this database and in the tables that all databases share. Null: the server computes no checksums. */
const CHECKSUM_FAILURES = `
  select sum(checksum_failures)::float8 as failures, max(checksum_last_failure)::text as last
  from pg_stat_database where datid = 0 or datname = current_database()`;
/** The restore reads the damaged table until its last transaction, whose begin is the time of the row. */
const IS_MENDED = `
  select coalesce(max(closed_at) + interval '1 min' > $1::timestamptz, false) as "isMended"
  from r3a.leaf_damage where state = 'mended'`;

/** What the server counted, and nothing takes back when the leaf is restored. Null if checksums are off. */
export async function findChecksumFailures(client: Reader): Promise<ChecksumFailures | null> {
  const { rows } = await client.query<{ failures: number | null; last: string | null }>(CHECKSUM_FAILURES);
  const { failures = null, last = null } = rows[0] ?? {};
  if (failures === null) return null;
  if (failures === 0) return { failures, isMended: false };
  const mended = await client.query<{ isMended: boolean }>(IS_MENDED, [last]);
  return { failures, isMended: mended.rows[0]?.isMended ?? false };
}
