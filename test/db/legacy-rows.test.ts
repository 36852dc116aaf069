import { expect, test } from "vitest";
import { DAY, HOUR, iso } from "../support/candle/series.ts";
import { useLegacyDatabases } from "../support/legacy/build.ts";
import { copyOldRows, expectNothingLeft, findFate } from "../support/legacy/database.ts";

/** What becomes of old rows that are not simply right. */

const make = useLegacyDatabases();
const OPTIONS = { coins: ["BTCUSDT"], firstMonth: "2024-01", months: 2, intervals: ["1h"] } as const;
const FEBRUARY = Date.UTC(2024, 1, 1);

const GAPS = `
  select (extract(epoch from from_ts) * 1000)::float8 as "from", (extract(epoch from to_ts) * 1000)::float8 as "to",
         state, reason, evidence ->> 'error' as error, evidence ->> 'raw' as raw, next_check_at <= now() as due
  from r3a.ohlcv_gap_log where state <> 'repaired' order by from_ts`;

/** Seven hours of February: one good, then one of each kind. */
const ODD = `
  delete from r3a.ohlcv_partitioned where "timestamp" >= '2024-02-01 00:00+00';
  insert into r3a.ohlcv_partitioned values
    (1, '1h', '2024-02-01 00:00+00', 1.10, 2.200, 0.5, 1, 3),
    (1, '1h', '2024-02-01 01:00+00', 'NaN', 2, 0.5, 1, 3),
    (1, '1h', '2024-02-01 02:00+00', 1, 2, 0.5, null, 3),
    (1, '1h', '2024-02-01 03:00+00', 1, 0.9, 0.5, 1, 3),
    (1, '1h', '2024-02-01 04:00+00', 1, 2, 0.5, 1, -3),
    (1, '1h', '2024-02-01 05:00:03+00', 1, 2, 0.5, 1, 3),
    (1, '1h', '2024-02-01 06:00+00', 1, 'Infinity', 0.5, 1, 3),
    (1, '1h', '2024-02-01 07:00+00', 1, 2, 0, 1, 3),
    (1, '1h', '2024-02-01 09:00+00', 1, 2, 0.5, 1, 3)`;

test("a row that must not be stored is a gap with the row as evidence, a misaligned one is stored with its flag", async () => {
  const database = await make(OPTIONS, ODD);
  await copyOldRows(database);
  const run = await database.run("migrate-layout --json");
  expect(run).toMatchObject({ code: 0 });
  expect(JSON.parse(run.stdout)).toMatchObject({ leaves: 2, rows: 12, added: 6, differed: 0, rejected: 6 });
  expect(await findFate(database)).toEqual({ rows: 12, stored: 6, revised: 6, lost: 0, invented: 0 });
  await expectNothingLeft(database);

  const rows = await database.query(
    `select "timestamp", open::text, high::text, source, flags from r3a.ohlcv_partitioned where "timestamp" >= '2024-02-01' order by 1`,
  );
  expect(rows).toMatchObject([
    { open: "1.10", high: "2.200", source: "legacy", flags: 0 },
    { timestamp: new Date(FEBRUARY + 5 * HOUR + 3_000), flags: 1 },
    { timestamp: new Date(FEBRUARY + 9 * HOUR), flags: 0 },
  ]);
  const gaps = await database.query<{ from: number }>(GAPS);
  const broken = { state: "open", reason: "invalid", due: true };
  const hour = (n: number) => ({ from: FEBRUARY + n * HOUR, to: FEBRUARY + (n + 1) * HOUR });
  expect(gaps.filter(({ from }) => from >= FEBRUARY)).toMatchObject([
    { ...hour(1), ...broken, error: "a value is not finite", raw: expect.stringContaining("NaN") },
    { ...hour(2), ...broken, error: "a value is missing", raw: expect.stringContaining('"close":null') },
    { ...hour(3), ...broken, error: "low <= open,close <= high does not hold" },
    { ...hour(4), ...broken, error: "negative volume" },
    { ...hour(6), ...broken, error: "a value is not finite" },
    { ...hour(7), ...broken, error: "a price is not above 0" },
    { ...hour(8), state: "not_requested", reason: null, error: null, due: true },
  ]);
  const revisions = await database.query(`select new_values, old_source from r3a.candle_revision`);
  expect(revisions).toEqual(revisions.map(() => ({ new_values: {}, old_source: "legacy" })));
});

test("a candle that was running when the old system stopped is not taken for a final one", async () => {
  const now = Date.now();
  const thisHour = Math.floor(now / HOUR) * HOUR;
  const firstMonth = iso(now).slice(0, 7);
  const database = await make(
    { ...OPTIONS, firstMonth, months: 2, rowsPerLeaf: 0 },
    `insert into r3a.ohlcv_partitioned select 1, '1h', at, 1, 2, 0.5, 1, 3
     from unnest(array['${iso(thisHour)}'::timestamptz, '${iso(thisHour + 20 * DAY)}']) as at
     where at < date_trunc('month', now()) + interval '2 months'`,
  );
  await copyOldRows(database);
  const run = await database.run("migrate-layout --json");
  expect(run).toMatchObject({ code: 0 });
  expect(JSON.parse(run.stdout)).toMatchObject({ rows: 2, added: 0, rejected: 2 });
  expect(await findFate(database)).toMatchObject({ stored: 0, revised: 2, lost: 0 });
  expect(await database.query(`select from r3a.series where covered_to > now()`)).toEqual([]);
  expect(await database.query(GAPS)).toEqual([]);
});

test("a candle that the new system stored first stays, and the old one is a revision; of equal ones nothing is written", async () => {
  const database = await make(OPTIONS);
  await copyOldRows(database);
  expect(await database.moveUntilGone("1h_2024_02")).toMatchObject({ code: 143 });
  const [oldest] = await database.query<{ at: Date }>(`select min("timestamp") as at from public.old_row`);
  // as a backfill does it: the January leaf is still an old one
  const first = oldest?.at.toISOString();
  await database.query(
    `create table if not exists r3a.ohlcv_1h_2024 partition of r3a.ohlcv_1h for values from ('2024-01-01 00:00+00') to ('2025-01-01 00:00+00')`,
  );
  await database.query(`
    insert into r3a.ohlcv_partitioned (coin_id, "interval", "timestamp", open, high, low, close, volume, trades, source)
    select coin_id, "interval", "timestamp", open, high, low, close, case when "timestamp" = '${first}' then volume + 1 else volume * 1.0 end, 7, 'rest'
    from public.old_row where "timestamp" < '2024-01-20 00:00+00'`);
  const run = await database.run("migrate-layout --json");
  expect(run).toMatchObject({ code: 0 });
  expect(JSON.parse(run.stdout)).toMatchObject({ rows: 3, added: 1, same: 1, differed: 1, rejected: 0 });
  expect(await findFate(database)).toMatchObject({ rows: 6, revised: 1, invented: 0 });
  const revisions = await database.query(
    `select "timestamp", (new_values ->> 'volume')::numeric - (old_values ->> 'volume')::numeric as more, old_source, new_source
     from r3a.candle_revision`,
  );
  expect(revisions).toEqual([
    { timestamp: oldest?.at, more: "1.00000", old_source: "legacy", new_source: "rest" },
  ]);
  const kept = await database.query(
    `select count(*)::int as rows from r3a.ohlcv_partitioned where source = 'rest' and trades = 7`,
  );
  expect(kept).toEqual([{ rows: 2 }]);
});

test("a leaf whose copy differs from it in one digit is not dropped, and nothing of the copy stays", async () => {
  const database = await make(OPTIONS);
  await copyOldRows(database);
  expect(await database.moveUntilGone("1h_2024_02")).toMatchObject({ code: 143 });
  await database.query(`
    create function public.spoil() returns trigger language plpgsql as $$ begin
      if extract(day from new."timestamp") = 1 then new.volume := new.volume + 0.00000001; end if;
      return new;
    end $$;
    create trigger spoil before insert on r3a.ohlcv_partitioned for each row execute function public.spoil()`);
  const run = await database.run("migrate-layout --json");
  expect(run.code).toBe(1);
  expect(run.stderr).toContain("the copy of r3a.ohlcv_c1_1h_2024_01 is not what the leaf holds (1 of 3 rows");
  expect(JSON.parse(run.stdout)).toMatchObject({ leaves: 0, leavesFailed: 1, leavesLeft: 1 });
  expect(await findFate(database)).toMatchObject({ rows: 6, stored: 3, lost: 3, invented: 0 });
  await database.query(`drop trigger spoil on r3a.ohlcv_partitioned`);
  expect(await database.run("migrate-layout")).toMatchObject({ code: 0 });
  expect(await findFate(database)).toMatchObject({ rows: 6, stored: 6, lost: 0, invented: 0 });
});
