import { readFile } from "node:fs/promises";
import { listFiles, MIGRATIONS } from "../schema/schema.ts";
import { MADE } from "../schema/schema-objects.ts";
import type { OwnClient } from "../session.ts";
import { readCounters } from "./leaf-counters.ts";

/**
 * The schema as SQL that psql runs in an empty database where the roles exist: `psql -v ON_ERROR_STOP=1 -f`. The migrations
 * as this program has them, their names, the leaves, owners and rights. Data are loaded after it.
 */
export async function renderDdl(client: OwnClient): Promise<string> {
  const [made, leaves] = [MADE.map(({ name }) => name), [...(await readCounters(client)).keys()]];
  const statements = async (query: string, values: readonly (readonly string[])[] = []) =>
    (await client.query<{ line: string }>(query, values)).map(({ line }) => line);
  const lines = [
    "-- The schema of R3A: roles must exist, and the database must be empty.",
    "set client_encoding = 'UTF8'; set standard_conforming_strings = on; set timezone = 'UTC'; set datestyle = 'ISO, YMD';",
    "begin;",
    await renderMigrations(await listFiles()),
    "set local search_path = pg_catalog, pg_temp;",
    ...(await statements(APPLIED)),
    ...(await statements(LEAVES, [leaves])),
    ...(await statements(STORAGE, [leaves])),
    ...(await statements(OWNERS, [leaves, made])),
    ...(await statements(GRANTS, [leaves, made])),
    ...(await statements(DEFAULT_RIGHTS)),
    "commit;",
  ];
  return `${lines.join("\n")}\n`;
}

/** The migrations of these names, with the table that notes them, as SQL of one transaction. */
export async function renderMigrations(names: readonly string[]): Promise<string> {
  const texts = await Promise.all(names.map((name) => readFile(`${MIGRATIONS}/${name}.sql`, "utf8")));
  return [LEDGER, ...texts.map((text, index) => `-- ${names[index]}\n${text.trimEnd()}`)].join("\n");
}

/** As node-pg-migrate makes it before the first file. */
const LEDGER = `create schema r3a;
create table r3a.migration (id serial primary key, name varchar(255) not null, run_on timestamp not null);`;

const APPLIED = `
  select format('insert into r3a.migration (name, run_on) values (%L, %L);', name, run_on) as line from r3a.migration order by id`;

const SCHEMAS = `ours as (select oid, nspname, nspowner, nspacl from pg_namespace where nspname in ('r3a', 'r3a_util'))`;

/** $1: names of the leaves. A table that is none of them stands in no statement: nothing would make it. */
const OURS = `
  ${SCHEMAS},
  leaf as (
    select c.oid, c.relname, p.relname as parent, c.reloptions,
           substring(pg_get_expr(c.relpartbound, c.oid) from 'FROM [(]''([^'']+)''[)]') as "from"
    from pg_inherits l join pg_class p on p.oid = l.inhrelid join pg_inherits i on i.inhparent = p.oid join pg_class c on c.oid = i.inhrelid
    where l.inhparent = 'r3a.ohlcv_partitioned'::regclass and not i.inhdetachpending and c.relkind = 'r'
      and c.relnamespace = 'r3a'::regnamespace and c.relname = any($1::text[])
  )`;

/** A leaf by the function of the migrations, which knows the layout. */
const LEAVES = `
  with ${OURS} select format('select r3a_util.make_leaf(%L, %L, ''{}'');', parent, "from") as line from leaf order by parent, relname`;

const STORAGE = `
  with ${OURS} select format('alter table r3a.%I set (%s);', relname, array_to_string(reloptions, ', ')) as line
  from leaf where reloptions is not null order by relname`;

/** $2: the objects that the migrations make; beside them the leaves. `word`: as `alter` has it, `type`: as `grant` has it. */
const OBJECTS = `
  object as (
    select 'schema' as word, 'schema' as type, nspowner as owner, nspacl as acl, format('%I', nspname) as id, 0 as place
    from ours
    union all
    select case c.relkind when 'v' then 'view' when 'S' then 'sequence' else 'table' end,
           case c.relkind when 'S' then 'sequence' else 'table' end, c.relowner, c.relacl, format('%I.%I', o.nspname, c.relname), 1
    from pg_class c join ours o on o.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v') and (o.nspname || '.' || c.relname = any($2::text[]) or c.oid in (select oid from leaf))
       or c.relkind = 'S' and exists (
         select from pg_depend d join pg_class t on t.oid = d.refobjid join ours n on n.oid = t.relnamespace
         where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype in ('a', 'i') and n.nspname || '.' || t.relname = any($2::text[]))
    union all
    select case p.prokind when 'p' then 'procedure' else 'function' end, case p.prokind when 'p' then 'procedure' else 'function' end,
           p.proowner, p.proacl, format('%I.%I(%s)', o.nspname, p.proname, pg_get_function_identity_arguments(p.oid)), 2
    from pg_proc p join ours o on o.oid = p.pronamespace
    where format('%s.%s(%s)', o.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) = any($2::text[])
  ),
  who as (select oid, quote_ident(rolname) as name from pg_roles union all select 0, 'public')`;

/** A sequence belongs to the owner of its table. */
const OWNERS = `
  with ${OURS}, ${OBJECTS}
  select format('alter %s %s owner to %s;', o.word, o.id, w.name) as line
  from object o join who w on w.oid = o.owner where o.word <> 'sequence' order by o.place, o.id`;

/** Without a list of rights an object has the rights that the server gives to each new one. */
const GRANTS = `
  with ${OURS}, ${OBJECTS}
  select line from (
    select o.place, o.id, 0 as step, format('revoke all on %s %s from public;', o.type, o.id) as line
    from object o where o.acl is not null and o.place = 2
    union all
    select o.place, o.id, 1, format('grant %s on %s %s to %s%s;', string_agg(a.privilege_type, ', ' order by a.privilege_type), o.type, o.id,
           w.name, case when a.is_grantable then ' with grant option' else '' end)
    from object o cross join lateral aclexplode(o.acl) a join who w on w.oid = a.grantee
    where a.grantee <> o.owner group by o.place, o.id, o.type, w.name, a.is_grantable
    union all
    select 3, format('%s.%s', c.oid::regclass, t.attname), 2, format('grant %s (%I) on table %s to %s;', a.privilege_type, t.attname, c.oid::regclass, w.name)
    from pg_attribute t join pg_class c on c.oid = t.attrelid join ours o on o.oid = c.relnamespace
    cross join lateral aclexplode(t.attacl) a join who w on w.oid = a.grantee
    where o.nspname || '.' || c.relname = any($2::text[])
  ) g order by place, id, step, line`;

const DEFAULT_RIGHTS = `
  with ${SCHEMAS}, who as (select oid, quote_ident(rolname) as name from pg_roles union all select 0, 'public')
  select format('alter default privileges for role %s in schema %I grant %s on %s to %s;', r.name, o.nspname,
                string_agg(a.privilege_type, ', ' order by a.privilege_type),
                case d.defaclobjtype when 'r' then 'tables' when 'S' then 'sequences' when 'f' then 'functions' when 'T' then 'types' end, w.name) as line
  from pg_default_acl d join ours o on o.oid = d.defaclnamespace join who r on r.oid = d.defaclrole
  cross join lateral aclexplode(d.defaclacl) a join who w on w.oid = a.grantee
  group by r.name, o.nspname, d.defaclobjtype, w.name order by 1`;
