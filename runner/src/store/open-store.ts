import { type StorageClass, TIERS } from "../contract/tiers.ts";
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
  readonly backupS3StorageClass: StorageClass | null;
};

/**
 * The stores of the tiers that are set, the nearest first; `report` gets a sentence about what lies in one and is not ours.
 * Asks nothing of any of them. Throws a SettingsFault where two tiers are in one place. Who opens them closes each.
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
    if (address !== null) stores.push(await openStore(address, settings, { tier, report }));
  }
  return stores;
}

async function openStore(
  address: TierAddress,
  { backupS3PathStyle, backupS3StorageClass }: StoresSettings,
  options: StoreOptions,
): Promise<Store> {
  if (address.kind === "folder") return openFolderStore(address.path, options);
  // loaded here: no other command, and no backup to folders, pays for the client
  const { openS3Store } = await import("./s3-store.ts");
  const { bucket, prefix } = address;
  return openS3Store({
    ...options,
    bucket,
    prefix,
    isPathStyle: backupS3PathStyle,
    storageClass: backupS3StorageClass,
  });
}
