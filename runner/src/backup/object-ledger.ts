import type { ObjectRef } from "../archive/object-ref.ts";
import type { Tier } from "../contract/tiers.ts";
import { noteObject } from "../db/backup/note-object.ts";
import { findSameText } from "../db/backup/stored-objects.ts";
import type { Database } from "../db/connect.ts";
import { type LockSession, waitForLock } from "../db/lock.ts";

/** An object that some run noted. `tiers`: those that hold it by the ledger and by their listing; others may hold it too. */
export type KnownObject = ObjectRef & { readonly tiers: readonly Tier[] };

/** What the ledger of the objects does for their writer. */
export type ObjectLedger = {
  /** The objects with this text, oldest first, as they are noted at this moment. */
  readonly list: (plainSha256: string) => Promise<readonly KnownObject[]>;
  /** Notes an object that is put next. */
  readonly note: (object: ObjectRef & { readonly attempt: string }) => Promise<void>;
  /** Does the work while no other run puts an object with this text. */
  readonly alone: <T>(plainSha256: string, work: () => Promise<T>) => Promise<T>;
};

export type LedgerTools = {
  readonly db: Database;
  readonly locks: LockSession;
  readonly backup: number;
  /** Whether the object was in the tier when the run listed it, and the tier did not fail since. */
  readonly isListed: (tier: Tier, key: string) => boolean;
};

/**
 * The same text in two runs at once is small: the schema, a table that did not change. A delta that met a base of a daily run
 * would wait for no longer than this, and then put a second object with the same text.
 */
const PATIENCE_MS = 10_000;

export function createObjectLedger({ db, locks, backup, isListed }: LedgerTools): ObjectLedger {
  return {
    async list(plainSha256) {
      const same = await findSameText(db, plainSha256);
      return same.map((known) => ({
        ...known,
        tiers: known.tiers.filter((tier) => isListed(tier, known.key)),
      }));
    },
    note: (object) => noteObject(db, { ...object, madeBy: backup }),
    async alone(plainSha256, work) {
      const lock = { scope: "backup-object", key: plainSha256 } as const;
      const isMine = await waitForLock(locks, { ...lock, timeoutMs: PATIENCE_MS });
      try {
        return await work();
      } finally {
        if (isMine) await locks.unlock(lock.scope, lock.key);
      }
    },
  };
}
