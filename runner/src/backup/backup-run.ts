import type { BackupKind, Manifest } from "../archive/manifest.ts";
import type { Context } from "../context.ts";
import type { Tier } from "../contract/tiers.ts";
import { TIER_PROMISES } from "../contract/tiers.ts";
import { closeBackup } from "../db/backup/backup-rows.ts";
import { countAcceptedSince, countSuspects } from "../db/backup/ledger.ts";
import { listLeftOut } from "../db/backup/left-out.ts";
import { noteCopies } from "../db/backup/manifest-rows.ts";
import { type Snapshot, withSnapshot } from "../db/backup/snapshot.ts";
import { listCopiesSince } from "../db/backup/stored-objects.ts";
import { listSuspectGroups, type SuspectGroup } from "../db/backup/suspect-groups.ts";
import { writeLedger } from "../db/backup/write-ledger.ts";
import type { Database } from "../db/connect.ts";
import { type LockSession, openLockSession, waitForLock } from "../db/lock.ts";
import { bounded, own } from "../db/session.ts";
import { SettingsFault, TryAgain } from "../errors.ts";
import { createProgress } from "../progress.ts";
import type { Store } from "../store/store.ts";
import { countRows, findCollapse } from "./collapse.ts";
import { createDueTiers, type DueTiers, failWithout } from "./due-tiers.ts";
import { type Accepted, exportAll } from "./export-all.ts";
import { addNoted, listHoldings } from "./holdings.ts";
import type { LostPart } from "./lost-parts.ts";
import { createObjectLedger } from "./object-ledger.ts";
import { createObjectWriter } from "./object-writer.ts";
import { type Published, publish } from "./publish.ts";
import { readPublication } from "./read-publication.ts";
import { sweepSpool } from "./spool.ts";
import { findStranger, renderStranger, type Stranger } from "./strangers.ts";

/** What a backup needs of its process. */
export type BackupContext = Pick<Context, "runId" | "signal" | "log" | "terminal">;

export type BackupRequest = {
  readonly kind: BackupKind;
  readonly stores: readonly Store[];
  readonly recipients: readonly string[];
  readonly spool: string;
  /** What a person accepts as it is now; null: nothing. */
  readonly accept: Accepted | null;
};

/** `manifest`: its key; null: the tier failed, and `fault` says why. */
export type TierResult = {
  readonly tier: Tier;
  readonly address: string;
  readonly manifest: string | null;
  readonly fault: string | null;
};

/**
 * Times in ms. `leaves`: those that were looked at. `rows`, `bytes`, `objects`: new ones. `found`: new suspects. `lost`: parts
 * that are in no manifest of this run, since no tier has what restores them and something of them is suspect. `collapse`:
 * why this run restores much less than one before it. `leftOut`: names of what is in the database and in no backup.
 * `strangers`: what another database wrote into the tiers.
 */
export type BackupResult = {
  readonly kind: BackupKind;
  readonly backup: number;
  readonly snapshotAt: number;
  readonly isWhole: boolean;
  readonly leaves: number;
  readonly objects: number;
  readonly rows: number;
  readonly bytes: number;
  readonly tiers: readonly TierResult[];
  readonly found: number;
  readonly open: number;
  /** The open ones by part, the first MOST_GROUPS. */
  readonly suspects: readonly SuspectGroup[];
  readonly lost: readonly LostPart[];
  readonly collapse: string | null;
  readonly leftOut: readonly string[];
  readonly strangers: readonly Stranger[];
};

/** A manifest is written within seconds, also where a tier lacks much: then its objects are copied first. */
const MANIFEST_PATIENCE_MS = 30 * 60_000;
/** The catalog, and one row of each table that is none of ours. */
const LOOK_MS = 30_000;
/** Parts with suspects that a report names; r3a.backup_suspect has all. */
const MOST_GROUPS = 20;

/** The tiers that a run of this kind writes to; throws a SettingsFault where there is none. */
export function chooseDue(kind: BackupKind, stores: readonly Store[]): readonly Store[] {
  const due = stores.filter(({ tier }) => kind === "daily" || TIER_PROMISES[tier].runs === "every");
  if (due.length > 0) return due;
  throw new SettingsFault([
    stores.length === 0
      ? "no tier is set: set BACKUP_HOT, BACKUP_WARM or BACKUP_COLD to where backups shall lie"
      : "a delta goes to the tiers hot and warm, and neither is set: set BACKUP_HOT or BACKUP_WARM",
  ]);
}

/** One backup; null where another holder is at work on the same kind. */
export async function runBackup(
  context: BackupContext,
  db: Database,
  request: BackupRequest,
): Promise<BackupResult | null> {
  const { kind, stores, spool } = request;
  const due = chooseDue(kind, stores);
  const locks = await openLockSession(db, context.signal);
  try {
    if (!(await locks.tryLock(`backup-${kind}`, "global"))) return null;
    await sweepSpool(spool);
    const tiers = createDueTiers(due, (tier, fault) =>
      context.log.error({ "event.name": "tier_failed", tier }, `[BACKUP] ${fault}`),
    );
    const taking = { runId: context.runId, kind, signal: locks.signal };
    return await withSnapshot(db, taking, (snapshot) =>
      backUp({ context, db, locks, request, due, tiers, snapshot }),
    );
  } finally {
    await locks.end();
  }
}

type Work = {
  readonly context: BackupContext;
  readonly db: Database;
  readonly locks: LockSession;
  readonly request: BackupRequest;
  readonly due: readonly Store[];
  readonly tiers: DueTiers;
  readonly snapshot: Snapshot;
};

async function backUp({ context, db, locks, request, due, tiers, snapshot }: Work): Promise<BackupResult> {
  const { kind, recipients, spool, accept } = request;
  const { signal } = locks;
  const { backup, facts } = snapshot;
  const holdings = await listHoldings(tiers, signal);
  failWithout(tiers);
  const progress = createProgress("backup", context.terminal, "tables");
  // a tier that failed since then gives the others nothing
  const isListed = (tier: Tier, key: string) =>
    !tiers.faults.has(tier) && holdings.bytesOf(tier, key) !== null;
  const ledger = createObjectLedger({ db, locks, backup, isListed });
  const writer = createObjectWriter({ tiers, spool, recipients, ledger, signal, onHeld: holdings.add });
  const answered = tiers.list().map(({ tier }) => tier);
  const all = await exportAll(
    {
      snapshot,
      writer,
      progress,
      runId: context.runId,
      content: { isLost: holdings.isLost, tiers: answered },
    },
    { kind, accept },
  ).finally(progress.stop);
  failWithout(tiers);
  const isMine = await waitForLock(locks, {
    ...{ scope: "backup-manifest", key: "global" },
    timeoutMs: MANIFEST_PATIENCE_MS,
  });
  if (!isMine)
    throw new TryAgain("another backup writes its manifest for half an hour; look at it with runs");
  try {
    await writeLedger(db, snapshot, all.write);
    const copies = await own(db, signal, (client) => listCopiesSince(client, facts.xmin));
    await addNoted(holdings, { tiers, copies }, signal);
    failWithout(tiers);
    const { lost, ...content } = await own(db, signal, (client) =>
      readPublication(client, { snapshot, kind, runId: context.runId, isLost: holdings.isLost }),
    );
    const publication = { ...content, holdings, spool, now: Date.now() };
    const published = await publish(tiers, publication, signal);
    const { manifests, copied } = published;
    await noteCopies(
      db,
      copied.map((copy) => ({ ...copy, verifiedAt: Date.now() })),
    );
    failWithout(tiers);
    const strangers = await findStrangers({ context, db, tiers, signal }, published, backup);
    const collapse = await compareSizes({ db, tiers, signal }, content.manifest, published);
    await closeBackup(db, backup, {
      ...{ outcome: "complete", manifests: Object.fromEntries(manifests), fault: collapse },
    });
    const open = await own(db, signal, countSuspects);
    const limits = { limitMs: LOOK_MS, signal };
    const suspects = await bounded(db, limits, (client) => listSuspectGroups(client, MOST_GROUPS));
    const leftOut = await bounded(db, limits, listLeftOut);
    return {
      ...{ kind, backup, snapshotAt: facts.takenAt, isWhole: all.write.isWhole, leaves: all.leaves, open },
      ...{ objects: all.objects, rows: all.write.rows, bytes: all.write.bytes },
      tiers: due.map(({ tier, address }) => ({
        ...{ tier, address, manifest: manifests.get(tier) ?? null, fault: tiers.faults.get(tier) ?? null },
      })),
      found: all.write.found.length,
      ...{ suspects, lost, collapse, leftOut, strangers },
    };
  } finally {
    await locks.unlock("backup-manifest", "global");
  }
}

async function findStrangers(
  { context, db, tiers, signal }: Pick<Work, "context" | "db" | "tiers"> & { readonly signal: AbortSignal },
  { previous }: Published,
  backup: number,
): Promise<readonly Stranger[]> {
  const strangers: Stranger[] = [];
  await tiers.inEach(async (store) => {
    const before = { backup, previous: previous.get(store.tier) ?? null };
    const found = await own(db, signal, (client) => findStranger(client, store, { before, signal }));
    if (found === null) return;
    strangers.push(found);
    context.log.warn({ "event.name": "tier_shared", ...found }, `[BACKUP] ${renderStranger(found)}`);
  });
  return strangers;
}

/** In the nearest tier where it differs: a disk that is new has no earlier manifests. */
async function compareSizes(
  { db, tiers, signal }: Pick<Work, "db" | "tiers"> & { readonly signal: AbortSignal },
  manifest: Pick<Manifest, "leaves" | "kind">,
  { manifests, previous }: Published,
): Promise<string | null> {
  const rows = countRows(manifest);
  const countAccepted = (since: number) => own(db, signal, (client) => countAcceptedSince(client, since));
  let collapse: string | null = null;
  await tiers.inEach(async (store) => {
    const [key, last] = [manifests.get(store.tier) ?? "", previous.get(store.tier) ?? null];
    const compared = { rows, key, kind: manifest.kind, previous: last, countAccepted };
    collapse ??= await findCollapse(store, compared, signal);
  });
  return collapse;
}
