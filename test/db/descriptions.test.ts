import { expect, test } from "vitest";
import { readDescriptions } from "../../dev/docs/dictionary.ts";
import { useDatabase } from "../support/database/database.ts";

const database = useDatabase();

/**
 * Every object of the two schemas that a person can query, and what it says of itself; the names as statements have them.
 * Of a partition the table alone, since its columns are the parent's, and of a leaf nothing.
 */
const DESCRIBED = `
  with ours as (select oid, nspname from pg_namespace where nspname in ('r3a', 'r3a_util')),
  relation as (
    select c.*, format('%s.%s', o.nspname, c.relname) as name, case c.relkind when 'v' then 'view' else 'table' end as kind
    from pg_class c join ours o on o.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'm', 'f') and not (c.relispartition and c.relkind = 'r')
  )
  select kind, name, obj_description(oid, 'pg_class') as text from relation
  union all
  select 'column', format('%s.%s', r.name, a.attname), col_description(r.oid, a.attnum)
  from relation r join pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped where not r.relispartition
  union all
  select 'function', format('%s.%s(%s)', o.nspname, p.proname,
           (select string_agg(format_type(t, null), ', ' order by n) from unnest(p.proargtypes) with ordinality as u (t, n))),
         obj_description(p.oid, 'pg_proc')
  from pg_proc p join ours o on o.oid = p.pronamespace`;

test("each table, view, column and function is described, and the dictionary has just these descriptions", async () => {
  await database.query("select r3a_util.make_leaf('ohlcv_1m', '2024-01-01 00:00+00', '{}')");
  const stored = await database.query<{ kind: string; name: string; text: string | null }>(DESCRIBED);
  expect(stored.filter(({ text }) => text === null).map(({ kind, name }) => `${kind} ${name}`)).toEqual([]);
  const lineOf = ({ kind, name, text }: { kind: string; name: string; text: string | null }) =>
    `${kind} ${name.replaceAll("timestamp with time zone", "timestamptz")}: ${text}`;
  expect((await readDescriptions()).map(lineOf).toSorted()).toEqual(stored.map(lineOf).toSorted());
  expect(stored.length).toBeGreaterThan(200);
});

test("a description is a sentence or more of plain words", async () => {
  const all = await readDescriptions();
  expect(all.filter(({ text }) => !/^\S.*\.$/.test(text)).map(({ name }) => name)).toEqual([]);
});
