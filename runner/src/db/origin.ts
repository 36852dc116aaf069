import { SettingsFault } from "../errors.ts";
import { type Database, withClient } from "./connect.ts";

const CLAIM_ORIGIN = `insert into r3a.origin (exchange) values ($1) on conflict do nothing`;
const FIND_ORIGIN = `select exchange from r3a.origin`;

/**
 * Refuses a database that another exchange has filled; marks one that nobody has filled yet, unless `isReadOnly`.
 * Two processes may mark at once: the row that is there afterwards counts for both.
 */
export async function checkOrigin(db: Database, origin: string, isReadOnly: boolean): Promise<void> {
  await withClient(db, async (client) => {
    const find = async () => (await client.query<{ exchange: string }>(FIND_ORIGIN)).rows[0]?.exchange;
    let stored = await find();
    if (stored === undefined && !isReadOnly) {
      await client.query(CLAIM_ORIGIN, [origin]);
      stored = await find();
    }
    if (stored !== undefined && stored !== origin) {
      throw new SettingsFault([
        `EXCHANGE_URL answers as ${origin}, but DB_URL is a database filled from ${stored}: use a database of its own for each`,
      ]);
    }
  });
}
