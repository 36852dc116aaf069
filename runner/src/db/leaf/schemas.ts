import pg from "pg";
import { SettingsFault } from "../../errors.ts";
import { codeOf } from "../fault.ts";
import type { OwnClient } from "../session.ts";
import { INSUFFICIENT_PRIVILEGE } from "../sqlstate.ts";

const FIND = `
  select to_regnamespace($1) is not null as "isThere", quote_ident(pg_get_userbyid(relowner)) as owner,
         quote_ident(current_database()) as "database"
  from pg_class where oid = 'r3a.ohlcv_partitioned'::regclass`;

/**
 * Makes a schema for the owner of the candle table, where there is none. `create schema if not exists` alone would need the
 * right to make schemas each time.
 */
export async function ensureSchema(client: OwnClient, name: string): Promise<void> {
  const [found] = await client.query<{ isThere: boolean; owner: string; database: string }>(FIND, [name]);
  if (found === undefined || found.isThere) return;
  await client
    .query(`create schema if not exists ${pg.escapeIdentifier(name)} authorization ${found.owner}`)
    .catch((error: unknown) => {
      if (codeOf(error) !== INSUFFICIENT_PRIVILEGE) throw error;
      throw new SettingsFault(
        [
          `the schema ${name} is missing, and the role of DB_URL may not make it: take the owner's role (docs/database.md), or as the owner of the database: grant create on database ${found.database} to ${found.owner}`,
        ],
        { cause: error },
      );
    });
}
