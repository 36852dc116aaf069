import { beforeAll, expect, test } from "vitest";
import { backupSettings } from "../support/backup/each-way.ts";
import { expectExit } from "../support/candle/series.ts";
import { useEmptyDatabases } from "../support/database/empty-database.ts";
import { schemaFingerprint } from "../support/database/schema-fingerprint.ts";
import { expectResult } from "../support/result-json.ts";
import { useWorld } from "../support/world.ts";

const world = useWorld({ symbols: 3 });
const emptyDatabase = useEmptyDatabases();
const { BACKUP_IDENTITY, ...BACKUP } = await backupSettings();
const since = new Date(Date.now() - 2 * 86_400_000).toISOString().slice(0, 10);
const ENV = { ...BACKUP, SYMBOLS: "BTCUSDT,ETHUSDT", FALLBACK_START: since };

beforeAll(async () => {
  for (const interval of ["1m", "15m", "1h", "4h", "1d"])
    expectExit(await world.run(`sync ${interval}`, ENV), 0);
  expectExit(await world.run("backup", ENV), 0);
});

/** But for the counters of runs: the restore itself is one, and the backup was still at work when it looked. */
const schemaOf = async (url: string) =>
  (await schemaFingerprint(url))
    .split("\n")
    .filter((line) => !line.startsWith("counter "))
    .join("\n");

test("a lost database is there again in an empty one, with its owners, grants, ids and candles", async () => {
  const url = await emptyDatabase();
  const ended = await world.run(`restore --all --to ${url} --json`, { ...ENV, BACKUP_IDENTITY });
  expectExit(ended, 0);
  expect(expectResult(ended)).toMatchObject({ whole: true, isOver: true, isResumed: false, refused: [] });
  expect(await schemaOf(url)).toBe(await schemaOf(world.database.url));
});
