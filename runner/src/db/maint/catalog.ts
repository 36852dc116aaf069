import { QUARANTINE_SCHEMA } from "../../contract/names.ts";
import type { Catalog, IndexWork, LedgerOp } from "../../maint/maint-plan.ts";
import type { Quarantined } from "../../maint/quarantine-plan.ts";
import { DESIRED } from "../../partition/desired.ts";
import { LEAVES, type LeafRow, toAttached } from "../attached-leaves.ts";
import type { OwnClient } from "../session.ts";
import { msOf } from "../sql-time.ts";
import { LEDGER_DUE } from "./ledger.ts";

const INDEX_WORK = `
  select attempts, rank, op, table_name as "table", object, sql, is_concurrent as "isConcurrent", builder
  from r3a_util.maint_index_plan($1, $2, to_regclass($3)) with ordinality as p order by p.ordinality`;

const STANDALONE = `
  select c.relname as name from pg_class c
  where c.relnamespace = 'r3a'::regnamespace and c.relkind = 'r' and not c.relispartition and c.relname like 'ohlcv\\_%'
  order by 1`;

const STRANGERS = `
  select x.indexrelid::regclass::text as name from r3a_util.candle_index x join r3a_util.candle_table t on t.oid = x.indrelid
  where not x.indisvalid and x.indexrelid not in (select w.indexrelid from r3a_util.wanted_index() w where w.indexrelid is not null)
    and not exists (select from pg_locks l where l.locktype = 'relation' and l.relation = x.indrelid and l.granted
      and l.mode = 'ShareUpdateExclusiveLock' and l.database = (select oid from pg_database where datname = current_database()))
  order by 1`;

/** Without a swap there is no such schema, and nothing to find. */
const QUARANTINE = `
  select coalesce(q.table_name, c.name) as name, ${msOf("q.moved_at")} as "movedAt", c.name is not null as "isThere"
  from r3a.quarantine q
  full join (
    select relname::text as name from pg_class
    where relnamespace = to_regnamespace('${QUARANTINE_SCHEMA}') and relkind in ('r', 'p')
  ) c on c.name = q.table_name
  order by q.moved_at, 1`;

/** The table of the notes: a look at it is one at the schema quarantine. */
export const QUARANTINE_NOTES = "r3a.quarantine";

const ATTEMPTS = `select object, attempts from r3a_util.maint_attempt`;

/**
 * The catalog as maint looks at it. With `only` (a table with its schema) just that table's part, for a look before and
 * after an operation. Nothing here locks a leaf.
 */
export async function readCatalog(client: OwnClient, only: string | null = null): Promise<Catalog> {
  const work = await client.query<IndexWork>(INDEX_WORK, [
    DESIRED.pagesPerRange,
    DESIRED.openFillfactor,
    only,
  ]);
  const leaves = await client.query<LeafRow>(LEAVES, [only]);
  const standalone = only === null ? await client.query<{ name: string }>(STANDALONE) : [];
  const strangers = only === null ? await client.query<{ name: string }>(STRANGERS) : [];
  const quarantine =
    only === null || only === QUARANTINE_NOTES ? await client.query<Quarantined>(QUARANTINE) : [];
  const attempts = await client.query<{ object: string; attempts: number }>(ATTEMPTS);
  const ledger = await client.query<{ op: LedgerOp }>(LEDGER_DUE);
  return {
    indexWork: work,
    leaves: leaves.map(toAttached),
    standalone: standalone.map(({ name }) => name),
    strangers: strangers.map(({ name }) => name),
    attempts: new Map(attempts.map((row) => [row.object, row.attempts])),
    quarantine,
    ledger: ledger.map(({ op }) => op),
  };
}
