import { test } from "vitest";
import { backUpEachWay } from "./backup/each-way.ts";
import { useDatabase } from "./database/database.ts";
import { drillEachWay } from "./drill/each-way.ts";
import { restoreEachWay } from "./restore/each-way.ts";
import type { Result } from "./result-json.ts";
import { scrubEachWay } from "./scrub-each-way.ts";
import { sealEachWay } from "./seal/each-way.ts";
import type { World } from "./world.ts";

type Tools = {
  readonly world: World;
  /** A moment of the candles that are stored. */
  readonly ms: number;
  readonly run: (args: string, exit: number, more: Readonly<Record<string, string>>) => Promise<Result>;
  readonly seen: Result[];
};

/** Registers tests that see every form of the results of backup, scrub, seal, restore and drill. */
export function testTiersEachWay({ world, ms, run, seen }: Tools): void {
  const empty = useDatabase();
  test("backup", () => backUpEachWay(world.database.url, run), 120_000);
  test("seal", () => sealEachWay(world.database.url, run), 120_000);
  test("scrub", () => scrubEachWay(world.database.url, run));
  test("restore", async () => void seen.push(...(await restoreEachWay(world, ms))));
  test("drill", () => drillEachWay(empty.url, run), 120_000);
}
