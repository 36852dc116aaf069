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

/** A candle, or a whole part where `at` (ms) is null, that no backup adopts; `foundAt` in ms, `all`: how many there are. */
export type Suspect = {
  readonly leaf: string;
  readonly symbol: string;
  readonly interval: string;
  readonly at: number | null;
  readonly kind: "changed" | "vanished" | "content";
  readonly foundAt: number;
  readonly all: number;
};

/** The oldest come first. $1 how many. */
const LIST_SUSPECTS = `
  select s.leaf, coalesce(c.symbol, 'coin ' || s.coin_id) as symbol, s."interval", ${msOf("s.at")} as at, s.kind,
         ${msOf("s.found_at")} as "foundAt", (count(*) over ())::float8 as "all"
  from r3a.backup_suspect s left join r3a.coin c on c.id = s.coin_id
  where s.state = 'open' order by s.found_at, s.leaf, s.coin_id, s."interval", s.at limit $1`;

export async function listSuspects(client: Reader, most: number): Promise<readonly Suspect[]> {
  return (await client.query<Suspect>(LIST_SUSPECTS, [most])).rows;
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
