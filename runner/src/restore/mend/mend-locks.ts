import { readFacts } from "../../db/backup/snapshot.ts";
import type { Database } from "../../db/connect.ts";
import { type LockSession, openLockSession } from "../../db/lock.ts";
import { own } from "../../db/session.ts";
import { TryAgain } from "../../errors.ts";

/** The locks of a run that mends: the one of the run, and the one of the leaf that it works on. */
export type MendLocks = {
  /** The session that has the locks now. */
  readonly current: LockSession;
  /** False where a seal or another restore works on the leaf. */
  readonly holdLeaf: (name: string) => Promise<boolean>;
  readonly freeLeaf: () => Promise<void>;
  /**
   * Takes both locks again where reading a damaged page ended the server, and with it this session. TryAgain where somebody
   * else has one of them meanwhile, or where another server took the place of this one: of what this run has put into the
   * scratch table it may lack the end.
   */
  readonly regain: () => Promise<void>;
  readonly end: () => Promise<void>;
};

const RUN = ["restore", "damaged"] as const;
const OF_LEAF = "leaf-work";

/** null: another run mends. */
export async function openMendLocks(db: Database, stop: AbortSignal): Promise<MendLocks | null> {
  let current = await openLockSession(db, stop);
  if (!(await current.tryLock(...RUN))) {
    await current.end();
    return null;
  }
  let leaf: string | null = null;
  const line = await readLine(db, stop);
  return {
    get current() {
      return current;
    },
    async holdLeaf(name) {
      if (!(await current.tryLock(OF_LEAF, name))) return false;
      leaf = name;
      return true;
    },
    async freeLeaf() {
      const name = leaf;
      leaf = null;
      if (name !== null && !current.lost.aborted) await current.unlock(OF_LEAF, name);
    },
    async regain() {
      if (!current.lost.aborted) return;
      await current.end();
      current = await openLockSession(db, stop);
      const isHeld =
        (await current.tryLock(...RUN)) && (leaf === null || (await current.tryLock(OF_LEAF, leaf)));
      if (isHeld && (await readLine(db, stop)) === line) return;
      const what = isHeld ? "another server took its place" : "another run has taken the locks of this one";
      throw new TryAgain(`the server was restarted, and ${what}: run the command again`);
    },
    end: () => current.end(),
  };
}

/** The same text after a restart; another one after a failover, whose server may lack what was committed last. */
async function readLine(db: Database, signal: AbortSignal): Promise<string> {
  const { systemIdentifier, timeline } = await own(db, signal, readFacts);
  return `${systemIdentifier} ${timeline}`;
}
