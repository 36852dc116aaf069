import type { Tier } from "../../contract/tiers.ts";
import type { Reader } from "../session.ts";
import { msOf } from "../sql-time.ts";

/** The newest backup that a tier holds; `takenAt`: the moment that the backup shows, in ms. */
export type TierBackup = { readonly tier: Tier; readonly takenAt: number };

/** Only a backup whose manifest is in the tier counts. The tiers are in the order of their distance. */
const LIST_TIER_BACKUPS = `
  select t.tier, ${msOf("max(b.snapshot_at)")} as "takenAt"
  from r3a.backup b cross join lateral unnest(b.tiers) as t (tier)
  where b.outcome = 'complete' and b.snapshot_at is not null
  group by t.tier order by array_position(array['hot', 'warm', 'cold'], t.tier)`;

export async function listTierBackups(client: Reader): Promise<readonly TierBackup[]> {
  return (await client.query<TierBackup>(LIST_TIER_BACKUPS)).rows;
}

/** What the newest daily backup found out about itself: why a person must look; null: nothing. */
const DAILY_FAULT = `
  select error as fault, ${msOf("snapshot_at")} as "takenAt" from r3a.backup
  where kind = 'daily' and outcome = 'complete' order by id desc limit 1`;

export type DailyFault = { readonly fault: string | null; readonly takenAt: number };

/** null: no daily backup is complete. */
export async function findDailyFault(client: Reader): Promise<DailyFault | null> {
  return (await client.query<DailyFault>(DAILY_FAULT)).rows[0] ?? null;
}
