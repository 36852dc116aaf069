import { execFile } from "node:child_process";
import { mkdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, expect } from "vitest";
import { leafAt } from "../../../runner/src/partition/layout.ts";
import { newKey } from "../backup/object.ts";
import { DAY, expectExit, HOUR, iso, MINUTE, outputOf } from "../candle/series.ts";
import { useQuietServer } from "../database/quiet-server.ts";
import type { ServerVariant } from "../database/seed.ts";
import { temporaryFolder } from "../folder.ts";
import { expectResult } from "../result-json.ts";
import type { RunResult } from "../runner.ts";
import { useWorld } from "../world.ts";

/** The clock of the exchange when the backups are made: noon of the first day of a month. */
const END = Date.parse("2024-07-01T12:00:00Z");
const SINCE = END - 36 * HOUR;
const MONTH = Date.parse("2024-07-01T00:00:00Z");
export const LEAVES = { sealed: leafAt("1m", SINCE).name, open: leafAt("1m", END).name } as const;
export type LeafKind = keyof typeof LEAVES;
/** Where BTCUSDT has 700 candles in a row. */
export const FROM: Readonly<Record<LeafKind, string>> = { sealed: iso(MONTH - DAY), open: iso(MONTH) };

const SYMBOLS = ["BTCUSDT", "ETHUSDT"];
/** Candles that the exchange said otherwise at first. */
const REVISED = { sealed: MONTH - HOUR, open: MONTH + HOUR } as const;
const copy = (from: string, to: string) => promisify(execFile)("cp", ["-a", from, to]);

/**
 * Registers hooks that make, on a server of its own, a sealed month and one that goes on, of two symbols, with backups in two
 * tiers; the open leaf has revisions and candles that no backup has. `reset` brings all that back, as often as it is called.
 */
export function useDamagedWorld(variant: ServerVariant) {
  const server = useQuietServer(variant);
  const world = useWorld({ clock: { fixedMs: END + 30_000 } }, server);
  const env: Record<string, string> = { FALLBACK_START: iso(SINCE) };
  let [folder, kept, minutes] = ["", "", 0];
  const run = async (args: string, ...codes: readonly number[]): Promise<RunResult> => {
    const ended = await world.run(args, env);
    if (codes.length === 1) expectExit(ended, codes[0] ?? 0);
    else expect(codes, outputOf(ended)).toContain(ended.code);
    return ended;
  };
  const pass = (ms: number) => world.exchange.set({ clock: { fixedMs: ms + 30_000 } });
  const again = (kind: LeafKind) =>
    run(
      `backfill 1m --again --symbols ETHUSDT --from ${iso(REVISED[kind])} --to ${iso(REVISED[kind] + MINUTE)}`,
      0,
    );
  /** Asks for the candles of as many more minutes; codes: how the run may end. */
  const syncMore = async (more: number, ...codes: readonly number[]) => {
    minutes += more;
    pass(END + minutes * MINUTE);
    return run(`sync 1m --symbols ${SYMBOLS}`, ...codes);
  };
  const make = async () => {
    const { identity, recipient } = await newKey();
    folder = temporaryFolder();
    for (const name of ["hot", "warm", "spool"]) mkdirSync(join(folder, name));
    Object.assign(env, { BACKUP_HOT: `file://${folder}/hot`, BACKUP_WARM: `file://${folder}/warm` });
    Object.assign(env, {
      BACKUP_SPOOL: join(folder, "spool"),
      BACKUP_RECIPIENTS: recipient,
      BACKUP_IDENTITY: identity,
    });
    await server.query("create extension amcheck");
    const rows = Object.values(REVISED).map((openTime) => ({ openTime, field: 5, value: "1.5" }));
    world.exchange.addFault({ kind: "revise", symbol: "ETHUSDT", rows });
    await syncMore(0, 0);
    world.exchange.clearFaults();
    await again("sealed");
    await run("backup", 0);
    await run(`seal --leaf ${LEAVES.sealed}`, 0);
    expect(await server.query("select leaf, state from r3a.leaf_state")).toEqual([
      { leaf: LEAVES.sealed, state: "sealed" },
    ]);
    await run("backup --delta", 0);
    // what no backup has: a revision and 20 candles of each symbol
    await again("open");
    await syncMore(20, 0);
    kept = join(temporaryFolder(), "kept");
    mkdirSync(kept);
    await server.stop();
    await copy(server.place.dataDir, join(kept, "data"));
    await copy(folder, join(kept, "tiers"));
    await server.start();
  };
  beforeAll(make, 240_000);

  return {
    ...{ server, world, env, run, syncMore },
    async runJson(args: string, ...codes: readonly number[]) {
      return expectResult(await run(`${args} --json`, ...codes));
    },
    async reset() {
      // it may be recovering from a crash, and then it does not stop in order
      await server.halt();
      for (const [from, to] of [
        ["data", server.place.dataDir],
        ["tiers", folder],
      ] as const) {
        await rm(to, { recursive: true, force: true });
        await copy(join(kept, from), to);
      }
      minutes = 20;
      pass(END + minutes * MINUTE);
      await server.start();
    },
    /** Every series is what the exchange says of it until now, row by row, and nothing else. */
    async expectTruth() {
      const now = END + minutes * MINUTE;
      for (const symbol of SYMBOLS)
        expect(await world.stored(symbol, "1m"), symbol).toEqual(world.truth(symbol, "1m", SINCE, now));
    },
  };
}
export type DamagedWorld = ReturnType<typeof useDamagedWorld>;
