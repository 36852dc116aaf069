import type { Interval } from "../contract/intervals.ts";
import type { Slots } from "./slots.ts";

/** The candles of one coin and one interval in one leaf: a leaf of ohlcv_slow holds 4h and 1d, so the interval counts. */
export type PartKey = { readonly leaf: string; readonly coinId: number; readonly interval: Interval };

/**
 * Rows of a part. `hash`: sum of the 64-bit hashes of the rows, modulo 2^64, from 0 up: one row more changes nothing of
 * the others. `first`, `last`: open times (ms), null where there is no row. `nullRows`, `nullHash`: the rows that lack a
 * value which the old layout did not have, and the sum of the hashes of the values that they do have.
 */
export type PartRows = {
  readonly rows: number;
  readonly hash: bigint;
  readonly first: number | null;
  readonly last: number | null;
  readonly slots: Slots;
  readonly nullRows: number;
  readonly nullHash: bigint;
};

/**
 * What a restore gives back for a part. It changes by new slots, by revisions, by values where NULL was, and by
 * `backup --accept`: by nothing else, so that no backup adopts damage.
 */
export type BelievedPart = PartKey &
  PartRows & {
    /** The object that holds the part whole; null: all rows are in deltas. */
    readonly base: PartBase | null;
    /** The backup that wrote this. */
    readonly asOf: number;
    readonly hashForm: number;
    /** Of the server that made the hash, e.g. 180004. Hashes of two versions are not compared. */
    readonly serverVersion: number;
  };

/** `hash`: of the part in the object. `backup`: whose snapshot the object shows; the deltas of later ones come on top. */
export type PartBase = { readonly key: string; readonly hash: bigint; readonly backup: number };

/** Hashes lie in [0, 2^64). */
export const HASH_LIMIT = 1n << 64n;

/** The hash of the rows of both. */
export function addHashes(a: bigint, b: bigint): bigint {
  return (a + b) % HASH_LIMIT;
}

/** The hash of what is left of `whole` without `taken`. */
export function subtractHash(whole: bigint, taken: bigint): bigint {
  return (whole - taken + HASH_LIMIT) % HASH_LIMIT;
}

/** One text for each part, for maps: coins have numbers here, so it holds no name from outside. */
export function partText({ leaf, coinId, interval }: PartKey): string {
  return `${leaf}:${coinId}:${interval}`;
}
