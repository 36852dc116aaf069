import type { AttachedLeaf } from "../../partition/attached.ts";
import { LEAVES, type LeafRow, toAttached } from "../attached-leaves.ts";
import { onlyRow } from "../only-row.ts";
import type { Reader } from "../session.ts";

/** The names of the DEFAULT partitions on both levels. */
const DEFAULTS = `
  select c.relname as name
  from pg_partitioned_table t join pg_class c on c.oid = t.partdefid
  where t.partrelid = 'r3a.ohlcv_partitioned'::regclass
     or t.partrelid in (select inhrelid from pg_inherits where inhparent = 'r3a.ohlcv_partitioned'::regclass)
  order by 1`;

/** The tables that are attached below the candle table. Names are without the schema. */
export type Attached = { readonly leaves: readonly AttachedLeaf[]; readonly defaults: readonly string[] };

export async function listAttached(client: Reader): Promise<Attached> {
  const leaves = await client.query<LeafRow>(LEAVES, [null]);
  const defaults = await client.query<{ name: string }>(DEFAULTS);
  return { leaves: leaves.rows.map(toAttached), defaults: defaults.rows.map(({ name }) => name) };
}

const DETACHING = `select inhrelid::regclass::text as name from pg_inherits where inhdetachpending order by 1`;

/** The partitions whose DETACH CONCURRENTLY was cut off. Names are with the schema. */
export async function listDetaching(client: Reader): Promise<readonly string[]> {
  return (await client.query<{ name: string }>(DETACHING)).rows.map(({ name }) => name);
}

const AGES = `
  select age(datfrozenxid) as transactions, mxid_age(datminmxid) as multixacts from pg_database
  where datname = current_database()`;

/** The age of the oldest transaction number, and of the oldest multixact number, in the database. */
export type Ages = { readonly transactions: number; readonly multixacts: number };

export async function readAges(client: Reader): Promise<Ages> {
  return onlyRow((await client.query<Ages>(AGES)).rows);
}
