/** Where backups lie, the nearest first. */
export const TIERS = ["hot", "warm", "cold"] as const;
export type Tier = (typeof TIERS)[number];

/** Every run, or the daily run alone: a delta goes where `runs` is `every`. */
export type TierRuns = "every" | "daily";

/** What a tier receives, and what it promises, both in minutes. */
export type TierPromise = {
  readonly runs: TierRuns;
  /** The age of the newest backup that the tier may reach: what is lost at most when only this tier is left. */
  readonly rpoMinutes: number;
  /** From the moment when the damage is seen until the hot set can be queried again. */
  readonly rtoMinutes: number;
};

const QUARTER = 15;
const DAY = 24 * 60;

/**
 * The deltas run every 15 minutes, and the daily run once a day. 5, 30 and 90 minutes: the server's own disk, a disk or
 * store nearby, and a store of another region.
 */
export const TIER_PROMISES: Readonly<Record<Tier, TierPromise>> = {
  hot: { runs: "every", rpoMinutes: QUARTER, rtoMinutes: 5 },
  warm: { runs: "every", rpoMinutes: QUARTER, rtoMinutes: 30 },
  cold: { runs: "daily", rpoMinutes: DAY, rtoMinutes: 90 },
};

/**
 * Storage classes of S3 that give an object at once. GLACIER and DEEP_ARCHIVE take 3 to 48 hours for it, longer than any
 * tier may take to restore.
 */
export const STORAGE_CLASSES = [
  "STANDARD",
  "STANDARD_IA",
  "ONEZONE_IA",
  "INTELLIGENT_TIERING",
  "GLACIER_IR",
  "REDUCED_REDUNDANCY",
  "EXPRESS_ONEZONE",
  "OUTPOSTS",
] as const;
export type StorageClass = (typeof STORAGE_CLASSES)[number];
