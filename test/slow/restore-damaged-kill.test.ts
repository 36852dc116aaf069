import { describe, expect, test } from "vitest";
import { leafAt } from "../../runner/src/partition/layout.ts";
import { useKills } from "../support/backup/kills.ts";
import { expectExit, iso, MINUTE } from "../support/candle/series.ts";
import { useQuietServer } from "../support/database/quiet-server.ts";
import { expectNoLeftOvers } from "../support/leaf/left-overs.ts";
import { MEND } from "../support/restore/mend-kill-points.ts";
import { runRunner } from "../support/runner.ts";
import { findGateway } from "../support/store/gateway.ts";
import { useWorld } from "../support/world.ts";

/** kill -9 at each step of `restore --damaged`: nothing is lost, nobody sees half a leaf, and the next run leaves nothing. */

const gateway = await findGateway();
const END = Date.parse("2024-05-10T12:00:00Z");
const SINCE = END - 120 * MINUTE;
const LEAF = leafAt("1m", END).name;
const SYMBOLS = ["BTCUSDT", "ETHUSDT"];
/**
 * A quarter of the points, by a seed that changes each day: all of them take half a minute. R3A_KILL_SEED takes the seed of
 * another run, and all takes every point.
 */
const SEED = process.env.R3A_KILL_SEED ?? String(Math.floor(Date.now() / 86_400_000) % 4);
const POINTS = MEND.filter((_, index) => SEED === "all" || index % 4 === Number(SEED));
const title = `kill -9 of restore --damaged, seed ${SEED} ${"missing" in gateway ? gateway.missing : ""}`;

describe.skipIf("missing" in gateway)(title, () => {
  const database = useQuietServer();
  const world = useWorld({ clock: { fixedMs: END + 30_000 } }, database);
  const settings = () => ({
    EXCHANGE_URL: world.exchange.url,
    SYMBOLS: SYMBOLS.join(","),
    FALLBACK_START: iso(SINCE),
  });
  const kills = useKills(database, gateway, settings);
  const sync = async (minute: number) => {
    world.exchange.set({ clock: { fixedMs: END + minute * MINUTE + 30_000 } });
    expectExit(await runRunner(["sync", "1m"], { ...kills.env(), DB_URL: database.url }), 0);
  };

  test(`at ${POINTS.length} of its steps`, async () => {
    expect(POINTS.length).toBeGreaterThan(6);
    const stores = kills.tiers();
    await sync(0);
    await kills.backups.run("daily", { stores });
    await sync(4);
    await kills.backups.run("delta", { stores });
    const args = `restore --damaged --leaf ${LEAF} --tier warm --beyond-brakes killed-each-time`;
    let minute = 4;
    for (const [index, point] of POINTS.entries()) {
      await database.query(`
        begin; set local r3a.reopened = ',${LEAF},';
        update r3a.${LEAF} set close = close * 10 where coin_id = 1 and "timestamp" < '${iso(SINCE + 3 * MINUTE)}' and close <= high; commit`);
      await kills.killAt(point, args);
      const [row] = await database.query<{ n: number }>(
        `select count(*)::int as n from r3a.ohlcv_partitioned`,
      );
      expect([point.name, row?.n]).toEqual([point.name, 2 * (120 + minute)]);
      if (index % 3 !== 0) continue;
      // a job that finds the leaf as the killed run left it
      minute += 1;
      await sync(minute);
    }
    expectExit(await runRunner(args.split(" "), kills.env()), 0);
    for (const symbol of SYMBOLS)
      expect(await world.stored(symbol, "1m")).toEqual(
        world.truth(symbol, "1m", SINCE, END + minute * MINUTE),
      );
    await expectNoLeftOvers(database);
    expect(await database.query("select from r3a.leaf_state")).toEqual([]);
    expect(await database.query("select from r3a.ohlcv_gap_log where state <> 'repaired'")).toEqual([]);
    await kills.expectNothingLeft();
  }, 600_000);
});
