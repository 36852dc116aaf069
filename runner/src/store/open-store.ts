import { TIERS } from "../contract/tiers.ts";
import { SettingsFault } from "../errors.ts";
import { listClashes, type TierAddress } from "./address.ts";
import { openFolderStore } from "./folder-store.ts";
import type { Store, StoreOptions } from "./store.ts";

/** As the settings of the same names say. null of a tier: it is not used. */
export type StoresSettings = {
  readonly backupHot: TierAddress | null;
  readonly backupWarm: TierAddress | null;
  readonly backupCold: TierAddress | null;
  readonly backupS3PathStyle: boolean;
  readonly backupS3StorageClass: string | null;
};

/**
 * The stores of the tiers that are set, the nearest first; `report` gets a sentence about what lies in one and is not ours.
 * Asks nothing of any of them. Throws a SettingsFault where two tiers are in one place.
 */
export async function openStores(
  settings: StoresSettings,
  report: (text: string) => void,
): Promise<readonly Store[]> {
  const addresses = { hot: settings.backupHot, warm: settings.backupWarm, cold: settings.backupCold };
  const clashes = listClashes(addresses);
  if (clashes.length > 0) throw new SettingsFault(clashes);
  const stores: Store[] = [];
  for (const tier of TIERS) {
    const address = addresses[tier];
    if (address !== null) stores.push(openStore(address, { tier, report }));
  }
  return stores;
}

function openStore(address: TierAddress, options: StoreOptions): Store {
  if (address.kind === "folder") return openFolderStore(address.path, options);
  const name = `BACKUP_${options.tier.toUpperCase()}`;
  throw new SettingsFault([
    `${name} is an address of S3, which this version does not reach; use file:///FOLDER`,
  ]);
}
