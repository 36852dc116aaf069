import { realpathSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { SIMULATED_ENDING } from "../../runner/src/contract/names.ts";
import { hasData, homeOf } from "../postgres/place.ts";

/** The local databases of a clone: a real market's candles and made-up ones never lie in the same one. */
export type Kind = "binance" | "simulated";
/** The real one first: where both are there, it is the one that is read. */
const KINDS: readonly Kind[] = ["binance", "simulated"];

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** The name of a kind's database: that of made-up candles shows in psql and in each URL. */
export function databaseOf(kind: Kind): string {
  return kind === "simulated" ? `r3a${SIMULATED_ENDING}` : "r3a";
}

/** The port of a kind's server where it is free, so that a saved connection works again. */
export const PORT_OF: Readonly<Record<Kind, number>> = { binance: 54_329, simulated: 54_330 };

/** The folder of a database: under R3A_DATA, by default under .r3a of the clone. */
export function folderOf(kind: Kind): string {
  return join(process.env.R3A_DATA || join(ROOT, ".r3a"), kind);
}

/** Where the data of a folder that is there truly lie: as root not in the folder. */
export function dataOf(kind: Kind): string {
  return homeOf(realpathSync(folderOf(kind)));
}

/** The databases that are there. */
export function listExisting(): readonly Kind[] {
  return KINDS.filter((kind) => hasData(folderOf(kind)));
}

export const ABOUT: Readonly<Record<Kind, string>> = {
  binance: "candles of Binance",
  simulated: "made-up candles of the simulated exchange",
};
