import type { Tier } from "../contract/tiers.ts";

/**
 * - `exists`: the key is taken
 * - `missing`: there is no such object
 * - `denied`: the credentials or the rights do not suffice
 * - `unreachable`: no answer, or only answers that a later try may better
 * - `full`: no room
 * - `no-bucket`: the bucket, or the folder that the tier is, does not exist
 * - `refused`: the store or we do not take what was asked for; a retry cannot help
 * - `clock`: the clocks of both differ too much for a signature
 * - `broken`: bytes came that are not those of the object
 */
export type StoreFaultKind =
  | "exists"
  | "missing"
  | "denied"
  | "unreachable"
  | "full"
  | "no-bucket"
  | "refused"
  | "clock"
  | "broken";

/**
 * What helps after a fault: `settings`: another setting or right; `later`: another try; `look`: a person must look at what
 * lies there.
 */
export type Cure = "settings" | "later" | "look";

const CURES: Readonly<Record<StoreFaultKind, Cure>> = {
  exists: "look",
  missing: "look",
  denied: "settings",
  unreachable: "later",
  full: "later",
  "no-bucket": "settings",
  refused: "settings",
  clock: "later",
  broken: "look",
};

export const cureOf = ({ kind }: Pick<StoreFault, "kind">): Cure => CURES[kind];

/** Which tier and which object a fault is about. `key`: "" where it is about the whole tier. */
export type StorePlace = { readonly tier: Tier; readonly address: string; readonly key: string };

/** Why a store did not do what was asked for. The message names tier, address and object and says what to do next. */
export class StoreFault extends Error {
  readonly kind: StoreFaultKind;
  readonly tier: Tier;
  readonly key: string;
  constructor(
    kind: StoreFaultKind,
    message: string,
    { tier, address, key, cause }: StorePlace & { cause?: unknown },
  ) {
    super(`${tier} (${address})${key === "" ? "" : `, ${key}`}: ${message}`, { cause });
    this.name = "StoreFault";
    this.kind = kind;
    this.tier = tier;
    this.key = key;
  }
}
