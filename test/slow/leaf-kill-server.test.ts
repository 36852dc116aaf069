import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { leafAt } from "../../runner/src/partition/layout.ts";
import { ageTemporary, useKills } from "../support/backup/kills.ts";
import { expectExit, iso, MINUTE } from "../support/candle/series.ts";
import { chooseKills } from "../support/choose-kills.ts";
import { useQuietServer } from "../support/database/quiet-server.ts";
import { GONE_CANDLES, useGoneCoin } from "../support/leaf/gone-coin.ts";
import { expectNoLeftOvers } from "../support/leaf/left-overs.ts";
import { MEND_ON_SERVER, SEAL_ON_SERVER } from "../support/leaf/server-kill-points.ts";
import { runRunner } from "../support/runner.ts";
import { stateOf } from "../support/seal/seals.ts";
import { findGateway } from "../support/store/gateway.ts";
import { useWorld } from "../support/world.ts";

/** The database server ends under seal and restore --damaged, by kill -9 and by an immediate stop in turn. */

const gateway = await findGateway();
const END = Date.parse("2024-05-10T12:00:00Z");
const SINCE = END - 120 * MINUTE;
const LEAF = leafAt("1m", END).name;
const SYMBOLS = ["BTCUSDT", "ETHUSDT"];
const [SEALS, MENDS] = [chooseKills(SEAL_ON_SERVER, 1), chooseKills(MEND_ON_SERVER, 1)];
const title = `the end of the server, ${SEALS.draw} ${"missing" in gateway ? gateway.missing : ""}`;

describe.skipIf("missing" in gateway)(title, () => {
  const server = useQuietServer();
  const world = useWorld({ clock: { fixedMs: END + 30_000 } }, server);
  const kills = useKills(server, gateway, () => ({
    EXCHANGE_URL: world.exchange.url,
    SYMBOLS: SYMBOLS.join(","),
    FALLBACK_START: iso(SINCE),
  }));
  const gone = useGoneCoin(server);
  let minute = 0;

  const run = async (args: string) =>
    expectExit(await runRunner(args.split(" "), { ...kills.env(), DB_URL: server.url }), 0);
  const sync = async () => {
    minute += 1;
    world.exchange.set({ clock: { fixedMs: END + minute * MINUTE + 30_000 } });
    await run("sync 1m");
  };
  const end = async (index: number) => {
    await (index % 2 === 0 ? server.kill() : server.halt());
    await server.start();
  };
  const countRows = async () => {
    const [row] = await server.query<{ n: number }>("select count(*)::int as n from r3a.ohlcv_partitioned");
    return row?.n;
  };
  const ALL = () => SYMBOLS.length * (120 + minute) + GONE_CANDLES;
  const expectSettled = async () => {
    for (const symbol of SYMBOLS)
      expect(await world.stored(symbol, "1m")).toEqual(
        world.truth(symbol, "1m", SINCE, END + minute * MINUTE),
      );
    await gone.expectKept();
    expect(await countRows()).toBe(ALL());
    expect(await server.query("select from r3a.ohlcv_gap_log where state <> 'repaired'")).toEqual([]);
    expect(await stateOf(server, LEAF)).toMatchObject({ isGuarded: true, isSealed: true });
    await expectNoLeftOvers(server);
  };

  beforeEach(async () => {
    await server.query("drop schema if exists quarantine cascade");
    await server.query(`drop table if exists r3a.${LEAF}`);
    await server.query(`truncate r3a.backup, r3a.backup_object, r3a.backup_copy, r3a.backup_use, r3a.backup_part, r3a.backup_leaf,
      r3a.backup_suspect, r3a.backup_doubt, r3a.backup_gap_series, r3a.leaf_state, r3a.leaf_reopening, r3a.quarantine,
      r3a.series, r3a.ohlcv_gap_log, r3a.candle_revision`);
    minute = 0;
    await sync();
    await run("backup");
  });

  test(`under a seal, at ${SEALS.points.length} of its steps`, async () => {
    await gone.add(LEAF, iso(SINCE));
    for (const [index, point] of SEALS.points.entries()) {
      // never sealed, and with candles that no object has
      await server.query(`drop trigger if exists r3a_guard on r3a.${LEAF}`);
      await server.query(`drop trigger if exists r3a_guard_truncate on r3a.${LEAF}`);
      await server.query("truncate r3a.leaf_state, r3a.leaf_reopening");
      await sync();
      await kills.killAt(point, "seal", () => end(index));
      expect([point.name, await countRows()]).toEqual([point.name, ALL()]);
      await sync();
      await ageTemporary(join(kills.backups.folder, "hot"));
      await run("seal");
      await expectSettled();
      expect(await stateOf(server, LEAF)).toMatchObject({ state: "sealed" });
    }
    await run("backup");
    await kills.expectNothingLeft();
    const rows = await kills.backups.stored();
    for (const store of kills.tiers()) expect(await kills.backups.restored(store)).toEqual(rows);
  }, 600_000);

  test(`under a restore of a sealed leaf, at ${MENDS.points.length} of its steps`, async () => {
    const args = `restore --damaged --leaf ${LEAF} --tier warm --beyond-brakes killed-each-time`;
    await run("seal");
    // what comes now no object has
    await gone.add(LEAF, iso(SINCE));
    for (const [index, point] of MENDS.points.entries()) {
      await sync();
      await server.query(`
        begin; set local r3a.reopened = ',${LEAF},';
        update r3a.${LEAF} set close = close * 10 where coin_id = 1 and "timestamp" < '${iso(SINCE + 3 * MINUTE)}'; commit`);
      // the run waits for a server that ends while it reads the old table, and goes on
      await kills.killAt(point, args, () => end(index), [0, 75]);
      expect([point.name, await countRows()]).toEqual([point.name, ALL()]);
      await sync();
      await run(args);
      await expectSettled();
    }
    await run("seal");
    await expectSettled();
    await run("backup");
    await kills.expectNothingLeft();
  }, 600_000);
});
