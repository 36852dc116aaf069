import { type Database, queryRows, withClient } from "../connect.ts";

/** A row of the old table of coins, both columns as text; in old tables either can be null. */
export type OldCoin = { readonly id: string | null; readonly symbol: string | null };

const COLUMNS = `
  select attname as name from pg_attribute where attrelid = to_regclass($1) and attnum > 0 and not attisdropped
  and attname in ('id', 'coin_id', 'symbol') order by attname = 'id' desc`;

const LIST_COIN_NAMES = `select id, symbol from r3a.coin`;

/** Rows of a table with the columns `id` (or `coin_id`) and `symbol`; null if there is no such table. */
export async function readOldCoins(db: Database, table: string): Promise<readonly OldCoin[] | null> {
  return withClient(db, async (client) => {
    const columns = (await client.query<{ name: string }>(COLUMNS, [table])).rows.map(({ name }) => name);
    const id = columns.find((name) => name !== "symbol");
    if (id === undefined || !columns.includes("symbol")) return null;
    const { rows } = await client.query<OldCoin>(
      `select ${id}::text as id, symbol::text as symbol from ${table}`,
    );
    return rows;
  });
}

/** Symbols by id, from the new table of coins. */
export async function listCoinNames(db: Database): Promise<ReadonlyMap<number, string>> {
  const rows = await queryRows<{ id: number; symbol: string }>(db, LIST_COIN_NAMES);
  return new Map(rows.map(({ id, symbol }) => [id, symbol]));
}
