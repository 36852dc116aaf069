import { closeDatabase, type Database, openDatabase } from "../db/connect.ts";
import { STORE_SETTINGS } from "../settings/backup.ts";
import { type Environment, parseSettings } from "../settings/parse.ts";
import type { Settings } from "../settings/table.ts";
import { type Check, type Result, runChecks } from "./check.ts";
import { clusterChecks } from "./cluster.ts";
import { exchangeChecks } from "./exchange.ts";
import { healthCheck } from "./health.ts";
import { keysCheck } from "./keys.ts";
import { createOnSchema } from "./schema-lack.ts";
import { serverChecks } from "./server.ts";
import { sessionChecks } from "./session.ts";
import { settingsChecks } from "./settings.ts";
import { storesCheck } from "./stores.ts";

export type Place = {
  readonly env: Environment;
  /** The namespace in the cluster. Null: that of the current context. */
  readonly namespace: string | null;
  readonly signal: AbortSignal;
};

/** Runs all checks, or those that `only` names. Changes nothing and waits for nothing. */
export async function diagnose(place: Place, only: readonly string[] | null): Promise<readonly Result[]> {
  // if DB_URL is wrong, the check `db-url` fails, and all checks that need the database are skipped
  const db = openDatabase(readSetting(place.env, ["dbUrl"])?.dbUrl ?? "", "doctor");
  const over = new AbortController();
  try {
    const signal = AbortSignal.any([place.signal, over.signal]);
    return await runChecks(createChecks({ ...place, signal }, db), only, place.signal);
  } finally {
    over.abort(); // a request that hangs must end with its check
    void closeDatabase(db);
  }
}

/** Names of all checks, in the order of the report. */
export function listCheckNames(): readonly string[] {
  const place = { env: {}, namespace: null, signal: new AbortController().signal };
  return createChecks(place, openDatabase("", "doctor")).map(({ name }) => name);
}

function createChecks({ env, namespace, signal }: Place, db: Database): readonly Check[] {
  const onSchema = createOnSchema(db);
  return [
    ...settingsChecks(env),
    ...serverChecks(db, env.NODE_EXTRA_CA_CERTS ?? null),
    ...sessionChecks(db, onSchema),
    healthCheck(db, env),
    storesCheck(readSetting(env, STORE_SETTINGS)),
    keysCheck(env),
    ...exchangeChecks(db, onSchema, readSetting(env, ["exchangeUrl", "egressKey"])),
    ...clusterChecks(env, namespace, signal),
  ];
}

/** Null if one setting is wrong: the check `settings` reports the fault. */
function readSetting<K extends keyof Settings>(
  env: Environment,
  names: readonly K[],
): Pick<Settings, K> | null {
  try {
    return parseSettings(env, names);
  } catch {
    return null;
  }
}
