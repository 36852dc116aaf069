import { runner } from "node-pg-migrate";
import pg from "pg";
import { ROLES } from "../contract.ts";
import { SettingsFault, TryAgain } from "../errors.ts";
import { createClient } from "./client.ts";
import { clientConfig, closeDatabase, type Database, openDatabase } from "./connect.ts";
import { translate } from "./fault.ts";
import { openLockSession, waitForLock } from "./lock.ts";
import { checkRequirements } from "./requirements.ts";
import { findMaker, giveRights, makeRoles, readRoles } from "./roles.ts";
import { GRANTS, planRoles } from "./roles-plan.ts";
import { listPending, MIGRATIONS } from "./schema.ts";

/** Of two at once the second waits: a migration builds nothing large, so minutes mean a holder that hangs. */
const WAIT_MS = 5 * 60_000;

export type MigrateWish = {
  /** Only say what would be done. */
  readonly isPlan?: boolean;
  /** Ends the wait for another migration. */
  readonly stop?: AbortSignal;
  /** Gets sentences that are worth a look and in nobody's way. */
  readonly warn?: (note: string) => void;
};

/** Names of files, and statements about roles; both as they were done, or would be. */
export type Migrated = { readonly files: readonly string[]; readonly statements: readonly string[] };

/**
 * Applies what is missing, each file in a transaction of its own. Returns the names it applied; safe at any time.
 * What this program cannot work with is a SettingsFault with all of it, before anything is changed.
 */
export async function migrate(url: string, wish: MigrateWish = {}): Promise<readonly string[]> {
  return withMigrateLock(url, wish, async (db, client) => {
    await checkRequirements(db, { warn: wish.warn });
    if (wish.isPlan) return listPending(db);
    const applied = await applyFiles(db, client);
    if (applied.length > 0) await giveOwnRights(db, wish.stop);
    return applied;
  });
}

/** Where an administrator has made the roles before, what was made now is given to them: nobody else would. */
async function giveOwnRights(db: Database, stop?: AbortSignal): Promise<void> {
  const { existing, is_owner, strays } = await readRoles(db);
  if (existing.length === ROLES.length && is_owner === true && strays.length === 0)
    await giveRights(db, GRANTS, stop);
}

/** The same, with the three roles: makes those that are missing, and gives each its objects and rights. */
export async function migrateWithRoles(url: string, wish: MigrateWish = {}): Promise<Migrated> {
  return withMigrateLock(url, wish, async (db, client) => {
    const { plan, faults } = planRoles(await readRoles(db));
    await checkRequirements(db, { warn: wish.warn, more: faults });
    if (wish.isPlan) return { files: await listPending(db), statements: [...plan.first, ...plan.rights] };
    await makeRoles(db, plan.first);
    const files = await applyFiles(db, client);
    // by now there may be objects that there were not
    const { rights } = planRoles(await readRoles(db)).plan;
    await giveRights(db, rights, wish.stop);
    return { files, statements: [...plan.first, ...rights] };
  });
}

async function withMigrateLock<T>(
  url: string,
  { stop }: MigrateWish,
  work: (db: Database, client: pg.Client) => Promise<T>,
): Promise<T> {
  const db = openDatabase(url, "migrate");
  const locks = await openLockSession(db, stop);
  const client = createClient(clientConfig(url, "migrate"));
  // without a listener a server that goes away between two statements would end the process
  client.on("error", () => {});
  const faults = rememberFaults(client);
  try {
    if (!(await waitForLock(locks, "migrate", "schema", WAIT_MS))) {
      throw new TryAgain("another migration holds the lock for more than 5 min; see r3a_util.lock_holder");
    }
    await client.connect();
    return await work(db, client);
  } catch (error) {
    const isOurs = error instanceof SettingsFault || error instanceof TryAgain;
    throw translate(isOurs ? error : (faults.at(-1) ?? error));
  } finally {
    await client.end();
    await locks.end();
    await closeDatabase(db);
  }
}

async function applyFiles(db: Database, client: pg.Client): Promise<readonly string[]> {
  const { maker, hasSchema } = await findMaker(db);
  // what several logins make must belong to one role, or none of them could change what another one made
  if (maker !== null) await client.query(`set role ${pg.escapeIdentifier(maker)}`);
  const applied = await runner({
    dbClient: client,
    dir: MIGRATIONS,
    direction: "up",
    migrationsTable: "migration",
    migrationsSchema: "r3a",
    // asks for the right to create schemas even where this one is there
    createMigrationsSchema: !hasSchema,
    noLock: true, // its own wait blocks inside the server and so holds back vacuum; ours is held above
    log: () => {},
  });
  return applied.map(({ name }) => name);
}

/** node-pg-migrate tells an error of some statements by its stack alone: what the server or the connection said is lost. */
function rememberFaults(client: pg.Client): readonly unknown[] {
  const faults: unknown[] = [];
  const query = client.query.bind(client) as (...args: readonly unknown[]) => Promise<unknown>;
  Object.assign(client, {
    query: (...args: readonly unknown[]) =>
      query(...args).catch((error: unknown) => {
        faults.push(error);
        throw error;
      }),
  });
  return faults;
}
