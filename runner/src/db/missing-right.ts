import { COMMANDS, ROLE_OF } from "../contract/commands.ts";
import { OWNER, quoted, WRITER } from "./schema/roles-plan.ts";
import { MADE } from "./schema/schema-objects.ts";

/** `sql` is enough for what only reads; `more` is the statement for a command that does what `moreFor` says. */
export type MissingRight = { readonly sql: string; readonly more?: string; readonly moreFor?: string };

/** The names of the objects of both schemas, with their schema and without the arguments of a function. */
const OBJECTS: readonly string[] = MADE.map(({ name }) => name.replace(/\(.*/, ""));

/**
 * The commands that need the writer's role. Grants on single tables lead a reader's login nowhere: the next table
 * refuses it.
 */
const WRITING = COMMANDS.filter((name) => ROLE_OF[name] === "writer");

/** The server names no schema. Null for an object of another program. */
function withSchema(name: string): string | null {
  if (/^ohlcv_[a-z0-9_]+$/.test(name)) return `r3a.${name}`;
  return OBJECTS.find((object) => object.slice(object.indexOf(".") + 1) === name) ?? null;
}

/** What a role lacks that is not the owner of an object: no grant on the object gives that; null: another message. */
export function findMissingOwner(message: string, role?: string): string | null {
  if (!/^must be owner of /.test(message)) return null;
  return `grant ${OWNER} to ${role === undefined ? "ROLE" : quoted(role)}`;
}

/**
 * The grants of the right that the server misses in its message: `permission denied for table ohlcv_gap_log`. Null where
 * it names no object of R3A. `role` absent: the login was refused, and the statement has ROLE for its role. What only reads comes first: nobody should give a reader the right to write.
 */
export function findMissingRight(message: string, role?: string): MissingRight | null {
  const [, kind = "", name = ""] = /^permission denied for (\w+) (.+)$/.exec(message) ?? [];
  const grant = (rights: string, on: string) =>
    `grant ${rights} on ${on} to ${role === undefined ? "ROLE" : quoted(role)}`;
  // a login that was refused has the name in quotes; without them a schema could not be made
  if (kind === "database")
    return { sql: grant(name.startsWith('"') ? "connect" : "create", `database ${name}`) };
  if (kind === "schema" && /^r3a(_util)?$/.test(name))
    return {
      sql: grant("usage", `schema ${name}`),
      more: grant("create", `schema ${name}`),
      moreFor: "makes tables",
    };
  const object = withSchema(name);
  if (object === null) return null;
  if (kind === "table")
    return {
      sql: grant("select", `table ${object}`),
      more: `grant ${WRITER} to ${role === undefined ? "ROLE" : quoted(role)}`,
      moreFor: `stores rows (${WRITING.join(", ")})`,
    };
  if (kind === "view") return { sql: grant("select", `table ${object}`) };
  if (kind === "sequence") return { sql: grant("usage, select", `sequence ${object}`) };
  return kind === "function" ? { sql: grant("execute", `function ${object}`) } : null;
}
