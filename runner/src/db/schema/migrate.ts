import { runner } from "node-pg-migrate";
import pg from "pg";
import { ROLES } from "../../contract/names.ts";
import { TryAgain } from "../../errors.ts";
import { MINUTE_MS } from "../../time.ts";
import { type Database, faultOf, openClient, tellServer } from "../connect.ts";
import { cutClient, sessionOf } from "../connection/client.ts";
import { translate } from "../fault.ts";
import { waitForLock } from "../lock.ts";
import { isBusy, retryBusy } from "../lock-retry.ts";
import { withLocks } from "../with-database.ts";
import { hasFirst, missingFirst, renumber } from "./first-numbers.ts";
import { checkObjects, checkRequirements } from "./requirements.ts";
import { findMaker, giveRights, makeRoles, readRoles } from "./roles.ts";
import { GRANTS, planRoles } from "./roles-plan.ts";
import { FIRST_MIGRATIONS, listApplied, listPending, MIGRATIONS, pendingOf } from "./schema.ts";

/**
 * How long to wait for another migration, or for a session that holds a table which a file changes. A migration builds
 * nothing large, so a holder of minutes hangs.
 */
const WAIT_MS = 5 * MINUTE_MS;

export type MigrateRequest = {
  /** Only returns what would be done. */
  readonly isPlan?: boolean;
  /** Ends the waits for another migration and for holders of tables. */
  readonly stop?: AbortSignal;
  /** Gets sentences about what a person should see and what prevents nothing. */
  readonly warn?: (note: string) => void;
  /** Gets an error that names the holder, each time that a session holds what a file needs. */
  readonly onBusy?: (error: unknown) => void;
};

/** Names of files, and statements about roles: the ones that were done, or would be. */
export type Migrated = { readonly files: readonly string[]; readonly statements: readonly string[] };

/**
 * Applies the missing files, each in a transaction of its own, and returns their names; safe at any time. Throws one
 * SettingsFault with everything that this program cannot work with, before anything is changed.
 */
export async function migrate(url: string, request: MigrateRequest = {}): Promise<readonly string[]> {
  return withMigrateLock(url, request, async (db, apply) => {
    await checkRequirements(db, { warn: request.warn });
    if (request.isPlan) return listPending(db);
    const applied = await apply();
    if (applied.length > 0) await giveOwnRights(db, request.stop);
    return applied;
  });
}

/** Gives what the files made to the roles, if an administrator has made the roles before. */
async function giveOwnRights(db: Database, stop?: AbortSignal): Promise<void> {
  const { existing, is_owner, strays } = await readRoles(db);
  if (existing.length === ROLES.length && is_owner === true && strays.length === 0)
    await giveRights(db, GRANTS, stop);
}

/** The same with the three roles: makes the missing ones, and gives each role its objects and rights. */
export async function migrateWithRoles(url: string, request: MigrateRequest = {}): Promise<Migrated> {
  return withMigrateLock(url, request, async (db, apply) => {
    const { plan, faults } = planRoles(await readRoles(db));
    await checkRequirements(db, { warn: request.warn, more: faults });
    if (request.isPlan) return { files: await listPending(db), statements: [...plan.first, ...plan.rights] };
    await makeRoles(db, plan.first, request.stop);
    const files = await apply();
    // read again: the files may have made objects
    const { rights } = planRoles(await readRoles(db)).plan;
    await giveRights(db, rights, request.stop);
    return { files, statements: [...plan.first, ...rights] };
  });
}

async function withMigrateLock<T>(
  url: string,
  request: MigrateRequest,
  work: (db: Database, apply: () => Promise<readonly string[]>) => Promise<T>,
): Promise<T> {
  const until = performance.now() + WAIT_MS;
  return withLocks({ url, name: "migrate", signal: request.stop }, async (db, locks) => {
    await locks.open();
    if (!(await waitForLock(locks, { scope: "migrate", key: "schema", timeoutMs: WAIT_MS }))) {
      throw new TryAgain("another migration holds the lock for more than 5 min; see r3a_util.lock_holder");
    }
    const client = openClient(db);
    locks.lost.addEventListener("abort", () => cutClient(client, locks.lost.reason));
    try {
      await client.connect();
      tellServer(db, (await sessionOf(client)).server);
      return await work(db, () => applyFiles(db, client, { ...request, stop: locks.signal, until }));
    } catch (error) {
      throw await faultOf(db, client, error);
    } finally {
      await client.end();
    }
  });
}

/** Returns the names of the missing files. A file that needs a table which somebody holds is tried again until `until`. */
async function applyFiles(
  db: Database,
  client: pg.Client,
  { stop, warn, onBusy, until }: MigrateRequest & { readonly until: number },
): Promise<readonly string[]> {
  const { maker, hasSchema } = await findMaker(db);
  // all objects must belong to one role: else one login could not change what another login made
  if (maker !== null) await client.query(`set role ${pg.escapeIdentifier(maker)}`);
  const applied = await listApplied(client);
  const faults = rememberFaults(client);
  const run = async () => {
    const names = await listApplied(client);
    if (missingFirst(names).length > 0) {
      await runFiles(client, FIRST_MIGRATIONS, hasSchema);
      // checkRequirements could not compare the objects of a part of the first files
      await checkObjects(db, await pendingOf(await listApplied(client)));
    }
    if (hasFirst(names)) await renumber(client);
    await runFiles(client, MIGRATIONS, hasSchema);
  };
  await retryBusy(
    async () => {
      faults.length = 0;
      await run().catch(async (error: unknown) => {
        const fault = faults.at(-1) ?? error;
        if (isBusy(fault)) {
          onBusy?.(translate(fault));
          await client.query("rollback"); // node-pg-migrate leaves the transaction as it failed
        }
        throw fault;
      });
    },
    until,
    stop,
  );
  if (hasFirst(applied))
    warn?.("r3a.migration had names of files from before the first release, and has the names of now");
  return pendingOf(applied);
}

async function runFiles(client: pg.Client, dir: string, hasSchema: boolean): Promise<void> {
  await runner({
    dbClient: client,
    dir,
    direction: "up",
    migrationsTable: "migration",
    migrationsSchema: "r3a",
    // with true it needs the right to create schemas, even if this one exists
    createMigrationsSchema: !hasSchema,
    noLock: true, // its own wait blocks inside the server and so holds back vacuum; withMigrateLock holds the lock
    log: () => {},
  });
}

/** Keeps the errors of statements: for some, node-pg-migrate keeps the stack and loses what the server or connection said. */
function rememberFaults(client: pg.Client): unknown[] {
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
