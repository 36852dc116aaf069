import type { Tier } from "../../contract/tiers.ts";
import type { Database } from "../../db/connect.ts";
import { readLastDrills } from "../../db/restore/drill-ledger.ts";
import { SettingsFault } from "../../errors.ts";
import type { Store } from "../../store/store.ts";
import { chooseTier } from "./turn-plan.ts";

/** The store of `tier`, or (null) of the tier whose turn it is. Throws a SettingsFault where it is not set. */
export async function chooseStore(db: Database, stores: readonly Store[], tier: Tier | null): Promise<Store> {
  const tiers = stores.map((store) => store.tier);
  const chosen = tier ?? chooseTier(tiers, await readLastDrills(db));
  const store = stores.find((each) => each.tier === chosen);
  if (store !== undefined) return store;
  throw new SettingsFault([
    tier === null
      ? "BACKUP_HOT, BACKUP_WARM and BACKUP_COLD are not set: there is no backup to drill with"
      : `BACKUP_${tier.toUpperCase()} is not set, and --tier ${tier} asks for it`,
  ]);
}
