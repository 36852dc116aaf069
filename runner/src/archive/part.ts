import type { Slots } from "./slots.ts";

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
