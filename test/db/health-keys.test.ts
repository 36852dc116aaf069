import { expect, test } from "vitest";
import { WANTED_KEYS } from "../../runner/src/db/health/keys.ts";
import { resultFor, useSyncedDatabase } from "../support/health/synced-database.ts";

const { database, expectBad } = useSyncedDatabase();

const MADE_KEYS = `
  select c.conrelid::regclass::text as name, case when c.contype = 'p' then 'primary key' when i.indnullsnotdistinct then 'unique nulls not distinct' else 'unique' end as kind,
         (select string_agg(a.attname, ' ' order by o) from unnest(c.conkey) with ordinality as u (n, o)
          join pg_attribute a on a.attrelid = c.conrelid and a.attnum = n) as columns
  from pg_constraint c join pg_index i on i.indexrelid = c.conindid
  where c.contype in ('p', 'u') and c.connamespace in ('r3a'::regnamespace, 'r3a_util'::regnamespace)
    and c.conrelid not in (select oid from r3a_util.candle_table)`;

test("the list of the keys is what the migrations make", async () => {
  const made = await database.query<{ name: string; kind: string; columns: string }>(MADE_KEYS);
  expect(made.map(({ name, kind, columns }) => `${name} ${kind} ${columns}`).toSorted()).toEqual(
    WANTED_KEYS.map((key) => key.join(" ")).toSorted(),
  );
});

test.each([
  ["coin_symbol_key", "r3a.coin", "unique", "symbol"],
  ["series_pkey", "r3a.series", "primary key", 'coin_id, "interval"'],
  [
    "backup_use_backup_id_key_leaf_table_name_key",
    "r3a.backup_use",
    "unique nulls not distinct",
    "backup_id, key, leaf, table_name",
  ],
])(
  "a table without its key %s is named with the statement that mends it",
  async (key, table, kind, columns) => {
    const statement = `alter table ${table} add ${kind} (${columns})`;
    const report = await expectBad(`alter table ${table} drop constraint ${key}`, statement, [
      "integrity constraints: fail",
    ]);
    expect(resultFor(report, "integrity constraints")?.names).toEqual([
      `${table} has no key on ${columns}: ${statement}`,
    ]);
  },
);
