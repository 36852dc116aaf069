import { INTERVALS, type Interval } from "../runner/src/contract.ts";

/** A connection outside of any transaction: the build commits as it goes. */
export type LegacyClient = { query(sql: string): Promise<unknown> };

export type LegacyOptions = {
  /** Symbols, whose ids are 1, 2, ... in this order; or how many made-up ones. */
  readonly coins: number | readonly string[];
  /** First month as `YYYY-MM`. */
  readonly firstMonth: string;
  readonly months: number;
  /** Default: all five. */
  readonly intervals?: readonly Interval[];
  /** Candles in each leaf, spread evenly from the month's first slot on; at most the month's slots. Default 3. */
  readonly rowsPerLeaf?: number;
  /** The seed's btree and BRIN of each leaf, beside the primary key. Default true. */
  readonly leafIndexes?: boolean;
};

/** Candles of one old series, every slot of `[from, to)`. */
export type LegacySpan = {
  readonly coinId: number;
  readonly interval: Interval;
  readonly from: number;
  readonly to: number;
};

/**
 * Builds the database of the Python system in an empty one: a leaf per coin, month and interval, with the functions,
 * the last timestamps and the gap log of its time. In steps of their own transactions: one for all leaves would need
 * more locks than a server with default settings has.
 */
export async function buildLegacyLayout(client: LegacyClient, options: LegacyOptions): Promise<void> {
  const { coins, firstMonth, months, intervals = INTERVALS, rowsPerLeaf = 3, leafIndexes = true } = options;
  const symbols =
    typeof coins === "number" ? Array.from({ length: coins }, (_, n) => `COIN${n + 1}USDT`) : coins;
  await client.query(TABLES);
  for (const statement of FUNCTIONS) await client.query(statement);
  await client.query(`insert into r3a.coin (symbol) select unnest(${textArray(symbols)})`);
  await client.query(
    buildLeaves(symbols.length, intervals, { first: `${firstMonth}-01`, count: months }, leafIndexes),
  );
  if (rowsPerLeaf > 0) await client.query(fillLeaves(symbols.length, rowsPerLeaf));
}

/** Adds every candle of the span that is not there yet; its leaves must exist. */
export async function insertLegacyCandles(client: LegacyClient, span: LegacySpan): Promise<void> {
  const { coinId, interval, from, to } = span;
  const slots = `generate_series(to_timestamp(${from / 1000}), to_timestamp(${to / 1000}) - ${WIDTH[interval]}, ${WIDTH[interval]})`;
  await client.query(
    `insert into r3a.ohlcv_partitioned ${candlesAt(String(coinId), `'${interval}'`, slots)} on conflict do nothing`,
  );
}

const WIDTH: Readonly<Record<Interval, string>> = {
  "1m": "interval '1 minute'",
  "15m": "interval '15 minutes'",
  "1h": "interval '1 hour'",
  "4h": "interval '4 hours'",
  "1d": "interval '1 day'",
};

const textArray = (items: readonly string[]) =>
  `array[${items.map((item) => `'${item}'`).join(", ")}]::text[]`;

/** Names from the seed; what it leaves open (types, the key that its upsert needs, the gap log) in the plainest form. */
const TABLES = `
  create schema if not exists r3a;
  create schema if not exists r3a_util;
  create table r3a.coin (id serial primary key, symbol text not null unique, name text);
  create table r3a.ohlcv_partitioned (
    coin_id integer not null, "interval" text not null, "timestamp" timestamptz not null,
    open numeric, high numeric, low numeric, close numeric, volume numeric,
    primary key (coin_id, "interval", "timestamp")
  ) partition by list (coin_id);
  create table r3a.ohlcv_gap_log (
    id bigserial primary key, coin_id integer not null, "interval" text not null, gap_start timestamptz not null,
    gap_end timestamptz not null, detected_at timestamptz not null default now(), resolved boolean not null default false);
  create table r3a_util.last_ts_by_coin_interval (
    coin_id integer not null, "interval" text not null, last_ts timestamptz not null, primary key (coin_id, "interval"))`;

/**
 * Appendices A and B. The lock functions in PL/pgSQL: as the seed's LANGUAGE sql they cannot be created, since
 * pg_try_advisory_lock(bigint, bigint) does not exist; so they fail at their first call.
 */
const FUNCTIONS = [
  ["acquire_lock", "boolean", "return pg_try_advisory_lock"],
  ["release_lock", "void", "perform pg_advisory_unlock"],
]
  .map(
    ([name, result, call]) => `
  create or replace function r3a_util.${name}(_scope text, _key text) returns ${result} language plpgsql as $$ begin
    ${call}(('x'||substr(md5(_scope),1,16))::bit(64)::bigint # 0, ('x'||substr(md5(_key),1,16))::bit(64)::bigint # 0);
  end $$`,
  )
  .concat([
    `create or replace function r3a_util.leaf_partitions() returns table (leaf regclass) language sql as $$
    select relid from pg_partition_tree('r3a.ohlcv_partitioned') where isleaf and level > 0 $$`,
    `create or replace function r3a_util.index_names(_leaf regclass) returns table (btree_name text, brin_ts_name text)
  language sql as $$ select relname || '_btree', relname || '_brin_ts' from pg_class where oid = _leaf $$`,
    `create or replace function r3a_util.generate_index_sql(_pages_per_range integer default 128, _fillfactor integer default 90)
  returns table(leaf regclass, kind text, sql text) language plpgsql as $$
  declare r record; bn text; br text; begin
    for r in select lp.leaf as rleaf from r3a_util.leaf_partitions() lp loop
      select btree_name, brin_ts_name into bn, br from r3a_util.index_names(r.rleaf);
      leaf := r.rleaf; kind := 'btree';
      sql := format('CREATE INDEX CONCURRENTLY IF NOT EXISTS %I ON %s (coin_id, "interval", "timestamp")', bn, r.rleaf);
      return next;
      leaf := r.rleaf; kind := 'brin_ts';
      sql := format('CREATE INDEX CONCURRENTLY IF NOT EXISTS %I ON %s USING brin ("timestamp") WITH (pages_per_range = %s)', br, r.rleaf, _pages_per_range);
      return next;
      leaf := r.rleaf; kind := 'fillfactor';
      sql := format('ALTER TABLE %s SET (fillfactor = %s)', r.rleaf, _fillfactor);
      return next;
    end loop; end $$`,
    `create or replace function r3a_util.generate_index_sql_limited(
    _pages_per_range integer default 128, _fillfactor integer default 90, _max_ops integer default null)
  returns table(leaf regclass, kind text, sql text) language sql as $$
    select leaf, kind, sql from r3a_util.generate_index_sql(_pages_per_range, _fillfactor)
    order by 1, 2 limit coalesce(_max_ops, 2147483647) $$`,
  ]);

/** One tree per coin, a branch per interval, a leaf per month; a commit per branch. */
function buildLeaves(
  coins: number,
  intervals: readonly Interval[],
  months: { readonly first: string; readonly count: number },
  leafIndexes: boolean,
): string {
  const indexes = `
      execute format('create index %I on r3a.%I (coin_id, "interval", "timestamp")', leaf || '_btree', leaf);
      execute format('create index %I on r3a.%I using brin ("timestamp") with (pages_per_range = 128)', leaf || '_brin_ts', leaf);`;
  return `do $$
  declare tree text; branch text; leaf text; i text; start timestamptz; begin
    set time zone 'UTC';
    for c in 1..${coins} loop
      tree := format('ohlcv_c%s', c);
      execute format('create table r3a.%I partition of r3a.ohlcv_partitioned for values in (%s) partition by list ("interval")', tree, c);
      foreach i in array ${textArray(intervals)} loop
        branch := format('%s_%s', tree, i);
        execute format('create table r3a.%I partition of r3a.%I for values in (%L) partition by range ("timestamp")', branch, tree, i);
        for m in 0..${months.count - 1} loop
          start := timestamptz '${months.first} 00:00+00' + m * interval '1 month';
          leaf := format('%s_%s', branch, to_char(start, 'YYYY_MM'));
          execute format('create table r3a.%I partition of r3a.%I for values from (%L) to (%L) with (fillfactor = 90)',
            leaf, branch, start, start + interval '1 month');${leafIndexes ? indexes : ""}
        end loop;
        commit;
      end loop;
    end loop;
    reset time zone;
  end $$`;
}

/**
 * Coin by coin, each its own transaction: an insert locks every leaf and index that it meets. Never by a generic plan,
 * which locks those of all coins.
 */
function fillLeaves(coins: number, rowsPerLeaf: number): string {
  const slots = `generate_series(b.start, b.start + least(${rowsPerLeaf}, b.slots) * b.step - b.width, b.step)`;
  return `do $$ begin
    set plan_cache_mode = force_custom_plan;
    for c in 1..${coins} loop
      insert into r3a.ohlcv_partitioned
      select s.* from (
        select i."interval", start, width, slots, greatest(slots / ${rowsPerLeaf}, 1) * width as step
        from (values ${INTERVALS.map((interval) => `('${interval}', ${WIDTH[interval]})`).join(", ")}) as i ("interval", width),
             (select distinct (regexp_match(relname, '\\d{4}_\\d{2}$'))[1] as month from pg_class
              where relnamespace = 'r3a'::regnamespace and relname ~ '^ohlcv_c1_.*\\d{4}_\\d{2}$' and relkind = 'r') m,
             lateral (select (replace(month, '_', '-') || '-01 00:00+00')::timestamptz as start) f,
             lateral (select (extract(epoch from start + interval '1 month' - start) / extract(epoch from width))::int as slots) n
        where exists (select from pg_class where relname = 'ohlcv_c1_' || i."interval")
      ) b, lateral (${candlesAt("c", 'b."interval"', slots)}) s;
      insert into r3a_util.last_ts_by_coin_interval
      select coin_id, "interval", max("timestamp") from r3a.ohlcv_partitioned where coin_id = c group by 1, 2;
      commit;
    end loop;
    reset plan_cache_mode;
  end $$`;
}

/** Values that follow from coin and time, so that two builds are alike; some with zeros at the end, as exchanges send. */
function candlesAt(coinId: string, interval: string, slots: string): string {
  return `
    select ${coinId}, ${interval}, at, low + (n % 7) * 0.01, low + 0.50, low, low + (n % 11) * 0.010, (n % 100000) * 0.00100
    from ${slots} as at,
         lateral (select abs(hashint8((extract(epoch from at)::bigint / 60) * 1009 + ${coinId}))::bigint as n) h,
         lateral (select 10 + (n % 5000000) * 0.01 as low) p`;
}
