import { withSession } from "./empty-database.ts";

/**
 * Every object of the two schemas with its definition, one line each: what two ways of migrating must agree on. Names of
 * roles stand for themselves; what the server numbers (oids) is left out.
 */
const LINES = `
  with ours as (select oid, nspname from pg_namespace where nspname in ('r3a', 'r3a_util')),
  relation as (
    select c.*, format('%I.%I', o.nspname, c.relname) as name from pg_class c join ours o on o.oid = c.relnamespace
  ),
  routine as (
    select p.*, format('%I.%I(%s)', o.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) as name
    from pg_proc p join ours o on o.oid = p.pronamespace
  )
  select format('schema %s %s %s', nspname, pg_get_userbyid(nspowner), nspacl) as line from pg_namespace join ours using (oid, nspname)
  union all
  select format('relation %s %s %s %s %s owner %s acl %s', name, relkind, relpersistence, reloptions, relrowsecurity,
                pg_get_userbyid(relowner), relacl) from relation
  union all
  select format('column %s.%s %s %s', r.name, a.attnum, a.attname, concat_ws(' ', format_type(a.atttypid, a.atttypmod),
                case when a.attnotnull then 'not null' end, a.attidentity, a.attgenerated, a.attstorage, a.attcompression, a.attacl,
                a.attcollation::regcollation, pg_get_expr(d.adbin, d.adrelid)))
  from relation r join pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
  left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
  union all
  select format('partition %s %s %s', name, pg_get_partkeydef(oid), pg_get_expr(relpartbound, oid)) from relation where relkind in ('p', 'r')
  union all
  select format('index %s %s valid %s', r.name, pg_get_indexdef(x.indexrelid), x.indisvalid) from pg_index x join relation r on r.oid = x.indexrelid
  union all
  select format('constraint %s on %s: %s', k.conname, k.conrelid::regclass, pg_get_constraintdef(k.oid))
  from pg_constraint k join ours o on o.oid = k.connamespace
  union all
  select format('function %s owner %s acl %s: %s', name, pg_get_userbyid(proowner), proacl, pg_get_functiondef(oid)) from routine
  union all
  select format('view %s: %s', name, pg_get_viewdef(oid)) from relation where relkind in ('v', 'm')
  union all
  select format('trigger %s %s', r.name, pg_get_triggerdef(g.oid)) from pg_trigger g join relation r on r.oid = g.tgrelid where not g.tgisinternal
  union all
  select format('comment %s %s', pg_describe_object(classoid, objoid, objsubid), description) from pg_description
  where objoid in (select oid from relation union all select oid from routine union all select oid from ours)
  union all
  select format('default rights %s %s %s', o.nspname, d.defaclobjtype, d.defaclacl) from pg_default_acl d join ours o on o.oid = d.defaclnamespace
  union all
  select format('counter %s %s %s', command, outcome, n) from r3a.job_counter
  order by line`;

/** The lines in their order. The search_path names no schema of the project, so that each name has its schema. */
export async function schemaFingerprint(url: string): Promise<string> {
  return withSession(url, async (client) => {
    await client.query("set search_path = pg_catalog, pg_temp");
    const { rows } = await client.query<{ line: string }>(LINES);
    return rows.map(({ line }) => line).join("\n");
  });
}
