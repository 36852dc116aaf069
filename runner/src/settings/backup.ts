import { STORAGE_CLASSES, type StorageClass } from "../contract/tiers.ts";
import { parseTierAddress, type TierAddress } from "../store/address.ts";
import { parseProfileName } from "../store/s3-profile.ts";
import { oneOf, parseBoolean } from "./parsers.ts";
import type { Rows } from "./row.ts";

/** Where backups lie. null of a tier: it is not used. */
export type StoreSettings = {
  readonly backupHot: TierAddress | null;
  readonly backupWarm: TierAddress | null;
  readonly backupCold: TierAddress | null;
  /** Names of profiles in the files of Amazon's tools; null: the tier is reached as the environment says. */
  readonly backupHotProfile: string | null;
  readonly backupWarmProfile: string | null;
  readonly backupColdProfile: string | null;
  readonly backupS3PathStyle: boolean;
  /** null: the one that the bucket gives. */
  readonly backupS3StorageClass: StorageClass | null;
  /**
   * As they stand in the environment: the client reads them by itself, and openStores judges them where a tier is in S3.
   * Other programs have their own use for AWS_ENDPOINT_URL. null: not set.
   */
  readonly s3Endpoint: string | null;
  readonly awsEndpoint: string | null;
  readonly awsConfigFile: string | null;
};

export const STORE_ROWS: Rows<StoreSettings> = {
  backupHot: { name: "BACKUP_HOT", parse: parseTierAddress, absent: null },
  backupWarm: { name: "BACKUP_WARM", parse: parseTierAddress, absent: null },
  backupCold: { name: "BACKUP_COLD", parse: parseTierAddress, absent: null },
  backupHotProfile: { name: "BACKUP_HOT_PROFILE", parse: parseProfileName, absent: null },
  backupWarmProfile: { name: "BACKUP_WARM_PROFILE", parse: parseProfileName, absent: null },
  backupColdProfile: { name: "BACKUP_COLD_PROFILE", parse: parseProfileName, absent: null },
  backupS3PathStyle: { name: "BACKUP_S3_PATH_STYLE", parse: parseBoolean },
  backupS3StorageClass: { name: "BACKUP_S3_STORAGE_CLASS", parse: oneOf(STORAGE_CLASSES), absent: null },
  s3Endpoint: { name: "AWS_ENDPOINT_URL_S3", parse: String, absent: null },
  awsEndpoint: { name: "AWS_ENDPOINT_URL", parse: String, absent: null },
  awsConfigFile: { name: "AWS_CONFIG_FILE", parse: String, absent: null },
};

/** What a command must read to open the stores. */
export const STORE_SETTINGS = Object.keys(STORE_ROWS) as readonly (keyof StoreSettings)[];
