import type { Finding } from "../../../restore/mend/mend-plan.ts";
import { listDamage } from "../../leaf/damage-rows.ts";
import { judgeCatalog, listCatalog } from "../../leaf/leaf-catalog.ts";
import { onlyRow } from "../../only-row.ts";
import type { OwnClient } from "../../session.ts";
import { msOf } from "../../sql-time.ts";

const LIST_SUSPECTS = `
  select leaf, 'suspects' as detector, format('%s candles are suspect since a backup', count(*)) as detail from r3a.backup_suspect
  where state = 'open' and ($1::text is null or leaf = $1) group by leaf order by leaf`;

/**
 * What is known to be damaged, of one leaf or (null) of all: what the catalog says at this moment, what backups suspect, and
 * what a scrub or another command found.
 */
export async function listFindings(client: OwnClient, leaf: string | null): Promise<readonly Finding[]> {
  const catalog = await listCatalog(client, leaf);
  const suspects = await client.query<Finding>(LIST_SUSPECTS, [leaf]);
  const damage = await listDamage(client, leaf);
  return [
    ...catalog.flatMap((each) => judgeCatalog(each).map((finding) => ({ ...finding, leaf: each.name }))),
    ...suspects,
    ...damage,
  ];
}

/** As of the ledger of backups and of the quarantine; `bytes` of the table as it is, 0 where none is there. */
export type LeafFacts = {
  readonly name: string;
  readonly rows: number;
  readonly bytes: number;
  readonly mendedAt: number | null;
};

/** $2: how a swap by restore says why. pg_class knows the size also of a file that is gone. */
const READ_FACTS = `
  select n.name,
         (select coalesce(sum(p.rows), 0)::float8 from r3a.backup_part p where p.leaf = n.name) as rows,
         (select coalesce(sum(c.relpages), 0)::float8 * current_setting('block_size')::int from pg_class t
          join pg_class c on c.oid = t.oid or c.oid in (select indexrelid from pg_index where indrelid = t.oid)
          where t.oid = to_regclass(format('r3a.%I', n.name))) as bytes,
         (select ${msOf("max(q.moved_at)")} from r3a.quarantine q where q.leaf = n.name and starts_with(q.why, $2)) as "mendedAt"
  from unnest($1::text[]) with ordinality as n (name, place) order by n.place`;

/** In the order of `names`. */
export async function readFacts(client: OwnClient, names: readonly string[]): Promise<readonly LeafFacts[]> {
  return client.query<LeafFacts>(READ_FACTS, [names, MENDED]);
}

/** How r3a.quarantine says that a restore moved a table there; the detectors follow. */
export const MENDED = "damaged: ";

const READ_SIZES = `
  select (select coalesce(sum(rows), 0)::float8 from r3a.backup_part) as "allRows",
         pg_database_size(current_database())::float8 as bytes, ${msOf("now()")} as now`;

/** Candles of all leaves that the backups know, the size of the database in bytes, and the clock of the server. */
export async function readSizes(
  client: OwnClient,
): Promise<{ readonly allRows: number; readonly bytes: number; readonly now: number }> {
  return onlyRow(await client.query<{ allRows: number; bytes: number; now: number }>(READ_SIZES));
}

const CLOSE_DAMAGE = `
  update r3a.leaf_damage set state = 'mended', closed_at = now(), closed_run = $2 where leaf = $1 and state = 'open'`;
/** What is restored is the version that was believed. */
const CLOSE_SUSPECTS = `
  update r3a.backup_suspect set state = 'gone', closed_at = now() where leaf = $1 and state = 'open'`;

/** In the transaction of the swap: nothing of what was found is true of the restored table. */
export async function closeFindings(client: OwnClient, leaf: string, runId: string): Promise<void> {
  await client.query(CLOSE_DAMAGE, [leaf, runId]);
  await client.query(CLOSE_SUSPECTS, [leaf]);
}
