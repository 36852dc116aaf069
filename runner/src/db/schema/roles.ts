import { MINUTE_MS } from "../../time.ts";
import { type Database, queryRows, withClient } from "../connect.ts";
import { codeOf } from "../fault.ts";
import { LOCK_TIMEOUT_MS, retryBusy } from "../lock-retry.ts";
import { onlyRow } from "../only-row.ts";
import { withTransaction } from "../session.ts";
import { DUPLICATE_OBJECT } from "../sqlstate.ts";
import { OWNER, READER, type RoleFacts, WRITER } from "./roles-plan.ts";

/** From PostgreSQL 16 on a membership says whether the member may set the role, and pg_has_role knows SET. */
const HAS_SET = `exists (select from pg_attribute where attrelid = 'pg_auth_members'::regclass and attname = 'set_option')`;
const SET = `case when ${HAS_SET} then 'SET' else 'MEMBER' end`;
const GIVABLE = `(select oid from pg_roles where rolname = '${OWNER}')`;

const ROLE_FACTS = `
  with me as (select * from pg_roles where rolname = current_user),
  ours as (select oid, nspname from pg_namespace where nspname in ('r3a', 'r3a_util')),
  object (object, owner) as (
    select format('schema %I', n.nspname), n.nspowner from pg_namespace n join ours using (oid)
    union all
    select format('%s %I.%I', case c.relkind when 'v' then 'view' when 'm' then 'materialized view' when 'f' then 'foreign table'
                              when 'S' then 'sequence' else 'table' end, o.nspname, c.relname), c.relowner
    from pg_class c join ours o on o.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
      and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype in ('a', 'i') and c.relkind = 'S')
    union all
    select format('%s %I.%I(%s)', case p.prokind when 'p' then 'procedure' else 'function' end, o.nspname, p.proname, pg_get_function_identity_arguments(p.oid)), p.proowner
    from pg_proc p join ours o on o.oid = p.pronamespace where p.prokind in ('f', 'p')
  )
  select current_user as user, current_database() as database,
         me.rolsuper or me.rolcreaterole as may_create,
         (select pg_has_role(datdba, 'USAGE') from pg_database where datname = current_database()) as owns_database,
         array(select rolname::text from pg_roles where rolname in ('${OWNER}', '${WRITER}', '${READER}')) as existing,
         pg_has_role(${GIVABLE}, ${SET}) as is_owner,
         me.rolsuper or coalesce(pg_has_role(${GIVABLE}, 'MEMBER WITH ADMIN OPTION'), me.rolcreaterole)
           or (me.rolcreaterole and not ${HAS_SET}) as may_join,
         coalesce(has_database_privilege(${GIVABLE}, current_database(), 'CREATE'), false) as owner_may_create,
         coalesce((select jsonb_agg(jsonb_build_object('object', s.object, 'owner', pg_get_userbyid(s.owner), 'may_alter', pg_has_role(s.owner, 'USAGE'))
                                    order by s.object not like 'schema %', s.object)
                   from object s where s.owner is distinct from ${GIVABLE}), '[]') as strays
  from me`;

export async function readRoles(db: Database): Promise<RoleFacts> {
  return onlyRow(await queryRows<RoleFacts>(db, ROLE_FACTS));
}

/** A table that somebody holds for longer keeps its owner, and the command says so. */
const PATIENCE_MS = MINUTE_MS;

/** Roles belong to the whole server: the same command may make a role for another database at this moment. */
export async function makeRoles(
  db: Database,
  statements: readonly string[],
  signal?: AbortSignal,
): Promise<void> {
  const until = performance.now() + PATIENCE_MS;
  for (const statement of statements)
    await retryBusy(() => withClient(db, (client) => client.query(statement)), until, signal).catch(
      (error: unknown) => {
        if (codeOf(error) !== DUPLICATE_OBJECT) throw error;
      },
    );
}

/** Each in a transaction of its own: a change of owner locks the table, and all tables at once would lock out everybody. */
export async function giveRights(
  db: Database,
  statements: readonly string[],
  signal?: AbortSignal,
): Promise<void> {
  const until = performance.now() + PATIENCE_MS;
  for (const statement of statements)
    await retryBusy(
      () =>
        withTransaction(db, async (client) => {
          await client.query(`set local lock_timeout = ${LOCK_TIMEOUT_MS}`);
          // only the owner gives rights; a member without INHERIT has the owner's rights only by `set role`
          if (!/^alter (?!default)/.test(statement)) await client.query(`set local role ${OWNER}`);
          await client.query(statement);
        }),
      until,
      signal,
    );
}

/** The role that makes the objects: the one owner of all that exists, or the owner's role; null: the role of the session. */
const FIND_MAKER = `
  with ours as (select oid, nspname, nspowner from pg_namespace where nspname in ('r3a', 'r3a_util')),
  owners as (
    select nspowner as owner from ours
    union select relowner from pg_class where relnamespace in (select oid from ours) and relkind in ('r', 'p', 'v', 'm', 'f', 'S')
    union select proowner from pg_proc where pronamespace in (select oid from ours)
  ), maker as (
    select case when (select count(*) from owners) = 1 and (select count(*) from ours) = 2 then (select owner from owners)
                when not exists (select from ours) then
                  (select oid from pg_roles where rolname = '${OWNER}' and has_database_privilege(oid, current_database(), 'CREATE'))
           end as oid
  )
  select case when pg_has_role(m.oid, ${SET}) and pg_get_userbyid(m.oid) <> current_user then pg_get_userbyid(m.oid) end as maker,
         exists (select from ours where nspname = 'r3a') as "hasSchema"
  from maker m`;

type Maker = { maker: string | null; hasSchema: boolean };

export async function findMaker(db: Database): Promise<Maker> {
  return onlyRow(await queryRows<Maker>(db, FIND_MAKER));
}
