import type { Context } from "../../context.ts";
import type { Database } from "../../db/connect.ts";
import { nameAddress } from "../../db/connection/address.ts";
import { openLockSession } from "../../db/lock.ts";
import { type Restoration, readRestoration } from "../../db/restore/restoration.ts";
import { lookAtTarget } from "../../db/restore/target-database.ts";
import { renderArguments } from "../../db/runs.ts";
import { migrate } from "../../db/schema/migrate.ts";
import { type OwnClient, own } from "../../db/session.ts";
import { SettingsFault, TryAgain } from "../../errors.ts";
import { withRun } from "../../run.ts";
import { renderTime } from "../../time.ts";
import { reasonOfWhole } from "../ledger-reason.ts";
import {
  type Candidate,
  createManifestReader,
  listCandidates,
  type ManifestReader,
  type Refuse,
} from "../manifests.ts";
import { kindOf, type Refused, type RestoreRefusal, reasonOf } from "../refusal.ts";
import { collectRefused } from "../refused-text.ts";
import { noteBroken, refuseBroken } from "../try-candidates.ts";
import { beginWhole } from "./first-step.ts";
import { type LeafResult, loadLeaves } from "./load-leaves.ts";
import type { LoadedTable } from "./load-tables.ts";
import { refuseOtherTime } from "./other-time.ts";
import { previewWhole } from "./preview.ts";
import { exitOfLeaves, type WholeOutcome, type WholeRequest } from "./whole-outcome.ts";

/**
 * Restores everything into the empty database `db`, or goes on with a restore that was cut off there, or says what it would
 * do. A leaf that no backup gives waits and does not stop the others; where `acceptLoss` says why, it becomes an open gap. Throws a SettingsFault where the database is not empty, or
 * where a role is missing that this one may not make.
 */
export async function restoreWhole(
  context: Context,
  db: Database,
  request: WholeRequest,
): Promise<WholeOutcome> {
  const startedAt = performance.now();
  const { refused, refuse } = collectRefused(context.log);
  if (request.isPreview) {
    const planned = await previewWhole(context, db, { request, refuse });
    return { ...planned, refused, ms: Math.round(performance.now() - startedAt) };
  }
  return withRestoreLock(db, context.signal, (signal) =>
    own(db, signal, async (client) => {
      const listed = await listCandidates(request.stores, request.wish, { signal, refuse });
      const reader = createManifestReader(signal, refuse);
      const tools: Tools = {
        context: { ...context, signal },
        db,
        client,
        reader,
        refuse,
        refused,
        startedAt,
      };
      const begun = await beginOrGoOn(tools, { request, listed });
      if (begun === null) {
        const ms = Math.round(performance.now() - startedAt);
        return { ...NOTHING, refused, ms };
      }
      const { restoration, tables, isResumed } = begun;
      await migrateOlder(tools);
      // a leaf of a later backup has rows that the tables know nothing of
      const candidates = listed.filter(({ madeAt }) => madeAt <= restoration.madeAt);
      const { leaves, hotMs, isOver } = await inRun(tools, { request, candidates });
      const restored = leaves.filter(({ outcome }) => outcome === "restored");
      return {
        from: sourceOf(restoration),
        ...{ isResumed, isOver, tables, leaves, refused, hotMs },
        rows: restored.reduce((sum, { rows }) => sum + rows, 0),
        ms: Math.round(performance.now() - startedAt),
      };
    }),
  );
}

const NOTHING = { from: null, isResumed: false, isOver: true, tables: [], leaves: [], rows: 0, hotMs: null };

type Tools = {
  readonly context: Context;
  readonly db: Database;
  readonly client: OwnClient;
  readonly reader: ManifestReader;
  readonly refuse: Refuse;
  readonly refused: readonly Refused[];
  readonly startedAt: number;
};
type Work = { readonly request: WholeRequest; readonly candidates: readonly Candidate[] };

/** Two restores of one database would mix. The lock ends with this process. */
async function withRestoreLock<T>(
  db: Database,
  stop: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const locks = await openLockSession(db, stop);
  try {
    if (!(await locks.tryLock("restore", "global")))
      throw new TryAgain("another restore works on this database: wait for its end");
    return await work(locks.signal);
  } finally {
    await locks.end();
  }
}

type Started = {
  readonly restoration: Restoration;
  readonly tables: readonly LoadedTable[];
  readonly isResumed: boolean;
};

/** null: no backup can be restored from. */
async function beginOrGoOn(
  { context: { log, signal }, client, reader, refuse }: Tools,
  { request, listed }: { readonly request: WholeRequest; readonly listed: readonly Candidate[] },
): Promise<Started | null> {
  if ((await lookAtTarget(client)) === "under-way") {
    const restoration = await readRestoration(client);
    if (restoration === undefined)
      throw new SettingsFault([
        "--to: the database has the schema r3a_restore without a row in its table state: drop the database, make it anew, and restore again",
      ]);
    refuseOtherTime(restoration, request.wish);
    log.info(
      { "event.name": "restore_resumed", manifest: restoration.manifest },
      `[RESTORE] going on with the restore of ${restoration.manifest}`,
    );
    return { restoration, tables: [], isResumed: true };
  }
  const broken = new Map<string, RestoreRefusal>();
  for (const candidate of listed) {
    const manifest = await reader.read(candidate);
    if (manifest === null) continue;
    const { tier, key } = candidate;
    try {
      const { identity } = request;
      const ofTables = manifest.tables.flatMap(({ objects }) => objects.map((object) => object.key));
      refuseBroken(broken, candidate, [manifest.schema.key, ...ofTables]);
      const { restoration, tables, roles } = await beginWhole(client, {
        ...{ candidate, manifest, identity, signal },
      });
      if (roles.length > 0)
        log.warn(
          { "event.name": "roles_made", roles },
          `[RESTORE] made the roles ${roles.join(", ")} without a login: an administrator gives each login its password`,
        );
      log.info(
        { "event.name": "restore_begun", tier, manifest: key },
        `[RESTORE] the schema and ${tables.length} tables are there as of ${manifest.snapshotAt}, from ${tier}`,
      );
      return { restoration, tables, isResumed: false };
    } catch (error) {
      const reason = reasonOf(error);
      if (reason === null) throw error;
      noteBroken(broken, candidate, error);
      refuse({ tier, manifest: key, leaf: null, reason, ...kindOf(error) });
    }
  }
  return null;
}

async function migrateOlder({ context: { log, signal }, db }: Tools): Promise<void> {
  const warn = (note: string) => log.warn({ "event.name": "server_noted" }, `[RESTORE] ${note}`);
  const applied = await migrate(db.url, { stop: signal, warn }).catch((error: unknown) => {
    throw nameAddress(error, db.address);
  });
  if (applied.length > 0)
    log.info({ "event.name": "restore_migrated" }, `[RESTORE] applied ${applied.join(", ")}`);
}

type Loaded = {
  readonly leaves: readonly LeafResult[];
  readonly hotMs: number | null;
  readonly isOver: boolean;
};

/** The leaves, as a run in the restored ledger. */
async function inRun(tools: Tools, { request, candidates }: Work): Promise<Loaded> {
  const { context, db, client, reader, refuse, refused, startedAt } = tools;
  const { at, tier } = request.wish;
  const args = renderArguments([], {
    "--all": true,
    "--at": at === null ? null : renderTime(at),
    "--tier": tier,
    "--accept-loss": request.acceptLoss,
  });
  let loaded: Loaded = { leaves: [], hotMs: null, isOver: false };
  await withRun({ context, db, command: "restore", args }, async () => {
    loaded = await loadLeaves(client, {
      ...{ context, candidates, reader, refuse, refused, startedAt },
      ...{ identity: request.identity, isLossAccepted: request.acceptLoss !== null },
    });
    return { exitCode: exitOfLeaves(loaded.leaves), reason: reasonOfWhole(loaded.leaves, refused) };
  });
  return loaded;
}

function sourceOf({ tier, manifest, snapshotAt }: Restoration): WholeOutcome["from"] {
  return { tier, manifest, snapshotAt: renderTime(snapshotAt) };
}
