import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { expect, test } from "vitest";
import { buildLegacyLayout, insertLegacyCandles } from "../../dev/fixtures/legacy-layout.ts";
import { DAY, HOUR } from "../support/candle/series.ts";
import { createDice } from "../support/crash.ts";
import { useDatabase } from "../support/database/database.ts";
import { copyOldRows, expectNothingLeft, findFate } from "../support/legacy/database.ts";
import { expectResult } from "../support/result-json.ts";
import { runRunner } from "../support/runner.ts";
import { expectInvariant, useWorld } from "../support/world.ts";

const database = useDatabase({ isMigrated: false });
const world = useWorld({ weightLimit: null }, database);
const MONTHS = 16;
/** The old candles here are made up, and not those of the simulated exchange. */
const ACCEPT = ["--accept-exchange", "old candles of this test are made up"];
const sync = (interval: string, symbols: string) =>
  runRunner(["sync", interval, "--symbols", symbols, ...ACCEPT], world.env());
const FAST = "migrate-layout --json --rows-per-second 1000000";

/** From the first to behind the last old month, which is the one before this. */
function oldTime(): { readonly from: number; readonly to: number } {
  const now = new Date(world.exchange.now());
  const [year, month] = [now.getUTCFullYear(), now.getUTCMonth()];
  return { from: Date.UTC(year, month - MONTHS), to: Date.UTC(year, month) };
}

/** Tables and indexes that hang under others: cheap to ask for again and again, and it falls with each leaf. */
async function countAttached(): Promise<number> {
  const [row] = await database.query<{ attached: number }>(
    `select count(*)::int as attached from pg_inherits`,
  );
  return row?.attached ?? 0;
}

async function isThere(table: string): Promise<boolean> {
  const [row] = await database.query<{ there: boolean }>(`select to_regclass($1) is not null as there`, [
    table,
  ]);
  return row?.there === true;
}

const isRenamed = () => isThere("r3a.ohlcv_legacy");
const isMigrated = async () => (await isRenamed()) && (await isThere("r3a.run_item"));

test("a database of 4,800 old leaves with their indexes is moved whole, through kills at any moment and with syncs between", async () => {
  const symbols = world.exchange.market.slice(0, 60).map(({ symbol }) => symbol);
  const { from, to } = oldTime();
  const client = new Client({ connectionString: database.url });
  await client.connect();
  const firstMonth = new Date(from).toISOString().slice(0, 7);
  await buildLegacyLayout(client, { coins: symbols, firstMonth, months: MONTHS });
  await insertLegacyCandles(client, { coinId: 1, interval: "1m", from: to - 12 * DAY, to: to - HOUR });
  await insertLegacyCandles(client, { coinId: 2, interval: "15m", from: to - 70 * DAY, to });
  await insertLegacyCandles(client, { coinId: 3, interval: "1h", from, to });
  await client.end();
  await copyOldRows(database);
  const plan = await world.run("migrate-layout --dry-run --json");
  expect(JSON.parse(plan.stdout)).toMatchObject({ leaves: 60 * MONTHS * 5 });

  const dice = createDice(3);
  const synced = [`1m ${symbols[0]}`, `15m ${symbols[1]},${symbols[5]}`, `1h ${symbols[2]},${symbols[3]}`];
  let killedAtWork = 0;
  for (let kill = 0; kill < 6; kill += 1) {
    const before = await countAttached();
    const runner = world.start(FAST);
    // anywhere in the start, then between rename and migration, then after some leaves
    while (kill === 1 && runner.child.exitCode === null && !(await isRenamed())) await sleep(5);
    const attached = before - 50 - dice() * 500; // a leaf and its key
    while (kill > 1 && runner.child.exitCode === null && (await countAttached()) > attached) await sleep(50);
    if (kill > 1 && (await isMigrated())) {
      const [interval = "", which = ""] = (synced[kill % synced.length] ?? "").split(" ");
      expect(await sync(interval, which)).toMatchObject({ code: 0 });
    }
    await sleep(kill === 0 ? 300 + dice() * 500 : dice() * 60);
    runner.child.kill("SIGKILL");
    const { signal } = await runner.ended;
    if (signal === "SIGKILL" && (await countAttached()) < before) killedAtWork += 1;
    if (await isMigrated()) await expectInvariant(world);
  }
  expect(killedAtWork).toBeGreaterThan(2);
  expect(await isRenamed()).toBe(true);

  const last = world.start(FAST);
  for (const each of synced) {
    const [interval = "", which = ""] = each.split(" ");
    expect(await sync(interval, which)).toMatchObject({ code: 0 });
  }
  const done = await last.ended;
  expect(done).toMatchObject({ code: 0 });
  expect(JSON.parse(done.stdout)).toMatchObject({ isComplete: true, leavesFailed: 0, rejected: 0 });

  await expectNothingLeft(database);
  await expectInvariant(world);
  const fate = await findFate(database);
  expect(fate).toMatchObject({ lost: 0, invented: 0 });
  expect(fate.stored + fate.revised).toBe(fate.rows);
  // what syncs asked for again before the leaf was moved stays as the exchange sent it
  expect(fate.revised).toBeGreaterThan(0);
  expect(expectResult(await world.run("migrate --dry-run --json"))).toMatchObject({ pending: [] });
  expect(await world.run("migrate-layout")).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("no old layout"),
  });
}, 600_000);
