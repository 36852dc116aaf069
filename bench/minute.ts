import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { BUNDLED, REQUIRE } from "../dev/build.ts";
import { withClient } from "../dev/postgres/with-client.ts";
import { type Figure, median, peakRss, round } from "./report.ts";
import type { Finished, Stage } from "./stage.ts";

const ROUNDS = 7;
const LATENCY_MS = 40;
const [FEW, MANY] = [60, 600];

/** The minute job as it runs around the clock: every series is up to date but for one new candle. */
export async function measureMinute(stage: Stage): Promise<readonly Figure[]> {
  const byHand = join(dirname(stage.bundle), "by-hand.js");
  await build({
    entryPoints: [fileURLToPath(new URL("by-hand.ts", import.meta.url))],
    outfile: byHand,
    ...BUNDLED,
    external: ["pg-native", "pg-cloudflare"],
    banner: REQUIRE,
  });
  const few = await openMinute(stage, FEW);
  const many = await openMinute(stage, MANY);
  const [ours, hands, wide]: [Finished[], Finished[], Finished[]] = [[], [], []];
  for (let turn = 0; turn < ROUNDS; turn += 1) {
    await few.forgetNewest();
    ours.push(await few.sync());
    await few.forgetNewest();
    hands.push(await stage.run([], { program: byHand, env: few.env }));
    await many.forgetNewest();
    wide.push(await many.sync());
  }
  const [our, hand, each] = [ours, hands, wide].map((runs) => median(runs.map(({ ms }) => ms)));
  const rss = Math.max(...[...ours, ...wide].map(({ peakRssMb }) => peakRssMb));
  if (our === undefined || hand === undefined || each === undefined) throw new Error("nothing was measured");
  return [
    {
      claim: `minute job, ${FEW} symbols, ${LATENCY_MS} ms latency, against by hand`,
      value: our / hand,
      unit: "x",
      most: 1.3,
      detail: `${round(our)} against ${round(hand)} ms, process start included, median of ${ROUNDS}`,
    },
    {
      claim: `cost per symbol at ${MANY} against ${FEW}`,
      value: each / MANY / (our / FEW),
      unit: "x",
      most: 1,
      detail: `${round(each / MANY)} against ${round(our / FEW)} ms a symbol`,
    },
    peakRss(`minute job up to ${MANY} symbols`, rss, ""),
  ];
}

/** A database whose series are up to date, and the minute job that keeps them so. */
export async function openMinute(stage: Stage, size: number) {
  const url = await stage.database();
  const exchange = await stage.exchange(["--latency", String(LATENCY_MS), "--symbols", String(size)]);
  const env = {
    DB_URL: url,
    EXCHANGE_URL: exchange,
    UNIVERSE_SIZE: String(size),
    FALLBACK_START: new Date(Date.now() - 30 * 60_000).toISOString(),
  };
  const sync = () => stage.run(["sync", "1m", "--json"], { env });
  await sync();
  const { rows } = await withClient(url, (client) =>
    client.query<{ symbol: string }>(
      "select c.symbol from r3a.universe_member m join r3a.coin c on c.id = m.coin_id",
    ),
  );
  return {
    env: { ...env, SYMBOLS: rows.map(({ symbol }) => symbol).join(",") },
    sync,
    /** Takes the newest candle of each series back, so that every round has exactly one new candle per symbol. */
    forgetNewest: () => withClient(url, (client) => client.query(FORGET_NEWEST)),
  };
}

const FORGET_NEWEST = `
  with newest as (delete from r3a.ohlcv_partitioned t using r3a_util.last_ts_by_coin_interval l
    where t.coin_id = l.coin_id and t."interval" = l."interval" and t."timestamp" = l.last_ts returning t.coin_id),
  lowered as (update r3a_util.last_ts_by_coin_interval set last_ts = last_ts - interval '1 min')
  update r3a.series set covered_to = covered_to - interval '1 min'`;
