import { realpath } from "node:fs/promises";
import { type StorageClass, TIERS, type Tier } from "../contract/tiers.ts";
import { SettingsFault } from "../errors.ts";
import { listClashes, renderAddress, type TierAddress } from "./address.ts";
import { withBounds } from "./bounded.ts";
import { type Endpoints, listEndpointFaults } from "./endpoint.ts";
import { openFolderStore } from "./folder-store.ts";
import { type Profile, readProfile } from "./s3-profile.ts";
import type { Store, StoreOptions } from "./store.ts";

/** The path of a folder is at hand, or its disk hangs. */
const LOOK_MS = 5_000;

/** As the settings of the same names say. null of a tier: it is not used. */
export type StoresSettings = Endpoints & {
  readonly backupHot: TierAddress | null;
  readonly backupWarm: TierAddress | null;
  readonly backupCold: TierAddress | null;
  readonly backupHotProfile?: string | null;
  readonly backupWarmProfile?: string | null;
  readonly backupColdProfile?: string | null;
  readonly awsConfigFile?: string | null;
  readonly backupS3PathStyle: boolean;
  readonly backupS3StorageClass: StorageClass | null;
};

/**
 * The stores of the tiers that are set, the nearest first; `report` gets a sentence about what lies in one and is not ours.
 * Asks nothing of a store. Throws a SettingsFault where two
 * tiers are in one place, and where the endpoint of S3 cannot be used. Who opens them closes each.
 */
export async function openStores(
  settings: StoresSettings,
  report: (text: string) => void,
): Promise<readonly Store[]> {
  const addresses = { hot: settings.backupHot, warm: settings.backupWarm, cold: settings.backupCold };
  const profiles = {
    hot: settings.backupHotProfile ?? null,
    warm: settings.backupWarmProfile ?? null,
    cold: settings.backupColdProfile ?? null,
  };
  const usesS3 = TIERS.some((tier) => addresses[tier]?.kind === "s3");
  const faults = [
    ...listClashes({
      hot: await resolve("hot", addresses.hot),
      warm: await resolve("warm", addresses.warm),
      cold: await resolve("cold", addresses.cold),
    }),
    ...(usesS3 ? listEndpointFaults(settings) : []),
    ...TIERS.filter((tier) => profiles[tier] !== null && addresses[tier]?.kind !== "s3").map((tier) => {
      const name = `BACKUP_${tier.toUpperCase()}`;
      return `${name}_PROFILE is set, and ${name} names no place in S3: take one of them away`;
    }),
  ];
  if (faults.length > 0) throw new SettingsFault(faults);
  const stores: Store[] = [];
  for (const tier of TIERS) {
    const address = addresses[tier];
    if (address === null) continue;
    const name = profiles[tier];
    const profile = name === null ? null : await readProfile(name, settings.awsConfigFile ?? null);
    stores.push(await openStore(address, settings, { tier, report, profile }));
  }
  return stores;
}

/**
 * Two paths can lead to one folder. A folder that is not there, or on a disk that hangs, is no clash: its own store says
 * what is wrong, in its own time.
 */
async function resolve(tier: Tier, address: TierAddress | null): Promise<TierAddress | null> {
  if (address?.kind !== "folder") return address;
  const place = { tier, address: renderAddress(address), key: "" };
  const { signal } = new AbortController();
  const bounds = { signal, wholeMs: LOOK_MS, silenceMs: LOOK_MS, place };
  const path = await withBounds(bounds, () => realpath(address.path)).catch(() => address.path);
  return { kind: "folder", path };
}

async function openStore(
  address: TierAddress,
  { backupS3PathStyle, backupS3StorageClass }: StoresSettings,
  options: StoreOptions & { readonly profile: Profile | null },
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
