import { execFile } from "node:child_process";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { withClient } from "../dev/postgres/with-client.ts";
import { columnsOf, rowHash } from "../runner/src/db/backup/row-hash.ts";
import { COPY_COLUMNS } from "../runner/src/db/copy-lines.ts";
import { addCoins, fillMonth, lastMonth } from "./recovery-rows.ts";
import { makeTier, peakOfJob, timeBackup } from "./recovery-tier.ts";
import { type Figure, round, timed } from "./report.ts";
import type { Stage } from "./stage.ts";

const COINS = 60;
const leaf = lastMonth();
const KEY = `coin_id, "interval", "timestamp"`;
const bash = promisify(execFile);

/** What each symbol covers, so that missing candles are looked for, and `verify` compares. */
const COVER = `
  insert into r3a.series (coin_id, "interval", covered_from, covered_to)
  select id, '1m', $1::timestamptz, $2::timestamptz from r3a.coin`;
/** A damaged day of one symbol, and three wrong candles of another one. */
const DAMAGE = `
  delete from r3a.${leaf.name} where coin_id = 7 and "timestamp" < $1::timestamptz + interval '1 day';
  update r3a.${leaf.name} set close = close * 10 where coin_id = 8 and "timestamp" < $1::timestamptz + interval '3 min'`;

/** One month of 1m candles of 60 symbols, mended end to end in the live table, against the same by hand with psql. */
export async function measureMend(stage: Stage): Promise<readonly Figure[]> {
  const url = await stage.database();
  await addCoins(url, { first: 1, last: COINS });
  await fillMonth(url, leaf, { first: 1, last: COINS });
  const [from, to] = [leaf.span.from, leaf.span.to].map((ms) => new Date(ms).toISOString());
  const query = (text: string) => withClient(url, (client) => client.query(text));
  await withClient(url, (client) => client.query(COVER, [from, to]));
  const tier = await makeTier(stage.folder);
  await timeBackup(url, tier, "daily");
  const file = join(stage.folder, "mend-by-hand.zst");
  await pipe(
    url,
    `psql -qX "$URL" -c 'copy (select ${COPY_COLUMNS} from r3a.${leaf.name} order by ${KEY}) to stdout' | zstd -3 -qf -o "${file}"`,
  );
  await query(DAMAGE.replaceAll("$1::timestamptz", `timestamptz '${from}'`));
  const exchange = await stage.exchange([]);
  const args = ["restore", "--damaged", "--leaf", leaf.name, "--json"];
  const env = { ...tier.env, DB_URL: url, EXCHANGE_URL: exchange };
  // the simulated exchange does not know these symbols, so the step that asks it fails
  const mended = await stage.run(args, { env, allowed: [0, 1, 75] });
  if (!mended.stdout.includes('"outcome":"mended"'))
    throw new Error(`the leaf was not mended: ${mended.stdout}`);
  const byHand = await timed(() => mendByHand(url, file));
  // what a person runs to know that the leaf is right again
  const span = ["--from", String(from), "--to", String(to)];
  const verify = await stage.run(["verify", "--intervals", "1m", ...span], { env });
  const scrub = await stage.run(["scrub", "--leaf", leaf.name], { env });
  await rm(tier.root, { recursive: true });
  const all = byHand + verify.ms + scrub.ms;
  const seconds = (ms: number) => `${round(ms / 1000)} s`;
  return [
    {
      claim: `restore --damaged of a month of ${COINS} symbols, end to end, against psql, verify and scrub by hand`,
      ...{ value: mended.ms / all, unit: "x", most: 1.5 },
      detail: `${seconds(mended.ms)} against ${seconds(all)}, of which psql ${seconds(byHand)}, verify ${seconds(verify.ms)}, scrub ${seconds(scrub.ms)}`,
    },
    peakOfJob("restore --damaged of a month", mended.peakRssMb, `${COINS} symbols`),
  ];
}

/** What a person does who has the rows: a table beside, its indexes, a hash to compare with, and the swap. */
async function mendByHand(url: string, file: string): Promise<void> {
  const table = `by_hand.${leaf.name}`;
  const [from, to] = [leaf.span.from, leaf.span.to].map((ms) => new Date(ms).toISOString());
  await withClient(url, async (client) => {
    await client.query(`create schema by_hand; create table ${table} (like r3a.ohlcv_1m including defaults)`);
    await pipe(url, `zstd -dcq "${file}" | psql -qX "$URL" -c 'copy ${table} (${COPY_COLUMNS}) from stdin'`);
    await client.query(`alter table ${table} add primary key (${KEY})`);
    await client.query(`create index on ${table} using brin ("timestamp")`);
    await client.query(
      `alter table ${table} add constraint bounds check ("interval" = '1m' and "timestamp" >= '${from}' and "timestamp" < '${to}')`,
    );
    for (const each of [table, `r3a.${leaf.name}`])
      await client.query(
        `select coin_id, "interval", count(*), sum(${rowHash(columnsOf("t"))}) from ${each} t group by 1, 2`,
      );
    await client.query(`analyze ${table}`);
    await client.query(`
      create schema by_hand_old; begin; alter table r3a.ohlcv_1m detach partition r3a.${leaf.name}; alter table r3a.${leaf.name} set schema by_hand_old;
      alter table ${table} set schema r3a;
      alter table r3a.ohlcv_1m attach partition r3a.${leaf.name} for values from ('${from}') to ('${to}'); commit`);
  });
}

async function pipe(url: string, line: string): Promise<void> {
  await bash("bash", ["-o", "pipefail", "-c", line], { env: { PATH: process.env.PATH ?? "", URL: url } });
}
