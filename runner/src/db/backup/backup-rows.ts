import { type Database, withClient } from "../connect.ts";
import { onlyRow } from "../only-row.ts";
import type { OwnClient } from "../session.ts";

/** `seal`: of one leaf alone, without a manifest. */
export type BackupKind = "daily" | "delta" | "seal";

/**
 * What a snapshot was taken of. `takenAt` in ms. Every transaction below `xmin` had ended; `nextXid` is above every one
 * that had. Both count on over wraparounds. `serverVersion` such as 180004.
 */
export type SnapshotFacts = {
  readonly takenAt: number;
  readonly xmin: bigint;
  readonly nextXid: bigint;
  readonly systemIdentifier: string;
  readonly timeline: number;
  readonly serverVersion: number;
};

const ABANDON = `
  update r3a.backup set finished_at = now(), error = 'the process is gone',
         outcome = case outcome when 'running' then 'failed' else outcome end
  where kind = $1 and finished_at is null`;

/** Closes backups of the kind that did not end by the ledger; the caller holds the lock of the kind. */
export async function abandonBackups(client: OwnClient, kind: BackupKind): Promise<void> {
  await client.query(ABANDON, [kind]);
}

const OPEN = `insert into r3a.backup (run_id, kind) values ($1, $2) returning id::int`;

/** Returns the id of the new backup. */
export async function openBackup(
  client: OwnClient,
  { runId, kind }: { readonly runId: string; readonly kind: BackupKind },
): Promise<number> {
  return onlyRow(await client.query<{ id: number }>(OPEN, [runId, kind])).id;
}

const NOTE_SNAPSHOT = `
  update r3a.backup set snapshot_at = to_timestamp($2::float8 / 1000), snapshot_xmin = $3, next_xid = $4,
         system_identifier = $5, timeline = $6, server_version = $7 where id = $1`;

export async function noteSnapshot(db: Database, backup: number, facts: SnapshotFacts): Promise<void> {
  await withClient(db, (client) => client.query(...snapshotValues(backup, facts)));
}

/** The statement that notes the snapshot of a backup, with its values. */
export function snapshotValues(backup: number, facts: SnapshotFacts): [text: string, values: unknown[]] {
  const { takenAt, xmin, nextXid, systemIdentifier, timeline, serverVersion } = facts;
  const values = [backup, takenAt, String(xmin), String(nextXid), systemIdentifier, timeline, serverVersion];
  return [NOTE_SNAPSHOT, values];
}

/** `manifests`: the key of the manifest by the tier that holds it. `fault`: why a person must look at it; health shows it. */
export type BackupEnd =
  | {
      readonly outcome: "complete";
      readonly manifests: Readonly<Record<string, string>>;
      readonly fault: string | null;
    }
  | { readonly outcome: "failed"; readonly error: string }
  /** Without a manifest: that of the next backup names what this one wrote. */
  | { readonly outcome: "stored" };

const COMPLETE = `
  update r3a.backup set outcome = 'complete', finished_at = now(), manifests = $2, error = $3,
         tiers = array(select jsonb_object_keys($2::jsonb) order by 1)
  where id = $1 and outcome = 'stored'`;
/** What the ledger has already stays believed: only the manifest is missing, and the next backup writes one. */
const FAIL = `
  update r3a.backup set finished_at = now(), error = $2, outcome = case outcome when 'running' then 'failed' else outcome end
  where id = $1 and outcome <> 'complete'`;

const END_STORED = `update r3a.backup set finished_at = now() where id = $1 and outcome = 'stored'`;

const LONGEST_ERROR = 2_000;

/**
 * Closes the backup. It is complete only after its ledger was written. A backup that failed after that stays `stored`: its
 * objects are in the ledger, and the manifest of the next backup names them.
 */
export async function closeBackup(db: Database, backup: number, end: BackupEnd): Promise<void> {
  await withClient(db, async (client) => {
    if (end.outcome === "failed") {
      await client.query(FAIL, [backup, end.error.slice(0, LONGEST_ERROR)]);
      return;
    }
    if (end.outcome === "stored") {
      await client.query(END_STORED, [backup]);
      return;
    }
    const { rowCount } = await client.query(COMPLETE, [
      backup,
      JSON.stringify(end.manifests),
      end.fault?.slice(0, LONGEST_ERROR) ?? null,
    ]);
    if (rowCount !== 1) throw new Error(`backup ${backup} is not stored, so it cannot be complete`);
  });
}
