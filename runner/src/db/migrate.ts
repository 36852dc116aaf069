import { runner } from "node-pg-migrate";
import { SettingsFault, TryAgain } from "../errors.ts";
import { createClient } from "./client.ts";
import { clientConfig, closeDatabase, openDatabase } from "./connect.ts";
import { translate } from "./fault.ts";
import { findStage } from "./legacy-catalog.ts";
import { openLockSession, waitForLock } from "./lock.ts";
import { listPending, MIGRATIONS } from "./schema.ts";

/** Of two at once the second waits: a migration builds nothing large, so minutes mean a holder that hangs. */
const WAIT_MS = 5 * 60_000;

/**
 * Applies what is missing, each file in a transaction of its own. Returns the names it applied; safe at any time.
 * `isPlan` only names them; `stop` ends the wait for another migration.
 */
export async function migrate(
  url: string,
  { isPlan = false, stop }: { readonly isPlan?: boolean; readonly stop?: AbortSignal } = {},
): Promise<readonly string[]> {
  const db = openDatabase(url, "migrate");
  const locks = await openLockSession(db, stop);
  const client = createClient(clientConfig(url, "migrate"));
  // without a listener a server that goes away between two statements would end the process
  client.on("error", () => {});
  try {
    if (!(await waitForLock(locks, "migrate", "schema", WAIT_MS))) {
      throw new TryAgain("another migration holds the lock for more than 5 min; see r3a_util.lock_holder");
    }
    await client.connect();
    if ((await findStage(db)) === "old") {
      throw new SettingsFault([
        "the database has the old layout (a leaf per coin, month and interval): run migrate-layout",
      ]);
    }
    if (isPlan) return await listPending(db);
    const applied = await runner({
      dbClient: client,
      dir: MIGRATIONS,
      direction: "up",
      migrationsTable: "migration",
      migrationsSchema: "r3a",
      createMigrationsSchema: true,
      noLock: true, // its own wait blocks inside the server and so holds back vacuum; ours is held above
      log: () => {},
    });
    return applied.map(({ name }) => name);
  } catch (error) {
    throw translate(error);
  } finally {
    await client.end();
    await locks.end();
    await closeDatabase(db);
  }
}
