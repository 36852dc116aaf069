import { ROLE_NAMES } from "../../contract/names.ts";
import { SettingsFault } from "../../errors.ts";
import { type Database, queryRows, withClient } from "../connect.ts";
import { findState } from "../legacy/state.ts";
import { onlyRow } from "../only-row.ts";
import { createUnicodeDatabase } from "../remedy-sql.ts";
import { faultOfNumbers, hasFirst, missingFirst } from "./first-numbers.ts";
import { findMaker } from "./roles.ts";
import { quoted } from "./roles-plan.ts";
import { listApplied, pendingOf } from "./schema.ts";
import { judgeObjects, type ObjectRow } from "./schema-objects.ts";

/** Major versions that the tests run on. */
const SUPPORTED = { oldest: 15, newest: 18 } as const;

/** What the database itself must be: no migration can change these facts. */
export type DatabaseFacts = {
  /** E.g. 180004. */
  version: number;
  release: string;
  encoding: string;
  database: string;
};
/** The columns of DatabaseFacts, of a `select` that needs no table. */
export const DATABASE_FACTS = `
  select current_setting('server_version_num')::int as version, current_setting('server_version') as release,
         current_setting('server_encoding') as encoding, current_database() as database`;

/** Sentences about what makes this database unusable. */
export function judgeDatabase({ version, release, encoding, database }: DatabaseFacts): readonly string[] {
  const faults: string[] = [];
  if (Math.floor(version / 10_000) < SUPPORTED.oldest)
    faults.push(
      `the server is PostgreSQL ${release}: too old, ${SUPPORTED.oldest} to ${SUPPORTED.newest} are supported; upgrade it`,
    );
  if (encoding !== "UTF8")
    faults.push(
      `the database ${database} has the encoding ${encoding}, and names of symbols need UTF8: ${createUnicodeDatabase(`${database}_utf8`)}, and let DB_URL name that one`,
    );
  return faults;
}

/** A warning about a server that can be used: the tests do not know it yet. Null: none. */
export function noteOfServer({ version }: Pick<DatabaseFacts, "version">): string | null {
  const { oldest, newest } = SUPPORTED;
  if (Math.floor(version / 10_000) <= newest) return null;
  return `newer than what is tested, ${oldest} to ${newest} are supported`;
}

/** Reads the facts about the server, and gives its warning to `warn`. */
async function lookAtServer(db: Database, warn?: (note: string) => void): Promise<DatabaseFacts> {
  const facts = onlyRow(await queryRows<DatabaseFacts>(db, DATABASE_FACTS));
  const note = noteOfServer(facts);
  if (note !== null)
    warn?.(`the server is PostgreSQL ${facts.release}: ${note}; use a newer release of this program`);
  return facts;
}

/** Throws SettingsFault if the server or its database cannot be used at all; `warn` as in `checkRequirements`. */
export async function checkServer(db: Database, warn: (note: string) => void): Promise<void> {
  const faults = judgeDatabase(await lookAtServer(db, warn));
  if (faults.length > 0) throw new SettingsFault(faults);
}

/** Rights of the role that makes the objects. $1: the role; null: the role of the session. */
const MAKER_RIGHTS = `
  with me as (select coalesce($1, current_user::text)::name as role),
  ours as (select n.oid, n.nspname from pg_namespace n where n.nspname in ('r3a', 'r3a_util'))
  select me.role::text as role, has_database_privilege(me.role, current_database(), 'CREATE') as "maySchema",
         (select count(*) = 2 from ours) as "hasSchemas", current_database() as database,
         array(select nspname::text from ours where not has_schema_privilege(oid, 'USAGE') order by 1) as hidden,
         array(select nspname::text from ours where not has_schema_privilege(me.role, oid, 'CREATE') order by 1) as closed,
         array(select distinct pg_get_userbyid(c.relowner)::text from pg_class c where c.relnamespace in (select oid from ours)
               and c.relkind in ('r', 'p', 'v', 'm') and not pg_has_role(me.role, c.relowner, 'USAGE') order by 1) as strangers
  from me`;

type MakerRights = {
  role: string;
  /** May make schemas in the database. */
  maySchema: boolean;
  hasSchemas: boolean;
  database: string;
  /** Schemas of R3A that the role of the session may not use. */
  hidden: string[];
  /** Schemas in which the role may make nothing. */
  closed: string[];
  /** Owners of tables of R3A of which the role is no member. */
  strangers: string[];
};

function judgeMaker({ role, ...rights }: MakerRights): readonly string[] {
  const faults: string[] = [];
  if (!rights.hasSchemas && !rights.maySchema)
    faults.push(
      `role ${role} may make no schema; the database's owner runs: grant create on database ${quoted(rights.database)} to ${quoted(role)}`,
    );
  for (const schema of rights.closed.filter((name) => !rights.hidden.includes(name)))
    faults.push(
      `role ${role} may make nothing in the schema ${schema}: run this as the owner of that schema`,
    );
  for (const schema of rights.hidden)
    faults.push(
      `the role of DB_URL has no right to the schema ${schema}: run this as the owner of that schema`,
    );
  if (rights.strangers.length > 0)
    faults.push(
      `tables of R3A belong to ${rights.strangers.join(", ")}, and role ${role} is no member: run this as the owner, or as a role that has it (grant ${ROLE_NAMES.owner} to ${quoted(role)})`,
    );
  return faults;
}

/** Relations and functions of the two schemas, with the columns of tables and views. */
export const OBJECTS = `
  select n.nspname || '.' || c.relname as name, c.relkind as kind,
         array(select a.attname || ' ' || format_type(a.atttypid, a.atttypmod) from pg_attribute a
               where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and c.relkind in ('r', 'p', 'v') order by a.attnum) as columns,
         array(select a.attname::text from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
               and a.attnotnull and not a.atthasdef and a.attidentity = '' and c.relkind in ('r', 'p')) as demanded
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname in ('r3a', 'r3a_util') and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S', 'c')
  union all
  select format('%s.%s(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)), p.prokind, '{}', '{}'
  from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname in ('r3a', 'r3a_util')`;

export async function listObjects(db: Database): Promise<readonly ObjectRow[]> {
  return queryRows(db, OBJECTS);
}

/**
 * Throws one SettingsFault with everything that prevents a migration, and `more`; changes nothing. Of a database in the old
 * layout, whose objects all differ, the fault only names the command that moves it. `warn` gets sentences about what a
 * person should see and what prevents nothing.
 */
export async function checkRequirements(
  db: Database,
  {
    warn,
    more = [],
  }: { readonly warn: ((note: string) => void) | undefined; readonly more?: readonly string[] },
): Promise<void> {
  const { maker } = await findMaker(db);
  const [facts, rights] = await Promise.all([
    lookAtServer(db, warn),
    queryRows<MakerRights>(db, MAKER_RIGHTS, [maker]),
  ]);
  const refuse = (faults: readonly string[]) => {
    const all = [...judgeDatabase(facts), ...faults, ...more];
    if (all.length > 0) throw new SettingsFault(all);
  };
  if (rights.some(({ hidden }) => hidden.length > 0)) return refuse(rights.flatMap(judgeMaker));
  if ((await findState(db)) === "old") return refuse([OLD_LAYOUT]);
  const [applied, objects] = await Promise.all([listAppliedOfOurs(db), listObjects(db)]);
  const fault = faultOfNumbers(applied);
  if (fault !== null) return refuse([fault]);
  const pending = await pendingOf(applied);
  const isLedgerWritten = pending.length > 0 || hasFirst(applied);
  const faults = isLedgerWritten ? rights.flatMap(judgeMaker) : [];
  // the table of objects knows the last state alone: checkObjects follows once the first files are complete
  if (missingFirst(applied).length > 0) return refuse(faults);
  refuse([...faults, ...judgeObjects(objects, pending)]);
}

/** Throws one SettingsFault with every object that is not as the applied migrations make it. */
export async function checkObjects(db: Database, pending: readonly string[]): Promise<void> {
  const faults = judgeObjects(await listObjects(db), pending);
  if (faults.length > 0) throw new SettingsFault(faults);
}

const OLD_LAYOUT =
  "the database has the old layout (a leaf per coin, month and interval): run migrate-layout";

/** Empty if another program made r3a.migration: `judgeObjects` names this table as one of the objects. */
async function listAppliedOfOurs(db: Database): Promise<readonly string[]> {
  return withClient(db, listApplied).catch((error: unknown) => {
    if (error instanceof SettingsFault) return [];
    throw error;
  });
}
