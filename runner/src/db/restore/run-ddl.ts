import { SettingsFault } from "../../errors.ts";
import { renderMigrations } from "../backup/ddl.ts";
import { onlyRow } from "../only-row.ts";
import { quoted } from "../schema/roles-plan.ts";
import type { OwnClient } from "../session.ts";
import { SchemaTextFault, type StoredSchema } from "./read-ddl.ts";

const NAME = `("(?:[^"\\n]|"")+"|[a-z_][a-z0-9_$]*)`;
const SCHEMA_OWNER = new RegExp(`^alter schema .* owner to ${NAME};$`, "gm");
const OWNER = new RegExp(`^alter (?:table|view|function|procedure) .* owner to ${NAME};$`, "gm");
const GRANTEE = new RegExp(`^grant .* to ${NAME}(?: with grant option)?;$`, "gm");
const DEFAULTS = new RegExp(`^alter default privileges for role ${NAME} in schema .* to ${NAME};$`, "gm");
/** A server has a few hundred roles at most; a text with more is none of ours. */
const MOST_ROLES = 1_000;

/** Roles that a stored schema names: all, those for which the session acts, and those that own a schema. */
export type NamedRoles = {
  readonly all: readonly string[];
  readonly actors: readonly string[];
  readonly makers: readonly string[];
};

/** The roles that must exist before a stored schema is run, by their plain names. */
export function listRoles({ statements }: StoredSchema): NamedRoles {
  const text = statements.join("\n");
  const find = (form: RegExp) => [...text.matchAll(form)].map(([, ...names]) => names.map(plain));
  const makers = find(SCHEMA_OWNER).flat();
  const defaults = find(DEFAULTS);
  const actors = [...makers, ...find(OWNER).flat(), ...defaults.flatMap(([maker = ""]) => [maker])];
  const all = distinct([...actors, ...find(GRANTEE).flat(), ...defaults.flat()]);
  if (all.length > MOST_ROLES) throw new SchemaTextFault(`names ${all.length} roles`);
  return { all: all.filter((name) => name !== "public"), actors: distinct(actors), makers: distinct(makers) };
}

const distinct = (names: readonly string[]) => [...new Set(names)].toSorted();

function plain(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;
}

/** $1, $2, $3: all, actors, makers. */
const ROLE_FACTS = `
  select current_user::text as "user", current_database()::text as database, me.rolsuper or me.rolcreaterole as "mayCreate",
         array(select name from unnest($1::text[]) as name where not exists (select from pg_roles r where r.rolname = name) order by 1) as missing,
         array(select name from unnest($2::text[]) as name
               where not me.rolsuper and name <> current_user and not exists (
                 select from pg_roles r where r.rolname = name and pg_has_role(r.oid, 'USAGE')) order by 1) as strange,
         array(select name from unnest($3::text[]) as name where not exists (
                 select from pg_roles r where r.rolname = name and has_database_privilege(r.oid, current_database(), 'CREATE')) order by 1) as closed,
         (select pg_has_role(datdba, 'USAGE') from pg_database where datname = current_database()) as "ownsDatabase"
  from pg_roles me where me.rolname = current_user`;

type RoleFacts = {
  readonly user: string;
  readonly database: string;
  readonly mayCreate: boolean;
  readonly missing: readonly string[];
  /** Actors of which the role of the session is no member. */
  readonly strange: readonly string[];
  /** Makers that may make no schema in the database, which who owns one must. */
  readonly closed: readonly string[];
  readonly ownsDatabase: boolean;
};

/**
 * Makes the roles that a stored schema names and the server lacks, without a login, and lets the session act for the owners.
 * Returns the names of those that were made. Throws a SettingsFault with the SQL for an administrator where this role may
 * not do so.
 */
export async function makeMissingRoles(client: OwnClient, roles: NamedRoles): Promise<readonly string[]> {
  const facts = onlyRow(await client.query<RoleFacts>(ROLE_FACTS, [roles.all, roles.actors, roles.makers]));
  const { user, database, missing, strange, closed } = facts;
  const create = missing.map((name) => `create role ${quoted(name)} nologin`);
  const join = strange.map((name) => `grant ${quoted(name)} to ${quoted(user)}`);
  const allow = closed.map((name) => `grant create on database ${quoted(database)} to ${quoted(name)}`);
  const faults: string[] = [];
  if (create.length + join.length > 0 && !facts.mayCreate)
    faults.push(
      `role ${quoted(user)} may make no roles, and the backup has grants of some that this server lacks or does not let it act for; an administrator runs: ${[...create, ...join].join("; ")}`,
    );
  if (allow.length > 0 && !facts.ownsDatabase)
    faults.push(`role ${quoted(user)} does not own the database; its owner runs: ${allow.join("; ")}`);
  if (faults.length > 0) throw new SettingsFault(faults);
  for (const statement of [...create, ...join, ...allow]) await client.query(statement);
  return missing;
}

/** Runs a stored schema within the transaction of the caller: its roles and the files of its migrations exist. */
export async function runDdl(client: OwnClient, { migrations, statements }: StoredSchema): Promise<void> {
  await client.query(await renderMigrations(migrations));
  await client.query(["set local search_path = pg_catalog, pg_temp;", ...statements].join("\n"));
}
