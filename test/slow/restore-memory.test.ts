import { execFile } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, expect, test } from "vitest";
import { buildRunner, NODE_FLAGS, nodeEnvironment } from "../../dev/build.ts";
import { leafAt } from "../../runner/src/partition/layout.ts";
import { newKey } from "../support/backup/object.ts";
import { makeSeries } from "../support/candle/made-series.ts";
import { useDatabase } from "../support/database/database.ts";
import { useEmptyDatabases } from "../support/database/empty-database.ts";
import { temporaryFolder } from "../support/folder.ts";
import { ROOT } from "../support/program.ts";

const run = promisify(execFile);
const database = useDatabase();
const emptyDatabase = useEmptyDatabases();
const folder = temporaryFolder();
const bundle = join(folder, "runner");
/** Of the 256 MiB of their pods. */
const MOST_KB = 160 * 1024;
const JANUARY = Date.UTC(2024, 0, 1);
const COINS = 30;
/** So many have candles in January; all have them in December. */
const COINS_OF_JANUARY = 12;

beforeAll(async () => {
  const day = 86_400_000;
  const series = Array.from({ length: COINS }, (_, n) => ({
    ...{ symbol: `C${n}USDT`, interval: "1m" as const, from: JANUARY - 31 * day },
    to: n < COINS_OF_JANUARY ? JANUARY + 31 * day : JANUARY,
  }));
  await Promise.all([buildRunner(bundle), makeSeries(database.url, series)]);
}, 240_000);

test.skipIf(process.platform !== "linux")(
  "a leaf of 1.3 million rows is backed up and restored in 160 MiB, and restored in little more than one of 0.5 million",
  async () => {
    const { identity, recipient } = await newKey();
    for (const name of ["hot", "spool"]) mkdirSync(join(folder, name));
    const file = join(folder, "peak");
    const env = {
      ...{ PATH: process.env.PATH, ...nodeEnvironment(bundle), R3A_BENCH_RSS_FILE: file },
      ...{ DB_URL: database.url, BACKUP_RECIPIENTS: recipient, BACKUP_IDENTITY: identity },
      ...{ BACKUP_HOT: `file://${join(folder, "hot")}`, BACKUP_SPOOL: join(folder, "spool") },
    };
    const program = [...NODE_FLAGS, "--import", join(ROOT, "bench/peak-rss.js"), join(bundle, "main.js")];
    const peakOf = async (command: string) => {
      await run(process.execPath, [...program, ...command.split(" ")], { env });
      const kb = Number(readFileSync(file, "utf8"));
      process.stderr.write(`${command.replace(/ --to \S+/, "")}: ${kb} kB\n`);
      expect(kb).toBeGreaterThan(50_000);
      return kb;
    };
    expect(await peakOf("backup")).toBeLessThan(MOST_KB);
    const restore = (schema: string, ms: number) =>
      peakOf(`restore --to-schema ${schema} --leaf ${leafAt("1m", ms).name}`);
    const small = await restore("small", JANUARY);
    const large = await restore("large", JANUARY - 1);
    expect(large).toBeLessThan(MOST_KB);
    expect(large).toBeLessThan(small + 20 * 1024);
    const rows = await database.query(`
      select (select count(*)::int from small.${leafAt("1m", JANUARY).name}) as small,
             (select count(*)::int from large.${leafAt("1m", JANUARY - 1).name}) as large`);
    const month = 31 * 1440;
    expect(rows).toEqual([{ small: COINS_OF_JANUARY * month, large: COINS * month }]);
    const whole = await emptyDatabase();
    expect(await peakOf(`restore --all --to ${whole}`)).toBeLessThan(MOST_KB);
  },
  240_000,
);
