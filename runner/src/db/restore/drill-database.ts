import pg from "pg";
import { SettingsFault } from "../../errors.ts";
import { MINUTE_MS } from "../../time.ts";
import { type Database, queryRows } from "../connect.ts";
import type { LockSession } from "../lock.ts";
import { onlyRow } from "../only-row.ts";
import { createUnicodeDatabase } from "../remedy-sql.ts";
import { own } from "../session.ts";

const PREFIX = "r3a_drill_";
const NAME = new RegExp(`^${PREFIX}[0-9a-f]{12}$`);
/** The server waits for its checkpoint and for each of its sessions. */
const DROP_MS = 5 * MINUTE_MS;

/** The name of the database of one drill. */
export function drillNameOf(runId: string): string {
  return `${PREFIX}${runId.replaceAll("-", "").slice(0, 12)}`;
}

/** The URL of another database on the same server. */
export function urlOfDatabase(url: string, name: string): string {
  const other = new URL(url);
  other.pathname = `/${name}`;
  return other.href;
}

const READ_SERVER = `
  select (select system_identifier::text from pg_control_system()) as "systemIdentifier", current_user::text as role,
         (select rolsuper or rolcreatedb from pg_roles where rolname = current_user) as "mayCreate"`;

/** `systemIdentifier`: the number that initdb gave the server; a standby has that of its primary. */
type ServerRow = { readonly systemIdentifier: string; readonly role: string; readonly mayCreate: boolean };

/** The number that initdb gave the server. */
export async function readSystemIdentifier(db: Database): Promise<string> {
  return onlyRow(await queryRows<ServerRow>(db, READ_SERVER)).systemIdentifier;
}

/**
 * Throws one SettingsFault where the server is the one of `systemIdentifier` (null: it may be), and where its role may make
 * no database.
 */
export async function checkDrillServer(db: Database, systemIdentifier: string | null): Promise<void> {
  const server = onlyRow(await queryRows<ServerRow>(db, READ_SERVER));
  const faults: string[] = [];
  if (server.systemIdentifier === systemIdentifier)
    faults.push(
      "DRILL_DB_URL leads to the server of DB_URL, or to a copy of it: a restore would take its disk and its time. Name another server, or say --accept-same-server",
    );
  if (!server.mayCreate)
    faults.push(
      `DRILL_DB_URL: role ${server.role} may make no database; an administrator runs there: alter role ${pg.escapeIdentifier(server.role)} createdb createrole`,
    );
  if (faults.length > 0) throw new SettingsFault(faults);
}

const LIST_LEFT = `select datname as name from pg_database where starts_with(datname, $1) order by datname`;

/** The databases of drills that are on the server. */
export async function listDrillDatabases(db: Database): Promise<readonly string[]> {
  const rows = await queryRows<{ name: string }>(db, LIST_LEFT, [PREFIX]);
  return rows.map(({ name }) => name).filter((name) => NAME.test(name));
}

/**
 * Drops the databases of drills that were killed, and returns their names. A drill holds the lock of its database as long as
 * it lives; another one, of another production database, may be at work on the same server.
 */
export async function dropLeftDatabases(db: Database, locks: LockSession): Promise<readonly string[]> {
  const dropped: string[] = [];
  for (const name of await listDrillDatabases(db)) {
    if (!(await locks.tryLock("drill", name))) continue;
    await dropDatabase(db, name);
    await locks.unlock("drill", name);
    dropped.push(name);
  }
  return dropped;
}

/** Runs `work` with a new database of this name, which is dropped whatever becomes of the work, also where it was stopped. */
export async function withDrillDatabase<T>(
  db: Database,
  { name, signal }: { readonly name: string; readonly signal: AbortSignal },
  work: () => Promise<T>,
): Promise<T> {
  await own(db, signal, (client) => client.query(createUnicodeDatabase(name)));
  try {
    return await work();
  } finally {
    // a database that cannot be dropped now is dropped by the next drill: the result of this one counts
    await dropDatabase(db, name).catch(() => {});
  }
}

async function dropDatabase(db: Database, name: string): Promise<void> {
  if (!NAME.test(name)) throw new Error(`${name} is no database of a drill: nothing was dropped`);
  await own(db, AbortSignal.timeout(DROP_MS), (client) =>
    client.query(`drop database if exists ${pg.escapeIdentifier(name)} with (force)`),
  );
}
