import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { parseLeafRecord } from "../../runner/src/archive/leaf-record.ts";
import { leafAt } from "../../runner/src/partition/layout.ts";
import type { RestoreWhole } from "../../runner/src/restore/drill/prove.ts";
import { restoreWhole } from "../../runner/src/restore/whole/whole-run.ts";
import { openFolderStore } from "../../runner/src/store/folder-store.ts";
import { NEVER, newKey } from "../support/backup/object.ts";
import { newestManifest } from "../support/backup/restored.ts";
import { HOUR } from "../support/candle/series.ts";
import { END, useDrilledTier } from "../support/drill/drilled-tier.ts";
import { drillWith, restoreAndThen } from "../support/drill/run-drill.ts";

/** A drill that passes says nothing unless it fails where something is broken. */

const drilled = useDrilledTier();
const { world, folder, env, runJson, left } = drilled;
const hot = () => openFolderStore(join(folder, "hot"), { tier: "hot", report: () => {} });

afterEach(async () => {
  world.exchange.clearFaults();
  world.exchange.resetWeight();
  expect(await left()).toEqual([]);
});

describe("a drill fails", () => {
  test("where the key is another one", async () => {
    const { identity } = await newKey();
    const other = await runJson("drill --tier hot", 3, { BACKUP_IDENTITY: identity });
    expect(other).toMatchObject({ verdict: "failed", leaves: 0, damage: null });
    expect(other.faults.join()).toMatch(/objects\/.*(key|identity|recipient)/i);
  });

  test("where an object of the tier was changed: of a leaf the others are restored, of a table nothing is", async () => {
    const { leaves, tables } = await newestManifest(hot());
    const broken = async (key: string, exit: number) => {
      const path = join(folder, "hot", key);
      const good = await readFile(path);
      const at = good.length >> 1;
      await writeFile(path, good.with(at, (good[at] ?? 0) ^ 1));
      try {
        const result = await runJson("drill --tier hot", exit);
        expect([result.verdict, result.faults.join()]).toEqual(["failed", expect.stringContaining(key)]);
        return result;
      } finally {
        await writeFile(path, good);
      }
    };
    const [leaf] = leaves.toSorted((a, b) => b.rows - a.rows);
    const { bases } = parseLeafRecord(leaf?.key ?? "", await hot().getText(leaf?.key ?? "", NEVER));
    expect(await broken(bases[0]?.key ?? "", 1)).toMatchObject({
      leaves: 1,
      faults: [`r3a.${leaf?.name} is not restored: `, /^r3a\.ohlcv_gap_log is restored otherwise/].map(
        (words) => expect.stringMatching(words),
      ),
    });
    // the record of the leaf that the drill would have damaged: the restore names what is broken
    const [smallest] = leaves.toSorted((a, b) => a.rows - b.rows);
    expect(await broken(smallest?.key ?? "", 1)).toMatchObject({
      leaves: 1,
      damage: { reason: expect.any(String) },
    });
    expect(await broken(tables[0]?.objects[0]?.key ?? "", 3)).toMatchObject({ leaves: 0 });
  });

  test("where the restored rows, tables or rights are not what was stored", async () => {
    const { faults, exitCode } = await drillWith(
      drilled,
      restoreAndThen(`
        update r3a.${leafAt("15m", END).name} set close = close + 0.00000001 where coin_id = 1 and "timestamp" = '2024-05-10 10:00Z';
        insert into r3a.ohlcv_1h_2024 select 3, "interval", "timestamp", open, high, low, close, volume
          from r3a.ohlcv_1h_2024 where coin_id = 1 limit 1;
        update r3a.coin set base = 'OTHER' where id = 2;
        delete from r3a.run where command = 'sync';
        grant select on r3a.coin to public`),
    );
    expect(exitCode).toBe(1);
    const expected = [
      /^BTCUSDT 15m 2024-05-10T10:00:00Z is restored with close \S+1 and not \S+0, as the exchange says$/,
      /^r3a\.coin is restored otherwise than it was stored: 1 row is missing or differs, 1 row is too many/,
      /^r3a\.ohlcv_15m_2024\w* is restored otherwise than its record says: coin 1 15m has other values/,
      /^r3a\.ohlcv_1h_2024\w* is restored otherwise than its record says: coin 3 1h has 1 rows and is not in the record$/,
      /^r3a\.run is restored otherwise/,
      /^the restored schema has other leaves, settings, owners or rights/,
    ];
    expect(faults.toSorted()).toEqual(expected.map((words) => expect.stringMatching(words)));
  });

  test("where a row of a leaf or a whole leaf is gone, and where a leaf came that the backup lacks", async () => {
    const { faults } = await drillWith(
      drilled,
      restoreAndThen(`
        delete from r3a.ohlcv_partitioned where coin_id = 1 and "interval" = '1h' and "timestamp" = '2024-05-10 10:00Z';
        select r3a_util.make_leaf('ohlcv_1m', '2024-05-01 00:00+00', '{}');
        insert into r3a.ohlcv_1m_2024_05 select coin_id, '1m', "timestamp", open, high, low, close, volume
          from r3a.ohlcv_partitioned where "interval" = '1h'`),
    );
    expect(faults.join("\n")).toMatch(/coin 1 1h has 29 rows instead of 30/);
    expect(faults.join("\n")).toMatch(/ohlcv_1m_2024_05 has rows, and the backup has no such leaf/);
  });

  test("where the restore believes the object that the drill damaged, or never read it", async () => {
    const believing: RestoreWhole = (context, db, request) => {
      const [damaged, clean] = request.stores;
      if (damaged === undefined || clean === undefined) throw new Error("a drill has two stores");
      const get: typeof clean.get = async (key, signal) => {
        (await damaged.get(key, signal)).destroy();
        return clean.get(key, signal);
      };
      return restoreWhole(context, db, { ...request, stores: [{ ...damaged, get }] });
    };
    expect(await drillWith(drilled, believing)).toMatchObject({
      verdict: "failed",
      damage: { reason: null },
      faults: [
        expect.stringMatching(/^the restore believed an object with a changed byte: byte \d+ of objects\//),
      ],
    });
    const elsewhere: RestoreWhole = (context, db, request) =>
      restoreWhole(context, db, { ...request, stores: request.stores.slice(1) });
    expect((await drillWith(drilled, elsewhere)).faults).toEqual([
      expect.stringContaining("the restore did not read the object that was to be damaged"),
    ]);
  });

  test("where the exchange shows other candles than the restored ones", async () => {
    const slots = [END - 30 * HOUR, END - HOUR];
    world.exchange.addFault({ kind: "drop-rows", symbol: "ETHUSDT", interval: "1h", slots });
    expect(await runJson("drill --tier hot", 1)).toMatchObject({
      ...{ verdict: "failed", golden: 80 },
      faults: [
        "ETHUSDT 1h 2024-05-09T06:00:00Z is restored, and the exchange has no such candle",
        "ETHUSDT 1h 2024-05-10T11:00:00Z is restored, and the exchange has no such candle",
      ],
    });
  });
});

test("with the exchange away a drill is no pass: all else is equal, and the exit code is 75", async () => {
  const away = await runJson("drill --tier hot", 75, { EXCHANGE_URL: "http://127.0.0.1:1" });
  expect(away).toMatchObject({
    ...{ verdict: "open", golden: 0, leaves: 2, faults: [] },
    open: [expect.stringMatching(/^candles could not be compared with the exchange: /)],
  });
  expect(
    await world.database.query(
      "select verdict, golden, faults from r3a.drill order by finished_at desc limit 1",
    ),
  ).toEqual([{ verdict: "open", golden: 0, faults: away.open }]);
});

test("a drill that is stopped drops its database, and proves nothing", async () => {
  const count = async () => (await world.database.query("select from r3a.drill")).length;
  const before = await count();
  const stopped = world.start("drill --tier hot", env);
  while ((await left()).length === 0 && stopped.child.exitCode === null) await sleep(20);
  stopped.child.kill("SIGTERM");
  const { code, stderr } = await stopped.ended;
  expect([code, await count()]).toEqual([143, before]);
  // a busy server takes longer for it than a process that is told to stop has; then the next drill drops the database
  if (stderr.includes("forced_end")) await runJson("drill --tier warm", 0);
});

test("the database of a drill that was killed is dropped by the next one, and that of one at work is not", async () => {
  const killed = world.start("drill --tier hot", env);
  while ((await left()).length === 0 && killed.child.exitCode === null) await sleep(20);
  const busy = await runJson("drill --tier warm", 0);
  expect(busy).toHaveProperty("skipped");
  expect(await left()).toHaveLength(1);
  killed.child.kill("SIGKILL");
  await killed.ended;
  expect(await left()).toHaveLength(1);
  expect(await runJson("drill --tier hot", 0)).toMatchObject({ verdict: "passed" });
});
