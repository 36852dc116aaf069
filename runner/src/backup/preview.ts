import { leafOfName } from "../archive/leaf-record.ts";
import type { BackupKind } from "../archive/manifest.ts";
import { isUntouched, readCounters } from "../db/backup/leaf-counters.ts";
import { listLooks, listSuspects } from "../db/backup/ledger.ts";
import type { Database } from "../db/connect.ts";
import { own } from "../db/session.ts";
import { isSealed } from "../partition/sealed.ts";
import type { Store } from "../store/store.ts";
import { MOST_SUSPECTS } from "./export-all.ts";

/** `written`: rows that were written since the last backup by the server's count; null: no backup looked at the leaf. */
export type PlannedLeaf = { readonly leaf: string; readonly written: number | null };

export type BackupPlan = {
  readonly kind: BackupKind;
  readonly tiers: readonly Pick<Store, "tier" | "address">[];
  /** The leaves that are looked at. */
  readonly leaves: readonly PlannedLeaf[];
  readonly open: number;
};

/** What a backup would look at now. Takes no snapshot, and writes nothing. */
export async function previewBackup(
  db: Database,
  {
    kind,
    due,
    signal,
  }: { readonly kind: BackupKind; readonly due: readonly Store[]; readonly signal: AbortSignal },
): Promise<BackupPlan> {
  return own(db, signal, async (client) => {
    const [counters, looks] = [await readCounters(client), await listLooks(client)];
    const suspects = await listSuspects(client, { leaf: null, most: MOST_SUSPECTS });
    const isDue = (name: string) =>
      kind === "daily" ||
      !isSealed(leafOfName(name).span, Date.now()) ||
      suspects.some(({ leaf }) => leaf === name) ||
      !isUntouched(looks.get(name)?.counter, counters.get(name));
    const names = [...counters.keys()].filter(isDue).toSorted();
    const writtenOf = (name: string) => {
      const [before, now] = [looks.get(name)?.counter, counters.get(name)];
      if (before === undefined || now === undefined || before.countedAs !== now.countedAs) return null;
      return Number(now.changes - before.changes);
    };
    return {
      kind,
      tiers: due.map(({ tier, address }) => ({ tier, address })),
      leaves: names.map((leaf) => ({ leaf, written: writtenOf(leaf) })),
      open: suspects.length,
    };
  });
}
