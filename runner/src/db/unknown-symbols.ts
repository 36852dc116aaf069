import { nearestSymbol } from "../candle/nearest-name.ts";
import { UsageFault } from "../errors.ts";
import { findCoins, listStored } from "./coins.ts";
import type { Database } from "./connect.ts";

/** Throws where one of the names is no coin of this database; null stands for all coins. */
export async function refuseUnknown(db: Database, symbols: readonly string[] | null): Promise<void> {
  if (symbols === null) return;
  const coins = await findCoins(db, symbols);
  await refuseNames(
    db,
    symbols.filter((name) => !coins.some(({ symbol }) => symbol === name)),
  );
}

/** Throws where there is a name: nothing is stored of any of them. The error says of each which stored one is near. */
export async function refuseNames(db: Database, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  const stored = await listStored(db);
  throw new UsageFault(
    names.map((name) => {
      const near = nearestSymbol(name, stored) ?? stored.find((other) => other.startsWith(name));
      return near === undefined
        ? `nothing is stored of ${name}; sync or backfill it first`
        : `nothing is stored of ${name}; did you mean ${near}?`;
    }),
  );
}
