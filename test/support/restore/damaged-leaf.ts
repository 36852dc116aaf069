import { beforeAll, expect } from "vitest";
import { leafAt } from "../../../runner/src/partition/layout.ts";
import { backupSettings } from "../backup/each-way.ts";
import { expectExit, iso, MINUTE } from "../candle/series.ts";
import { expectResult, type Result } from "../result-json.ts";
import type { World } from "../world.ts";

/** The clock of the exchange, and since when candles are synced. */
export const END = Date.parse("2024-05-10T12:00:00Z");
export const SINCE = END - 600 * MINUTE;
export const LEAF = leafAt("1m", END).name;
export const SYMBOLS = ["BTCUSDT", "ETHUSDT"];

/**
 * Registers hooks that sync one leaf of two symbols from the simulated exchange (its clock at END) and back it up. The tests
 * damage it, and mend it.
 */
export function useDamagedLeaf(world: World) {
  const env: Record<string, string> = { FALLBACK_START: iso(SINCE), SYMBOLS: SYMBOLS.join(",") };
  const run = async (
    args: string,
    code = 0,
    more: Readonly<Record<string, string>> = {},
  ): Promise<Result> => {
    const ended = await world.run(`${args} --json`, { ...env, ...more });
    expectExit(ended, code);
    return expectResult(ended);
  };
  beforeAll(async () => {
    Object.assign(env, await backupSettings());
    await run("sync 1m");
    await run("backup");
  });
  const passTo = (minute: number) =>
    world.exchange.set({ clock: { fixedMs: END + minute * MINUTE + 30_000 } });
  return {
    ...{ env, run, passTo },
    sync: () => run("sync 1m"),
    mend: (args = "", code = 0, more: Readonly<Record<string, string>> = {}) =>
      run(`restore --damaged${args}`, code, more),
    /** Every candle is that of the exchange, up to so many minutes after END. */
    async expectTruth(minutes = 0) {
      for (const symbol of SYMBOLS)
        expect(await world.stored(symbol, "1m")).toEqual(
          world.truth(symbol, "1m", SINCE, END + minutes * MINUTE),
        );
    },
    at: (minute: number) => iso(SINCE + minute * MINUTE),
    quarantined: () =>
      world.database.query<{ table_name: string; why: string }>(
        "select table_name, why from r3a.quarantine order by moved_at",
      ),
    states: () => world.database.query("select leaf, state, note from r3a.leaf_state order by leaf"),
  };
}
