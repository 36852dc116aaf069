import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { withClient } from "../dev/postgres/with-client.ts";
import { openMinute } from "./minute.ts";
import { fillMonth, lastMonth } from "./recovery-rows.ts";
import { makeTier, peakOfJob } from "./recovery-tier.ts";
import { type Figure, median, round } from "./report.ts";
import type { Finished, Stage } from "./stage.ts";

const COINS = 60;
const READS = 9;
const ALONE = 5;
const leaf = lastMonth();

/** A month of 1m candles as syncs left it is sealed beside the minute job; then one coin's month is read again. */
export async function measureSealedLeaf(stage: Stage): Promise<readonly Figure[]> {
  const minute = await openMinute(stage, COINS);
  const url = minute.env.DB_URL;
  await fillMonth(url, leaf, { first: 1, last: COINS });
  const before = await readMonth(url);
  const tier = await makeTier(stage.folder);
  const warm = join(tier.root, "warm");
  await mkdir(warm);
  const sync = async () => {
    await minute.forgetNewest();
    return (await minute.sync()).ms;
  };
  const alone: number[] = [];
  for (let turn = 0; turn < ALONE; turn += 1) alone.push(await sync());
  const beside: number[] = [];
  let sealed: Finished | undefined;
  const env = { ...tier.env, DB_URL: url, BACKUP_WARM: `file://${warm}` };
  const sealing = stage.run(["seal", "--leaf", leaf.name, "--json"], { env }).then((finished) => {
    sealed = finished;
  });
  while (sealed === undefined) beside.push(await sync());
  await sealing;
  const { ms, peakRssMb, stdout } = sealed;
  if (!stdout.includes('"outcome":"sealed"')) throw new Error(`the leaf was not sealed: ${stdout}`);
  const after = await readMonth(url);
  return [
    peakOfJob(`seal of a month of ${COINS} symbols`, peakRssMb, `${round(ms / 1000)} s, whole process`),
    {
      claim: "minute job beside a seal, against alone",
      ...{ value: median(beside) / median(alone), unit: "x", most: 1.2 },
      detail: `${round(median(beside))} against ${round(median(alone))} ms, median of ${beside.length} and ${ALONE}`,
    },
    {
      claim: "one coin's month out of a sealed leaf, against the leaf before",
      ...{ value: after.ms / before.ms, unit: "x", most: 1 },
      detail: `${round(after.ms)} against ${round(before.ms)} ms, ${after.pages} against ${before.pages} pages`,
    },
  ];
}

type Plan = { readonly "Execution Time": number; readonly Plan: Readonly<Record<string, number>> };

/** All columns, from the memory of the server as far as it has them. */
async function readMonth(url: string): Promise<{ readonly ms: number; readonly pages: number }> {
  return withClient(url, async (client) => {
    await client.query(`vacuum (freeze, analyze) r3a.${leaf.name}`);
    const times: number[] = [];
    let pages = 0;
    for (let turn = 0; turn < READS; turn += 1) {
      const { rows } = await client.query<{ "QUERY PLAN": readonly [Plan] }>(READ);
      const plan = rows[0]?.["QUERY PLAN"][0];
      if (plan === undefined) throw new Error("no plan");
      times.push(plan["Execution Time"]);
      pages = (plan.Plan["Shared Hit Blocks"] ?? 0) + (plan.Plan["Shared Read Blocks"] ?? 0);
    }
    return { ms: median(times), pages };
  });
}

const READ = `
  explain (analyze, buffers, format json) select * from r3a.ohlcv_partitioned
  where coin_id = 7 and "interval" = '1m' and "timestamp" >= '${new Date(leaf.span.from).toISOString()}'
    and "timestamp" < '${new Date(leaf.span.to).toISOString()}' order by "timestamp"`;
