import { execFile } from "node:child_process";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { withClient } from "../dev/postgres/with-client.ts";
import { columnsOf, rowHash } from "../runner/src/db/backup/row-hash.ts";
import { COPY_COLUMNS } from "../runner/src/db/copy-lines.ts";
import { addCoins, fillMonth, lastMonth } from "./recovery-rows.ts";
import {
  type BackupTimes,
  forgetBackups,
  makeTier,
  peakOfJob,
  type Tier,
  timeBackup,
} from "./recovery-tier.ts";
import { type Figure, round, timed } from "./report.ts";
import type { Stage } from "./stage.ts";

const FEW = 6;
const MANY = 60;
const ROUNDS = 2;
const bash = promisify(execFile);
const leaf = lastMonth();
const KEY = `coin_id, "interval", "timestamp"`;

/** The least of each over the rounds, in ms; memory in MB. `net`: without what the store took. */
type Measured = {
  readonly backup: BackupTimes & { readonly net: number };
  readonly backupByHand: number;
  readonly restore: number;
  readonly restoreByHand: number;
  readonly restoreMb: number;
};

/** One month of 1m candles, backed up and restored beside the live table, against psql and zstd. */
export async function measureMonth(stage: Stage): Promise<readonly Figure[]> {
  const few = await measureCoins(stage, FEW, ROUNDS);
  const many = await measureCoins(stage, MANY, ROUNDS);
  const { backup, restore } = many;
  const seconds = (ms: number) => `${round(ms / 1000)} s`;
  return [
    {
      claim: `backup of a fresh month of ${MANY} symbols against COPY and zstd -3`,
      ...{ value: backup.net / many.backupByHand, unit: "x", most: 1.5 },
      detail: `${seconds(backup.net)} against ${seconds(many.backupByHand)}; apart: upload ${seconds(backup.put)}, read-back ${seconds(backup.readBack)}`,
    },
    {
      claim: "restore of that month beside, verified, against COPY, key and hash by hand",
      ...{ value: restore / many.restoreByHand, unit: "x", most: 1.3 },
      detail: `${seconds(restore)} against ${seconds(many.restoreByHand)}, least of ${ROUNDS}, whole process`,
    },
    growth("backup", [few.backup.net, backup.net], [few.backupByHand, many.backupByHand]),
    growth("restore", [few.restore, restore], [few.restoreByHand, many.restoreByHand]),
    peakOfJob("restore of a month", many.restoreMb, `${round(few.restoreMb)} MB for a tenth of it`),
  ];
}

/** Beside that by hand, which sorts on the disk at ten times the rows too. */
function growth(
  what: string,
  [few, many]: readonly [number, number],
  [fewByHand, manyByHand]: readonly [number, number],
): Figure {
  const [ours, byHand] = [many / few, manyByHand / fewByHand];
  return {
    claim: `${what} of a month, growth at ten times the rows against that by hand`,
    ...{ value: ours / byHand, unit: "x", most: 1.5 },
    detail: `${round(ours)} x against ${round(byHand)} x`,
  };
}

async function measureCoins(stage: Stage, coins: number, rounds: number): Promise<Measured> {
  const url = await stage.database();
  await addCoins(url, { first: 1, last: coins });
  await fillMonth(url, leaf, { first: 1, last: coins });
  const all: Measured[] = [];
  for (let turn = 0; turn < rounds; turn += 1) all.push(await measureOnce(stage, url));
  const least = (of: (each: Measured) => number) => Math.min(...all.map(of));
  const [best] = all.toSorted((a, b) => a.backup.net - b.backup.net);
  if (best === undefined) throw new Error("no rounds");
  return {
    backup: best.backup,
    backupByHand: least((each) => each.backupByHand),
    restore: least((each) => each.restore),
    restoreByHand: least((each) => each.restoreByHand),
    restoreMb: Math.max(...all.map(({ restoreMb }) => restoreMb)),
  };
}

async function measureOnce(stage: Stage, url: string): Promise<Measured> {
  const file = join(stage.folder, "by-hand.zst");
  const backupByHand = await timed(() => copyOutByHand(url, file));
  const tier = await makeTier(stage.folder);
  await forgetBackups(url);
  const { whole, put, readBack } = await timeBackup(url, tier, "daily");
  const restoreByHand = await timed(() => restoreFromFile(url, file));
  const restore = await restoreBeside(stage, url, tier);
  await rm(tier.root, { recursive: true });
  return {
    backup: { whole, put, readBack, net: whole - put - readBack },
    ...{ backupByHand, restore: restore.ms, restoreByHand },
    restoreMb: restore.peakRssMb,
  };
}

async function restoreBeside(stage: Stage, url: string, { env }: Tier) {
  const args = ["restore", "--to-schema", "beside", "--leaf", leaf.name];
  const finished = await stage.run(args, { env: { ...env, DB_URL: url } });
  await withClient(url, (client) => client.query("drop schema beside cascade"));
  return finished;
}

const copyOutByHand = (url: string, file: string) =>
  pipe(
    url,
    `psql -qX "$URL" -c 'copy (select ${COPY_COLUMNS} from r3a.${leaf.name} order by ${KEY}) to stdout' | zstd -3 -qf -o "${file}"`,
  );

/** COPY in, then the index, then a hash of each series, as a person would check what came back. */
async function restoreFromFile(url: string, file: string): Promise<void> {
  const table = `by_hand.${leaf.name}`;
  await withClient(url, async (client) => {
    await client.query(`create schema by_hand; create table ${table} (like r3a.${leaf.name})`);
    await pipe(url, `zstd -dcq "${file}" | psql -qX "$URL" -c 'copy ${table} (${COPY_COLUMNS}) from stdin'`);
    await client.query(`alter table ${table} add primary key (${KEY})`);
    await client.query(
      `select coin_id, "interval", count(*), sum(${rowHash(columnsOf("t"))}) from ${table} t group by 1, 2`,
    );
    await client.query("drop schema by_hand cascade");
  });
}

async function pipe(url: string, line: string): Promise<void> {
  await bash("bash", ["-o", "pipefail", "-c", line], { env: { PATH: process.env.PATH ?? "", URL: url } });
}
