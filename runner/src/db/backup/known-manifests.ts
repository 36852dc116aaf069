import { onlyRow } from "../only-row.ts";
import type { OwnClient } from "../session.ts";
import { msOf } from "../sql-time.ts";

/**
 * What the ledger knows of a manifest: whether it has its key; whether it has any backup but `backup`; and when the last
 * restore of the whole database began (ms; null: none), which left out what came later than the backup that it chose.
 */
export type Knowledge = {
  readonly isKnown: boolean;
  readonly hasOthers: boolean;
  readonly restoredAt: number | null;
};

/** Whatever the tier: its folder may have been moved to another one. */
const LOOK_UP = `
  select exists (select from r3a.backup b cross join lateral jsonb_each_text(b.manifests) m where m.value = $1) as "isKnown",
         exists (select from r3a.backup where id <> $2) as "hasOthers",
         (select ${msOf("max(started_at)")} from r3a.run where command = 'restore' and arguments like '--all%') as "restoredAt"`;

export async function lookUpManifest(
  client: OwnClient,
  { key, backup }: { readonly key: string; readonly backup: number },
): Promise<Knowledge> {
  return onlyRow(await client.query<Knowledge>(LOOK_UP, [key, backup]));
}

const HAS_RUN = `select exists (select from r3a.backup where run_id::text = $1) as "hasRun"`;

/** Whether the ledger has a backup of this run, also one that was killed. */
export async function hasBackupOfRun(client: OwnClient, runId: string): Promise<boolean> {
  return onlyRow(await client.query<{ hasRun: boolean }>(HAS_RUN, [runId])).hasRun;
}
