import { expect } from "vitest";
import { openDatabase } from "../../../runner/src/db/connect.ts";
import { ensureLeaf } from "../../../runner/src/db/leaves.ts";
import { readCatalog } from "../../../runner/src/db/maint/catalog.ts";
import { own } from "../../../runner/src/db/session.ts";
import { type MaintPlan, planMaint } from "../../../runner/src/maint/maint-plan.ts";
import { listLeavesAhead } from "../../../runner/src/partition/desired.ts";
import { type Leaf, listLeavesOf } from "../../../runner/src/partition/layout.ts";
import type { UsedDatabase } from "../database/database.ts";

/** Databases whose indexes are not what they should be, as crashes and interrupted migrations leave them. */

/** The leaves that maint wants, and those of some months before. */
export async function makeLeaves(database: UsedDatabase, monthsBack: number): Promise<readonly Leaf[]> {
  const now = Date.now();
  const past = { from: now - monthsBack * 30 * 86_400_000, to: now };
  const each = [...listLeavesOf("1m", past), ...listLeavesOf("15m", past), ...listLeavesAhead(now)];
  const leaves = [...new Map(each.map((leaf) => [leaf.name, leaf])).values()];
  const db = openDatabase(database.url, "test");
  try {
    for (const leaf of leaves) await ensureLeaf(db, leaf);
  } finally {
    await db.pool.end();
  }
  return leaves;
}

/** Takes both indexes off the whole tree; parents get them back without their leaves, to as deep a level as said. */
export async function stripIndexes(database: UsedDatabase, depth: 0 | 1 | 2): Promise<void> {
  const { root } = await findRootIndexes(database);
  await database.query(`alter table r3a.ohlcv_partitioned drop constraint ${root}`);
  await stripBrin(database);
  await addParentIndexes(database, depth);
}

export async function stripBrin(database: UsedDatabase): Promise<void> {
  await database.query(`drop index r3a.${(await findRootIndexes(database)).brin}`);
}

const CREATE = {
  pkey: (table: string) =>
    `alter table only r3a.ohlcv_${table} add constraint ohlcv_${table}_pkey primary key (coin_id, "interval", "timestamp")`,
  timestamp_idx: (table: string) =>
    `create index ohlcv_${table}_timestamp_idx on only r3a.ohlcv_${table} using brin ("timestamp")
     with (pages_per_range = 32, autosummarize = on)`,
};

/** Indexes of the parents alone: of none, of the root, of all and attached to each other. */
export async function addParentIndexes(
  database: UsedDatabase,
  depth: 0 | 1 | 2,
  kinds: readonly (keyof typeof CREATE)[] = ["pkey", "timestamp_idx"],
): Promise<void> {
  for (const table of ["partitioned", "1m", "15m", "1h", "slow"].slice(0, [0, 1, 5][depth])) {
    for (const kind of kinds) {
      await database.query(CREATE[kind](table));
      if (table === "partitioned") continue;
      await database.query(
        `alter index r3a.ohlcv_partitioned_${kind} attach partition r3a.ohlcv_${table}_${kind}`,
      );
    }
  }
}

async function findRootIndexes(database: UsedDatabase): Promise<{ root: string; brin: string }> {
  const rows = await database.query<{ name: string; isPrimary: boolean }>(
    `select c.relname as name, x.indisprimary as "isPrimary" from pg_index x join pg_class c on c.oid = x.indexrelid
     where x.indrelid = 'r3a.ohlcv_partitioned'::regclass`,
  );
  const of = (isPrimary: boolean) => rows.find((row) => row.isPrimary === isPrimary)?.name ?? "";
  return { root: of(true), brin: of(false) };
}

/**
 * Gives each leaf of a stripped tree one state per index: whole (as often as `whole` says), missing, built and not
 * attached, invalid in either of these, without its constraint, of other pages, or with a leftover of a REINDEX beside
 * it. A transaction for each leaf, since thousands of locks are more than a server has.
 */
const DAMAGE = (seed: number, whole: number) => `
  do $$
  declare
    t record; k text; name text; upper text; state integer; has_upper boolean; only_table text;
  begin
    perform setseed(${seed} / 1000.0);
    for t in select leaf::text as leaf, parent::text as parent from r3a_util.leaf_partitions() order by 1 loop
      foreach k in array array['pkey', 'timestamp_idx'] loop
        name := t.leaf || '_' || k;
        upper := t.parent || '_' || k;
        has_upper := to_regclass(upper) is not null;
        state := case when random() < ${whole} then 0 else 1 + floor(random() * 6)::integer end;
        continue when state = 1;
        if k = 'pkey' then
          execute format('create unique index %s on %s (coin_id, "interval", "timestamp")', split_part(name, '.', 2), t.leaf);
          if state <> 5 then
            execute format('alter table %s add constraint %s primary key using index %2$s', t.leaf, split_part(name, '.', 2));
          end if;
        else
          execute format('create index %s on %s using brin ("timestamp") with (pages_per_range = %s, autosummarize = on)',
                         split_part(name, '.', 2), t.leaf, case when state = 5 then 128 else 32 end);
        end if;
        if has_upper and (state in (0, 4, 6) or state = 5 and k = 'timestamp_idx') then
          execute format('alter index %s attach partition %s', upper, name);
        end if;
        if state = 6 then
          execute format('create index %s on %s (coin_id)', split_part(name, '.', 2) || '_ccnew', t.leaf);
          update pg_index set indisvalid = false where indexrelid = to_regclass(name || '_ccnew');
        end if;
        if state in (3, 4) then
          update pg_index set indisvalid = false, indisready = (random() < 0.5) where indexrelid = to_regclass(name);
        end if;
      end loop;
      commit;
    end loop;
  end $$`;

export async function damageIndexes(database: UsedDatabase, seed: number, whole = 0.3): Promise<void> {
  await database.query(DAMAGE(seed, whole));
}

export async function planOf(database: UsedDatabase): Promise<MaintPlan> {
  const db = openDatabase(database.url, "test");
  try {
    return await own(db, new AbortController().signal, async (client) =>
      planMaint(await readCatalog(client), Date.now()),
    );
  } finally {
    await db.pool.end();
  }
}

const WRONG = `
  with recursive tree (oid, kind) as (
    select 'r3a.ohlcv_partitioned'::regclass::oid, 'p'::"char"
    union all
    select i.inhrelid, c.relkind from tree t join pg_inherits i on i.inhparent = t.oid join pg_class c on c.oid = i.inhrelid
  )
  select t.oid::regclass::text as "table", count(x.indexrelid)::int as indexes, count(*) filter (where x.indisvalid)::int as valid,
         count(*) filter (where x.indisprimary)::int as keys,
         count(*) filter (where i.inhrelid is not null)::int as attached
  from tree t left join pg_index x on x.indrelid = t.oid left join pg_inherits i on i.inhrelid = x.indexrelid
  group by t.oid having count(x.indexrelid) <> 2 or not bool_and(x.indisvalid) or count(*) filter (where x.indisprimary) <> 1
    or count(*) filter (where i.inhrelid is not null) <> case when t.oid = 'r3a.ohlcv_partitioned'::regclass then 0 else 2 end`;

/** Said without any code of maint: two valid indexes on each table, one the primary key, each a part of its parent's. */
export async function expectWholeIndexes(database: UsedDatabase): Promise<void> {
  expect(await database.query(WRONG)).toEqual([]);
}
