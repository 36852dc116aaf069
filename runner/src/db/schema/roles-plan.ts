import { ROLE_NAMES, ROLES } from "../../contract/names.ts";

export const { owner: OWNER, writer: WRITER, reader: READER } = ROLE_NAMES;
const SCHEMAS = "r3a, r3a_util";

/** What owner, writer and reader may do; docs/database.md says why. Each statement may be repeated. */
export const GRANTS: readonly string[] = [
  `grant usage on schema ${SCHEMAS} to ${WRITER}, ${READER}`,
  `grant select on all tables in schema ${SCHEMAS} to ${WRITER}, ${READER}`,
  `grant insert, update, delete on all tables in schema ${SCHEMAS} to ${WRITER}`,
  `revoke insert, update, delete on r3a.migration from ${WRITER}`,
  `grant usage, select on all sequences in schema ${SCHEMAS} to ${WRITER}`,
  `grant execute on function r3a_util.make_leaf(text, timestamptz, jsonb) to ${WRITER}`,
  // for the objects that later migrations and maint make
  `alter default privileges for role ${OWNER} in schema ${SCHEMAS} grant select on tables to ${WRITER}, ${READER}`,
  `alter default privileges for role ${OWNER} in schema ${SCHEMAS} grant insert, update, delete on tables to ${WRITER}`,
  `alter default privileges for role ${OWNER} in schema ${SCHEMAS} grant usage, select on sequences to ${WRITER}`,
];

/** The role of the session, and which of the roles and rights the database has. */
export type RoleFacts = {
  user: string;
  database: string;
  /** The role is a superuser, or may make roles. */
  may_create: boolean;
  /** May give rights on the database itself. */
  owns_database: boolean;
  /** Names of the three roles that exist. */
  existing: string[];
  /** May make objects that belong to the owner's role; null if that role does not exist. */
  is_owner: boolean | null;
  /** May make members of the owner's role. */
  may_join: boolean;
  owner_may_create: boolean;
  /** Objects of the two schemas that do not belong to the owner's role, and whether the role may alter them. */
  strays: { object: string; owner: string; may_alter: boolean }[];
};

/** `first` makes the roles, before the missing files are applied; `rights` gives the roles their objects and rights. */
export type RolePlan = { readonly first: readonly string[]; readonly rights: readonly string[] };

/** Throws nothing: `faults` holds what this role may not do itself, each with the SQL that somebody else must run. */
export function planRoles(facts: RoleFacts): { readonly plan: RolePlan; readonly faults: readonly string[] } {
  const faults: string[] = [];
  const user = quoted(facts.user);
  const missing = ROLES.map((role) => ROLE_NAMES[role]).filter((name) => !facts.existing.includes(name));
  const create = missing.map((name) => `create role ${name} nologin`);
  if (create.length > 0 && !facts.may_create)
    faults.push(`role ${user} may make no roles; an administrator runs: ${create.join("; ")}`);
  const join = facts.is_owner === true ? [] : [`grant ${OWNER} to ${user}`];
  // a superuser is a member of every role
  if (join.length > 0 && !facts.may_join)
    faults.push(`role ${user} is no member of ${OWNER}; an administrator runs: ${join.join("; ")}`);
  const database = facts.owner_may_create
    ? []
    : [`grant create on database ${quoted(facts.database)} to ${OWNER}`];
  if (database.length > 0 && !facts.owns_database)
    faults.push(`role ${user} does not own the database; its owner runs: ${database.join("; ")}`);
  const others = [
    ...Map.groupBy(
      facts.strays.filter(({ may_alter }) => !may_alter),
      ({ owner }) => owner,
    ),
  ];
  for (const [owner, objects] of others)
    faults.push(
      `${objects.length} objects of the schemas ${SCHEMAS.replace(",", " and")} belong to ${owner} (${objects[0]?.object}): run migrate --roles as that role or as a superuser`,
    );
  const hand = facts.strays.map(({ object }) => `alter ${object} owner to ${OWNER}`);
  return { plan: { first: [...create, ...join, ...database], rights: [...hand, ...GRANTS] }, faults };
}

/** A name as SQL takes it, of whatever letters. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
