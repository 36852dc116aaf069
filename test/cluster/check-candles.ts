import { listCandles } from "../../dev/exchange/generator.ts";
import type { Interval } from "../../runner/src/contract/intervals.ts";
import { STORED } from "../support/candle/stored-rows.ts";
import { type Job, kubectl, waitFor, waitForSuccess } from "./kubectl.ts";
import { check, expectEqual } from "./report.ts";
import type { Servers } from "./servers.ts";
import { listScheduled } from "./stack.ts";

/** Its Jobs are not made by hand here: two minutes and the run itself at most. */
const CLOCK_SECONDS = 200;

/** The CronJob fires by itself and its run completes. */
export async function checkFires(cronJob: string): Promise<void> {
  await check(`${cronJob} fires by the controller's clock`, async () => {
    const job = await waitFor(`a Job of ${cronJob}`, CLOCK_SECONDS, async () => {
      const [first] = await listScheduled(cronJob);
      return first ?? null;
    });
    const { metadata } = await waitForSuccess(job.metadata.name, 90);
    const due = metadata.annotations?.["batch.kubernetes.io/cronjob-scheduled-timestamp"] ?? "";
    const late = (Date.parse(metadata.creationTimestamp) - Date.parse(due)) / 1_000;
    return `${metadata.name}, due ${due}, created ${late} s later, complete`;
  });
}

/** Starts a run by hand, as a person does. */
export async function checkByHand(cronJob: string, name: string): Promise<void> {
  await check(`${cronJob} started by kubectl create job --from`, async () => {
    await kubectl(["create", "job", name, `--from=cronjob/${cronJob}`]);
    const job: Job = await waitForSuccess(name, 90);
    return `${job.metadata.name} complete`;
  });
}

type Series = {
  readonly symbol: string;
  readonly interval: Interval;
  readonly from: number;
  readonly to: number;
};

const COVERED = `
  select c.symbol, s."interval", (extract(epoch from covered_from) * 1000)::float8 as "from",
         (extract(epoch from covered_to) * 1000)::float8 as "to"
  from r3a.series s join r3a.coin c on c.id = s.coin_id where covered_from is not null order by 1, 2`;

/** Every row of every series that a run covered is the exchange's, and none is missing. */
export async function checkTruth(servers: Servers, intervals: readonly Interval[]): Promise<void> {
  await check("rows in the database equal the exchange's truth", async () => {
    const { exchange, query } = servers;
    const covered = await query<Series>(COVERED);
    const counts = new Map<string, number>();
    for (const { symbol, interval, from, to } of covered) {
      const entry = exchange.market.find((each) => each.symbol === symbol);
      if (entry === undefined) throw new Error(`the market has no ${symbol}`);
      const stored = await query<Record<string, unknown>>(STORED, [symbol, interval]);
      const truth = listCandles(entry, interval, { from, to }, exchange.now());
      expectEqual(
        stored.map((row) => [...Object.values(row), "0"]),
        truth,
        `${symbol} ${interval}`,
      );
      if (truth.length === 0) throw new Error(`${symbol} ${interval} is covered and has no candle`);
      counts.set(interval, (counts.get(interval) ?? 0) + truth.length);
    }
    expectEqual(
      intervals.filter((interval) => !counts.has(interval)),
      [],
      "intervals without a row",
    );
    return `${covered.length} series: ${[...counts].map(([interval, rows]) => `${interval} ${rows}`).join(", ")} rows`;
  });
}

/** Both minute jobs start at the same second; what each says that it added, held against what is there. */
const MINUTE_WORK = `
  with said as (
    select i.coin_id, sum(i.added + i.repaired)::int as added from r3a.run_item i where i."interval" = '1m' group by 1
  ), stored as (
    select coin_id, count(*)::int as stored from r3a.ohlcv_partitioned where "interval" = '1m' group by 1
  )
  select (select count(*)::int from said join stored using (coin_id) where added > stored) as twice,
         (select count(*)::int from r3a.run a join r3a.run b on a.arguments = '1m' and b.arguments = '1m --top 20'
          where tstzrange(a.started_at, a.finished_at) && tstzrange(b.started_at, b.finished_at)) as together,
         (select count(*)::int from r3a.run_item where "interval" = '1m' and outcome = 'skipped') as skipped`;

export async function checkNoCollision(servers: Servers): Promise<void> {
  await check("the two minute jobs of one minute never work on the same series", async () => {
    const [row] = await servers.query<{ twice: number; together: number; skipped: number }>(MINUTE_WORK);
    expectEqual(row?.twice, 0, "series with a candle that two runs added");
    if (row === undefined || row.together === 0) throw new Error("the two jobs never ran at the same time");
    return `${row.together} times together, ${row.skipped} series left to the other, no candle added twice`;
  });
}
