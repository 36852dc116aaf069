import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, test } from "vitest";
import { newKey } from "../support/backup/object.ts";
import { DAY, expectExit, HOUR, iso } from "../support/candle/series.ts";
import { withSession } from "../support/database/empty-database.ts";
import { useQuietServer } from "../support/database/quiet-server.ts";
import { temporaryFolder } from "../support/folder.ts";
import { useLegacyDatabases } from "../support/legacy/build.ts";
import { expectInvariant, useWorld } from "../support/world.ts";

/** Seals beside everything else that works in a database, by the command. */

const EDGE = Date.parse("2024-04-01T00:00:00Z");
const LEAVES = ["ohlcv_1m_2024_03", "ohlcv_1m_2024_04"];
const database = useQuietServer();
const world = useWorld({ clock: { fixedMs: EDGE + 40 * DAY }, weightLimit: null }, database);
const SIX = "BTCUSDT,ETHUSDT,SOLUSDT,XRPUSDT,BNBUSDT,ADAUSDT";
const env: Record<string, string> = {};

const seal = () => world.run("seal --json", env);
const backfill = (symbols: string, from: number, to: number) =>
  `backfill 1m --symbols ${symbols} --from ${iso(from)} --to ${iso(to)}`;
const files = () =>
  database.query("select relname, oid::int from pg_class where relname = any($1) order by 1", [LEAVES]);
const states = () => database.query("select leaf, state from r3a.leaf_state order by leaf");
const areAll = (state: string) => LEAVES.map((leaf) => ({ leaf, state }));
const expectTruth = async (symbol: string, from: number, to: number) =>
  expect(await world.stored(symbol, "1m")).toEqual(world.truth(symbol, "1m", from, to));

beforeAll(async () => {
  const folder = temporaryFolder();
  for (const name of ["hot", "warm", "spool"]) mkdirSync(join(folder, name));
  const { recipient } = await newKey();
  Object.assign(env, { BACKUP_HOT: `file://${folder}/hot`, BACKUP_WARM: `file://${folder}/warm` });
  Object.assign(env, { BACKUP_SPOOL: `${folder}/spool`, BACKUP_RECIPIENTS: recipient });
  expectExit(await world.run(backfill(SIX, EDGE - 3 * HOUR, EDGE + 3 * HOUR)), 0);
});

test("a transaction that began before the rewrite sees every candle, and the seal waits for it", async () => {
  await withSession(database.url, async (reader) => {
    const count = async () =>
      (await reader.query<{ n: number }>("select count(*)::int as n from r3a.ohlcv_partitioned")).rows[0]?.n;
    await reader.query("begin isolation level repeatable read read only; select 1");
    const before = await database.query<{ n: number }>(
      "select count(*)::int as n from r3a.ohlcv_partitioned",
    );
    const run = world.start("seal", env);
    const isFilled = `select from pg_stat_user_tables where schemaname = 'r3a_scratch' and vacuum_count > 0`;
    while (run.child.exitCode === null && (await database.query(isFilled)).length === 0) await sleep(20);
    expect(run.child.exitCode).toBe(null);
    expect(await states()).toEqual([{ leaf: LEAVES[1], state: "sealing" }]);
    expect(await count()).toBe(before[0]?.n);
    await reader.query("commit");
    expect(await run.ended).toMatchObject({ code: 0 });
    expect(await count()).toBe(before[0]?.n);
  });
  expect(await states()).toEqual(areAll("sealed"));
});

test("one new coin over sealed leaves: these are sealed again as they lie", async () => {
  const before = await files();
  expectExit(await world.run(backfill("LTCUSDT", EDGE - 3 * HOUR, EDGE + 3 * HOUR)), 0);
  expect(await states()).toEqual(areAll("open"));
  expectExit(await seal(), 0);
  expect(await states()).toEqual(areAll("sealed"));
  expect(await files()).toEqual(before);
});

test("a backfill of more than the leaf has, with seals, maint, vacuum and a delta beside it", async () => {
  const [from, to] = [EDGE - 3 * HOUR, EDGE + 9 * DAY];
  const run = world.start(backfill("BTCUSDT", from, to), env);
  for (const beside of ["maint", "vacuum --vacuum", "backup --delta"])
    for (const ended of await Promise.all([seal(), world.run(beside, env)])) expectExit(ended, 0);
  expect(await run.ended).toMatchObject({ code: 0 });
  const before = await files();
  expectExit(await seal(), 0);
  expect(await states()).toEqual(areAll("sealed"));
  await expectTruth("BTCUSDT", from, to);
  await expectTruth("LTCUSDT", EDGE - 3 * HOUR, EDGE + 3 * HOUR);
  await expectInvariant(world);
  expect((await files())[0]).toEqual(before[0]);
  expectExit(await world.run("verify --symbols BTCUSDT"), 0);
});

describe("a database whose old layout is being moved", () => {
  const makeLegacy = useLegacyDatabases();

  test("no leaf is sealed, and the person is told what to do first", async () => {
    const legacy = await makeLegacy({
      ...{ coins: ["BTCUSDT"], firstMonth: "2024-01", months: 2, intervals: ["1h"] },
    });
    await legacy.moveUntilGone("1h_2024_02");
    const { code, stderr } = await world.run("seal", { ...env, DB_URL: legacy.url });
    expect([code, stderr]).toEqual([75, expect.stringContaining("run migrate-layout to its end")]);
  });
});
