import { readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { runner } from "node-pg-migrate";
import pg from "pg";
import { SettingsFault, TryAgain } from "../errors.ts";
import { sleep } from "../time.ts";
import { clientConfig, codeOf, type Database, openDatabase, translate, withClient } from "./connect.ts";
import { openLockSession, waitForLock } from "./lock.ts";

/** Beside the sources in development, beside the bundle in the image. */
const DIRECTORY = fileURLToPath(
  new URL(import.meta.url.endsWith(".ts") ? "../../../sql/migrations" : "sql/migrations", import.meta.url),
);

/** Of two at once the second waits: a migration builds nothing large, so minutes mean a holder that hangs. */
const WAIT_MS = 5 * 60_000;

/** The old layout has the same table name, with a leaf per coin, month and interval. */
const IS_LEGACY = `
  select to_regclass('r3a.ohlcv_partitioned') is not null
     and not exists (select 1 from information_schema.columns
                     where table_schema = 'r3a' and table_name = 'ohlcv_partitioned' and column_name = 'close_time') as legacy`;

const UNDEFINED_TABLE = "42P01";
const INVALID_SCHEMA = "3F000";

const APPLIED = `select name from r3a.migration order by name`;

/** Applies what is missing, each file in a transaction of its own. Returns the names it applied; safe at any time. */
export async function migrate(url: string, dryRun = false): Promise<readonly string[]> {
  const db = openDatabase(url, "migrate");
  const locks = await openLockSession(db);
  const client = new pg.Client(clientConfig(url, "migrate"));
  try {
    if (!(await waitForLock(locks, "migrate", "schema", WAIT_MS))) {
      throw new TryAgain("another migration holds the lock for more than 5 min; see r3a_util.lock_holder");
    }
    await client.connect();
    const { rows } = await client.query<{ legacy: boolean }>(IS_LEGACY);
    if (rows[0]?.legacy === true) {
      throw new SettingsFault([
        "the database has the old layout (a leaf per coin, month and interval): run migrate-layout",
      ]);
    }
    if (dryRun) return await listPending(db);
    const applied = await runner({
      dbClient: client,
      dir: DIRECTORY,
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
    await db.pool.end();
  }
}

/** Names of the files that the database does not have yet; all of them where it has none. */
export async function listPending(db: Database): Promise<readonly string[]> {
  const files = (await readdir(DIRECTORY))
    .filter((file) => file.endsWith(".sql"))
    .map((file) => file.slice(0, -4));
  const applied = await withClient(db, async (client) => {
    const { rows } = await client.query<{ name: string }>(APPLIED);
    return new Set(rows.map(({ name }) => name));
  }).catch((error: unknown) => {
    if (codeOf(error) === UNDEFINED_TABLE || codeOf(error) === INVALID_SCHEMA) return new Set<string>();
    throw error;
  });
  return files.filter((file) => !applied.has(file)).toSorted();
}

/**
 * Waits until the database answers and has every migration of this program; TryAgain after `waitMs`, which says which
 * of the two it was.
 */
export async function waitForSchema(db: Database, waitMs: number, signal: AbortSignal): Promise<void> {
  const until = performance.now() + waitMs;
  for (;;) {
    const state = await listPending(db).catch((error: unknown) => {
      if (error instanceof TryAgain) return error;
      throw error;
    });
    if (!(state instanceof TryAgain) && state.length === 0) return;
    if (performance.now() >= until) {
      if (state instanceof TryAgain) throw state;
      throw new TryAgain(`the database lacks ${state.join(", ")}: run migrate`);
    }
    await sleep(Math.min(500, Math.max(1, until - performance.now())), signal);
  }
}
