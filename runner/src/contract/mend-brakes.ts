/**
 * How much one run of `restore --damaged` may swap: above it the run prepares every leaf and swaps none, since so much damage
 * has one cause that a person must find first. `leaves`; `share` of all candles that the backups know, which does not count
 * for a single leaf: in a young database each leaf holds more. `againMs`: a leaf that is damaged again within this time has a
 * cause that a restore does not take away. `diskFactor`: a leaf is there twice, and its indexes are built beside it.
 */
export const MEND_BRAKES = { leaves: 3, share: 0.05, againMs: 86_400_000, diskFactor: 1.5 } as const;
