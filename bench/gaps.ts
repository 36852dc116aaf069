import { withClient } from "../dev/postgres/with-client.ts";
import { openMinute } from "./minute.ts";
import { type Figure, median, peakRss, round } from "./report.ts";
import type { Finished, Stage } from "./stage.ts";

const ROUNDS = 7;
const SYMBOLS = 60;
const [LOGGED, VERIFIED] = [500_000, 100_000];

/** A gap log of several years in which every second minute is missing, in the past of every series. */
export async function measureGaps(stage: Stage): Promise<readonly Figure[]> {
  const bare = await openMinute(stage, SYMBOLS);
  const full = await openMinute(stage, SYMBOLS);
  await logGaps(full.env.DB_URL, LOGGED / SYMBOLS);
  const [without, with_]: [Finished[], Finished[]] = [[], []];
  for (let turn = 0; turn < ROUNDS; turn += 1) {
    await bare.forgetNewest();
    without.push(await bare.sync());
    await full.forgetNewest();
    with_.push(await full.sync());
  }
  const [fast, slow] = [without, with_].map((runs) => median(runs.map(({ ms }) => ms)));
  if (fast === undefined || slow === undefined) throw new Error("nothing was measured");
  const verified = await verifyGaps(stage);
  const rss = Math.max(verified.peakRssMb, ...with_.map(({ peakRssMb }) => peakRssMb));
  const repaired = await stage.run(["gaps", "--repair", "--all", "--json"], { env: full.env });
  return [
    {
      claim: `minute job, ${SYMBOLS} symbols, ${LOGGED} gaps in the log, against none`,
      value: slow / fast,
      unit: "x",
      most: 1.2,
      detail: `${round(slow)} against ${round(fast)} ms, median of ${ROUNDS}`,
    },
    {
      claim: `verify of a series with ${VERIFIED} gaps`,
      value: verified.ms / 1000,
      unit: "s",
      most: 5,
      detail: `whole process, exit ${verified.code}`,
    },
    peakRss("both", rss, `verify ${round(verified.peakRssMb)} MB`),
    peakRss(`gaps --repair --all of ${LOGGED} gaps`, repaired.peakRssMb, `${round(repaired.ms)} ms`),
  ];
}

const EXTEND = `update r3a.series set covered_from = covered_from - $1::int * interval '2 min' where "interval" = '1m'`;
/** $1 gaps of each series from its start on: one minute is missing, the next one is there. Half of the gaps are explained. */
const ADD_GAPS = `
  insert into r3a.ohlcv_gap_log (id, coin_id, "interval", from_ts, to_ts, state, reason, attempts, next_check_at, evidence)
  select gen_random_uuid(), s.coin_id, '1m', at, at + interval '1 min',
         case when n % 2 = 0 then 'open' else 'confirmed_absent' end, 'absent', 2, now() + interval '20 days',
         jsonb_build_object('absentSince', 1700000000000, 'before', 1700000000000, 'after', 1700000120000)
  from r3a.series s, generate_series(0, $1::int - 1) n, lateral (select s.covered_from + n * interval '2 min' as at) t
  where s."interval" = '1m'`;
const ADD_CANDLES = `
  insert into r3a.ohlcv_partitioned (coin_id, "interval", "timestamp", open, high, low, close, volume, close_time, source)
  select s.coin_id, '1m', at, 1, 1, 1, 1, 1, at + interval '59.999 s', 'rest'
  from r3a.series s, generate_series(0, $1::int - 1) n, lateral (select s.covered_from + n * interval '2 min' + interval '1 min' as at) t
  where s."interval" = '1m'`;

/** There are no candles between the gaps: a sync reads nothing of that time. */
async function logGaps(url: string, ofEach: number): Promise<void> {
  await withClient(url, async (client) => {
    await client.query(EXTEND, [Math.ceil(ofEach)]);
    await client.query(ADD_GAPS, [Math.ceil(ofEach)]);
  });
}

async function verifyGaps(stage: Stage): Promise<Finished> {
  const one = await openMinute(stage, 1);
  // the leaves of 139 days
  const from = new Date(Date.now() - (VERIFIED * 2 + 60) * 60_000).toISOString().slice(0, 10);
  await stage.run(["backfill", "1m", "--from", from, "--json"], { env: one.env });
  await withClient(one.env.DB_URL, async (client) => {
    await client.query(`delete from r3a.ohlcv_partitioned where "interval" = '1m'
      and "timestamp" < (select covered_from from r3a.series where "interval" = '1m') + ${VERIFIED} * interval '2 min'`);
    await client.query(ADD_GAPS, [VERIFIED]);
    await client.query(ADD_CANDLES, [VERIFIED]);
  });
  return stage.run(["verify", "--intervals", "1m", "--json"], { env: one.env, allowed: [0, 1] });
}
