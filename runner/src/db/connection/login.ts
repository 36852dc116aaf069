import pg from "pg";
import { DAMAGE_CLASS, INSUFFICIENT_PRIVILEGE, type Meaning, meaningOf } from "../sqlstate.ts";

const SAYS = "DB_URL is refused by the database";

/** What a person must do, by SQLSTATE; the server's own words stand before it. */
const REMEDIES: Readonly<Record<string, string>> = {
  "28000": "let the role log in (alter role NAME login), and have a line for role and address in pg_hba.conf",
  "28P01":
    "correct the password in DB_URL; if it is correct, the role may have expired (alter role NAME valid until 'infinity')",
  "3D000": "correct the name of the database in DB_URL, or create that database",
  "57P04": "correct the name of the database in DB_URL, or create that database",
};
const OTHER =
  "correct what is named in DB_URL, or what the role or the database has set (select * from pg_db_role_setting)";

/**
 * What a person must do, by the function of the server that refused: the words of the server may be in any language.
 */
const BY_ROUTINE: Readonly<Record<string, Readonly<Record<string, Partial<Meaning>>>>> = {
  "53300": {
    InitializeSessionUserId: {
      says: "the role of DB_URL has as many sessions as it may have: end those that nobody needs, or raise its limit (alter role NAME connection limit N)",
    },
    CheckMyDatabase: {
      says: "the database has as many sessions as it may have: end those that nobody needs, or raise its limit (alter database NAME connection limit N)",
    },
  },
  "55000": {
    CheckMyDatabase: { remedy: "alter database NAME allow_connections true lets logins in again" },
  },
  "58P01": {
    internal_load_library: {
      kind: "settings",
      remedy:
        "correct session_preload_libraries or local_preload_libraries of the role or the database (alter role NAME reset session_preload_libraries)",
    },
  },
};

/**
 * What the refusal of a login means. Other than the refusal of a statement, it concerns what a person has set, unless
 * the server is away or its files are damaged. Null where the error is not the server's, or where its code says enough.
 */
export function meaningOfLogin(error: unknown): Meaning | null {
  if (!(error instanceof pg.DatabaseError) || error.code === undefined) return null;
  const { code, routine = "" } = error;
  const usual = meaningOf(code);
  const special = BY_ROUTINE[code]?.[routine];
  if (usual !== null && special?.kind === undefined && /^(away|later|damage)$/.test(usual.kind))
    return special === undefined ? null : { ...usual, ...special };
  if (code === INSUFFICIENT_PRIVILEGE || code.startsWith(DAMAGE_CLASS)) return null;
  return { kind: "settings", says: SAYS, isForAll: true, remedy: REMEDIES[code] ?? OTHER, ...special };
}
