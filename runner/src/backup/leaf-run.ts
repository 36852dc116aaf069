import type { Tier } from "../contract/tiers.ts";
import { closeBackup } from "../db/backup/backup-rows.ts";
import { listLooks, listStoredParts, listSuspects } from "../db/backup/ledger.ts";
import { isReplaced } from "../db/backup/replaced.ts";
import { type Snapshot, withSnapshot } from "../db/backup/snapshot.ts";
import { type LedgerWrite, writeLedger } from "../db/backup/write-ledger.ts";
import type { Database } from "../db/connect.ts";
import { type LockSession, waitForLock } from "../db/lock.ts";
import { own } from "../db/session.ts";
import { TryAgain } from "../errors.ts";
import { askLeaf } from "./ask-leaf.ts";
import type { BackupContext, BackupRequest } from "./backup-run.ts";
import { type Confirmed, confirmLeaf, listBases, noteHeld } from "./confirm-leaf.ts";
import { createDueTiers, type DueTiers, failWithout } from "./due-tiers.ts";
import { MOST_SUSPECTS } from "./export-all.ts";
import { type ExportedLeaf, exportLeaf } from "./export-leaf.ts";
import { type Holdings, listHoldings } from "./holdings.ts";
import { toLeafWrite, toUse } from "./leaf-write.ts";
import { createObjectLedger } from "./object-ledger.ts";
import { createObjectWriter } from "./object-writer.ts";
import { sweepSpool } from "./spool.ts";

/** `rows`, `bytes`, `objects`: new ones. `open`: suspects of the leaf. `unbased`: parts that no object holds as they are. */
export type LeafBackup = {
  readonly backup: number;
  readonly rows: number;
  readonly bytes: number;
  readonly objects: number;
  readonly open: number;
  readonly unbased: number;
};

/** Backs up one leaf after the other, each as a backup of its own without a manifest: the next one's manifest names them. */
export type LeafBackups = {
  /** Judges the leaf by its content as a daily backup does, and writes whole what no object holds whole. */
  readonly backUp: (leaf: string) => Promise<LeafBackup>;
  /**
   * Reads the objects that restore the leaf from each tier to their end, and gives a tier what it lacks; those that were read
   * back after `since` (ms) are not read again. A tier that fails gets nothing more in this run.
   */
  readonly confirm: (leaf: string, since: number) => Promise<Confirmed>;
  /** What the tiers that failed said. */
  readonly faults: () => readonly string[];
};

/** A ledger is written within seconds. */
const LEDGER_PATIENCE_MS = 30 * 60_000;

type Tools = {
  readonly context: BackupContext;
  readonly db: Database;
  /** Holds the lock `seal`, so no other run of this kind is at work. */
  readonly locks: LockSession;
  readonly request: Pick<BackupRequest, "stores" | "recipients" | "spool">;
};

export type LeafWork = Tools & { readonly tiers: DueTiers; readonly holdings: Holdings };

/** Lists the tiers once; throws where none of them answers. */
export async function openLeafBackups(tools: Tools): Promise<LeafBackups> {
  const { context, locks, request } = tools;
  await sweepSpool(request.spool);
  const tiers = createDueTiers(request.stores, (tier, fault) =>
    context.log.error({ "event.name": "tier_failed", tier }, `[SEAL] ${fault}`),
  );
  const work = { ...tools, tiers, holdings: await listHoldings(tiers, locks.signal) };
  failWithout(tiers);
  return {
    backUp: (leaf) => backUp(work, leaf),
    confirm: (leaf, since) =>
      confirmLeaf({ ...work, spool: request.spool, signal: locks.signal }, leaf, since),
    faults: () => [...tiers.faults.values()],
  };
}

async function backUp({ context, db, locks, request, tiers, holdings }: LeafWork, name: string) {
  const { signal } = locks;
  const taking = { runId: context.runId, kind: "seal", signal } as const;
  return withSnapshot(db, taking, async (snapshot): Promise<LeafBackup> => {
    const { backup, client } = snapshot;
    const isListed = (tier: Tier, key: string) =>
      !tiers.faults.has(tier) && holdings.bytesOf(tier, key) !== null;
    const ledger = createObjectLedger({ db, locks, backup, isListed });
    const { recipients, spool } = request;
    const writer = createObjectWriter({ tiers, spool, recipients, ledger, signal, onHeld: holdings.add });
    await noteHeld({ tiers, holdings, signal }, await listBases(client, name));
    const open = await listSuspects(client, { leaf: name, most: MOST_SUSPECTS });
    const look = (await listLooks(client)).get(name)?.backup;
    const { question } = await askLeaf(snapshot, { name, open, look, isLost: holdings.isLost });
    const whole = { ...question, isDaily: true, accepted: [], lost: [], besideAgain: [] };
    const exported = await snapshot.beside(async (other) => {
      if (await isReplaced(other, question.leaf)) throw new TryAgain(`r3a.${name} was swapped meanwhile`);
      return exportLeaf({ client: other, writer }, whole);
    });
    failWithout(tiers);
    const write = toWrite(exported, { snapshot, open });
    await writeAlone({ db, locks }, snapshot, write);
    await closeBackup(db, backup, { outcome: "stored" });
    const left = await own(db, signal, async (reader) => ({
      open: (await listSuspects(reader, { leaf: name, most: MOST_SUSPECTS })).length,
      parts: await listStoredParts(reader, { name }),
    }));
    const unbased = left.parts.filter(({ rows, base, hash }) => rows > 0 && base?.hash !== hash).length;
    const objects = exported.objects.filter(({ isNew }) => isNew).length;
    return { backup, rows: write.rows, bytes: write.bytes, objects, open: left.open, unbased };
  });
}

function toWrite(
  exported: ExportedLeaf,
  {
    snapshot,
    open,
  }: { readonly snapshot: Snapshot; readonly open: Awaited<ReturnType<typeof listSuspects>> },
): LedgerWrite {
  const fresh = exported.objects.filter(({ isNew }) => isNew);
  const copies = new Map(exported.objects.map((object) => [object.key, object]));
  const isSound = (part: (typeof open)[number]) =>
    exported.sound.some(({ coinId, interval }) => coinId === part.coinId && interval === part.interval);
  return {
    isWhole: exported.isWhole,
    rows: fresh.reduce((sum, { rows }) => sum + rows, 0),
    bytes: fresh.reduce((sum, { bytes }) => sum + bytes, 0),
    copies: [...copies.values()].flatMap(({ key, read }) =>
      read.map((tier) => ({ key, tier, verifiedAt: Date.now() })),
    ),
    uses: exported.objects.flatMap(toUse),
    gapSeries: [],
    found: exported.suspects,
    gone: open.filter(isSound).map(({ id }) => id),
    accepted: null,
    leaves: () => toLeafWrite(exported, snapshot),
  };
}

async function writeAlone(
  { db, locks }: Pick<Tools, "db" | "locks">,
  snapshot: Snapshot,
  write: LedgerWrite,
): Promise<void> {
  const lock = { scope: "backup-manifest", key: "global" } as const;
  if (!(await waitForLock(locks, { ...lock, timeoutMs: LEDGER_PATIENCE_MS })))
    throw new TryAgain("another backup writes its manifest for half an hour; look at it with runs");
  try {
    await writeLedger(db, snapshot, write);
  } finally {
    await locks.unlock(lock.scope, lock.key);
  }
}
