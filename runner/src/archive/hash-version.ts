/** The version that no server has: a sum of hashes of two servers, which is compared with nothing. */
export const MIXED = 0;

/** Of version 180004 the major one is 18. */
const MAJOR = 10_000;

/**
 * Whether hashes of rows that servers of these versions made (such as 180004) can be compared: PostgreSQL promises the same
 * hashes within a major version alone. 15 to 18 have the same ones, as a test shows.
 */
export function areComparable(made: number, here: number): boolean {
  return made !== MIXED && Math.floor(made / MAJOR) === Math.floor(here / MAJOR);
}
