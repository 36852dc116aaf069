import { join } from "node:path";
import pino from "pino";
import { openLeafBackups } from "../../../runner/src/backup/leaf-run.ts";
import { runSeal, type SealRequest, type SealResult } from "../../../runner/src/seal/seal-run.ts";
import type { LeafBackups } from "../../../runner/src/seal/seal-work.ts";
import type { Store } from "../../../runner/src/store/store.ts";
import { withRunner } from "../backup/parts.ts";
import type { Backups } from "../backup/runs.ts";
import type { UsedDatabase } from "../database/database.ts";

/** `stores`: hot and warm where nothing else is said. `change`: what a test puts between seal and its backups. */
export type SealChanges = Partial<Pick<SealRequest, "leaf" | "budgetBytes">> & {
  readonly stores?: readonly Store[];
  readonly change?: (backups: LeafBackups) => LeafBackups;
  readonly signal?: AbortSignal;
};

/** Seals what is over, as the command does. */
export function createSeal(database: Pick<UsedDatabase, "url">, backups: Backups) {
  return async ({
    leaf = null,
    budgetBytes = null,
    stores = [backups.hot, backups.warm],
    change = (same) => same,
    signal = new AbortController().signal,
  }: SealChanges = {}): Promise<SealResult> => {
    const log = pino({ level: "silent" });
    const context = { runId: crypto.randomUUID(), signal, log, terminal: null };
    const request = { stores, recipients: [backups.recipient], spool: join(backups.folder, "spool") };
    const result = await withRunner(database, (db) =>
      runSeal(context, db, {
        ...{ leaf, budgetBytes },
        openBackups: async (locks) => change(await openLeafBackups({ context, db, locks, request })),
      }),
    );
    if (result === null) throw new Error("another seal is at work");
    return result;
  };
}

/** What r3a.leaf_state says of a leaf. */
export async function stateOf({ query }: Pick<UsedDatabase, "query">, leaf: string) {
  const [row] = await query<{ state: string; note: string | null; isGuarded: boolean; isSealed: boolean }>(
    `select state, note, sealed_at is not null as "isSealed",
            exists (select from pg_trigger where tgrelid = to_regclass('r3a.' || leaf) and tgname = 'r3a_guard') as "isGuarded"
     from r3a.leaf_state where leaf = $1`,
    [leaf],
  );
  return row ?? null;
}
