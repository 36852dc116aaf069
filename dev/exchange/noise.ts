// Only integer hashing and IEEE + - * / are used: Math.sin, exp and log may differ between machines.

/** A signed 32-bit hash of an integer under a seed. Signed, since V8 keeps such a number without a heap cell. */
export function mix(seed: number, value: number): number {
  let hash = Math.imul(value ^ seed, 0x9e3779b1);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

/** The seed of a text: FNV-1a, 32 bits. */
export function textSeed(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return mix(0, hash);
}

/** A hash as a number in [-1, 1). */
export function swing(seed: number, value: number): number {
  return mix(seed, value) / 0x80000000;
}

/** Value noise at `position`: swings at multiples of `period`, straight lines between them. */
export function octave(seed: number, position: number, period: number): number {
  const cell = Math.floor(position / period);
  const left = swing(seed, cell);
  return left + ((swing(seed, cell + 1) - left) * (position - cell * period)) / period;
}

/** A seeded generator of numbers in [0, 1), for choices that must repeat from run to run. */
export function createRandom(seed: number): () => number {
  let drawn = 0;
  return () => mix(seed, ++drawn) / 0x100000000 + 0.5;
}
