import { SettingsFault } from "../errors.ts";
import { type Database, queryRows, withClient } from "./connect.ts";

const CLAIM_ORIGIN = `insert into r3a.origin (exchange) values ($1) on conflict do nothing`;

/**
 * An address counts as known once its candles were compared with stored ones, or while no other address was ever used.
 * Where two addresses began together on an empty database, both are compared as soon as there are candles.
 */
const FIND_ORIGIN = `
  select (select exchange from r3a.origin) as exchange,
         exists (select from r3a.exchange_source s where s.address = $1
           and (s.compared_at is not null
             or not exists (select from r3a.exchange_source o where o.address <> s.address))) as "isKnown"`;

/** Which exchange filled the database, null where none did, and whether `address` is known to be this exchange. */
type StoredOrigin = { readonly exchange: string | null; readonly isKnown: boolean };

/**
 * Host and path of EXCHANGE_URL: the program that answers there is one source of candles, by whichever protocol it is
 * reached.
 */
export function addressOf(exchangeUrl: string): string {
  const { host, pathname } = new URL(exchangeUrl);
  return `${host}${pathname.replace(/\/+$/, "")}`.toLowerCase().slice(0, 500);
}

/** What the database knows of its exchange and of the address of the candles. */
export async function findOrigin(db: Database, address: string): Promise<StoredOrigin> {
  const rows = await queryRows<StoredOrigin>(db, FIND_ORIGIN, [address]);
  return rows[0] ?? { exchange: null, isKnown: false };
}

/**
 * Marks a database that nobody has filled yet. Two processes may mark it at the same time: the row that is there first
 * counts.
 */
export async function claimOrigin(db: Database, origin: string, address: string): Promise<void> {
  await withClient(db, (client) => client.query(CLAIM_ORIGIN, [origin]));
  refuseOther((await findOrigin(db, address)).exchange, origin);
}

/** Refuses a database that carries the mark of another exchange. */
export function refuseOther(stored: string | null, origin: string): void {
  if (stored === null || stored === origin) return;
  throw new SettingsFault([
    `EXCHANGE_URL answers as ${origin}, but DB_URL is a database filled from ${stored}: use a database of its own for each`,
  ]);
}
