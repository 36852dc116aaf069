import { addHashes, type PartRows, subtractHash } from "../archive/part.ts";
import {
  areSameSlots,
  countSlots,
  listTimes,
  type SlotRange,
  type Slots,
  slotsOfTimes,
  subtractSlots,
  unionSlots,
} from "../archive/slots.ts";
import type { UnlistedRows } from "../db/backup/unlisted.ts";

/**
 * A row on a believed slot that was written since the last backup. `isKnown`: that backup met the row in just this state.
 * `isRevised`: a revision since then ends in the values of the row; `oldHash` is that of the row before it, null where it
 * is not known. `valueHash`: the hash that the row has in `nullHash` of its part while it lacks a value; `oldValueHash`
 * that of the row before the revision, null: that row lacked none.
 */
export type SeenRow = {
  readonly at: number;
  readonly hash: bigint;
  readonly isKnown: boolean;
  readonly isRevised: boolean;
  readonly oldHash: bigint | null;
  readonly hasNull: boolean;
  readonly valueHash: bigint;
  readonly oldValueHash: bigint | null;
};

export type SuspectKind = "changed" | "vanished" | "content";

/**
 * A candle that changed or vanished though nothing explains it. `at`: its open time; null: some candle of the part. `hash`:
 * of the row as it is, of the whole part for `content`; null: it vanished.
 */
export type Suspect = {
  readonly at: number | null;
  readonly kind: SuspectKind;
  readonly hash: bigint | null;
};

/** What one snapshot shows of a part. */
export type Evidence = {
  readonly range: SlotRange;
  /** What restores until now; null: a new part. */
  readonly believed: PartRows | null;
  /** All rows of the part. */
  readonly now: PartRows;
  /** The rows on slots that are not believed; null: there are none. */
  readonly added: PartRows | null;
  readonly again: readonly SeenRow[];
  /** Of the rows that were written again those that are not in `again`; null: all are. */
  readonly unlisted: UnlistedRows | null;
  /** The suspects of earlier backups that are open. */
  readonly open: readonly Pick<Suspect, "at">[];
};

export type Judgement = {
  /** What restores from now on. */
  readonly believed: PartRows;
  /** Those that were not open before. */
  readonly suspects: readonly Suspect[];
  /** Open times of rows on believed slots whose new state restores: a revision or a value for a NULL explains each. */
  readonly adopted: readonly number[];
  /** The part is what is believed, so what was suspect of it is gone. */
  readonly isSound: boolean;
};

export const NO_ROWS: PartRows = {
  rows: 0,
  hash: 0n,
  first: null,
  last: null,
  slots: new Uint8Array(),
  nullRows: 0,
  nullHash: 0n,
};

/**
 * What a restore gives back for a part after this backup, and what is suspect. The believed hash is computed from what is
 * known of each row and must then be that of the table. Where the two differ, the part grows by new slots alone, and every
 * row that was written on an old slot waits for a person: beside a damaged row, nobody can tell that a revision began at
 * the row that was believed. Values for NULLs are the one case that takes the hash off the table, since nobody kept the
 * hash of the row before; their prices must be those of before, and nothing else of the part may be in doubt.
 */
export function judgePart({ range, believed, now, added, again, unlisted, open }: Evidence): Judgement {
  const grown = joinRows(believed ?? NO_ROWS, added ?? NO_ROWS);
  if (isSame(grown, now)) return sound(grown, []); // a row may have been written with the values that it had

  const written = again.filter(({ isKnown }) => !isKnown);
  const { revised, others } = divide(written);
  const explained = revised.reduce(revise, grown);
  if (isSame(explained, now)) return sound(explained, revised);
  if (open.length === 0 && areFilled(explained, now, sumUp(others, unlisted)))
    return sound({ ...now, slots: grown.slots }, written);

  const suspects: Suspect[] = [
    ...listVanished(range, subtractSlots(grown.slots, now.slots)),
    ...written.map(({ at, hash }) => ({ at, kind: "changed" as const, hash })),
  ];
  if (suspects.length === 0 && open.length === 0)
    suspects.push({ at: null, kind: "content", hash: now.hash });
  const isNew = ({ at }: Suspect) => !open.some((known) => known.at === at);
  return { believed: grown, suspects: suspects.filter(isNew), adopted: [], isSound: false };
}

/**
 * Whether the rows that were written since the last backup explain every slot that has a candle, suspects apart. If not, rows
 * came that nobody wrote since then (a table was attached, the server is another one): the part must be read without the
 * numbers of transactions.
 */
export function isSeenWhole({
  range,
  believed,
  added,
  now,
  open,
}: Omit<Evidence, "again" | "unlisted">): boolean {
  const suspect = slotsOfTimes(
    range,
    open.map(({ at }) => at).filter((at) => at !== null),
  );
  const known = unionSlots(unionSlots((believed ?? NO_ROWS).slots, (added ?? NO_ROWS).slots), suspect);
  return subtractSlots(now.slots, known).length === 0;
}

/** The rows of both, which share no row. */
export function joinRows(a: PartRows, b: PartRows): PartRows {
  const times = [a.first, a.last, b.first, b.last].filter((ms) => ms !== null);
  return {
    rows: a.rows + b.rows,
    hash: addHashes(a.hash, b.hash),
    first: times.length === 0 ? null : Math.min(...times),
    last: times.length === 0 ? null : Math.max(...times),
    slots: unionSlots(a.slots, b.slots),
    nullRows: a.nullRows + b.nullRows,
    nullHash: addHashes(a.nullHash, b.nullHash),
  };
}

/** A person needs no list of the candles of a month, and a manifest has no room for it. */
const MOST_NAMED = 2_000;

function listVanished(range: SlotRange, slots: Slots): readonly Suspect[] {
  const whole = { at: null, kind: "vanished", hash: null } as const;
  if (countSlots(slots) > MOST_NAMED) return [whole];
  return [...listTimes(range, slots)].map((at) => ({ ...whole, at }));
}

function sound(believed: PartRows, adopted: readonly SeenRow[]): Judgement {
  return { believed, suspects: [], adopted: adopted.map(({ at }) => at), isSound: true };
}

function divide(rows: readonly SeenRow[]) {
  const isExplained = ({ isRevised, oldHash }: SeenRow) => isRevised && oldHash !== null;
  return { revised: rows.filter(isExplained), others: rows.filter((row) => !isExplained(row)) };
}

function revise(part: PartRows, { hash, oldHash, hasNull, valueHash, oldValueHash }: SeenRow): PartRows {
  const lacked = subtractHash(part.nullHash, oldValueHash ?? 0n);
  return {
    ...part,
    hash: addHashes(subtractHash(part.hash, oldHash ?? 0n), hash),
    nullRows: part.nullRows - (oldValueHash === null ? 0 : 1) + (hasNull ? 1 : 0),
    nullHash: hasNull ? addHashes(lacked, valueHash) : lacked,
  };
}

function sumUp(rows: readonly SeenRow[], unlisted: UnlistedRows | null): UnlistedRows {
  return {
    rows: rows.length + (unlisted?.rows ?? 0),
    valueHash: rows.reduce((sum, row) => addHashes(sum, row.valueHash), unlisted?.valueHash ?? 0n),
    hasNull: rows.some(({ hasNull }) => hasNull) || unlisted?.hasNull === true,
  };
}

/**
 * Whether each of the rows lacked a value before and has all now, with the same prices and volume: then exactly their
 * hashes are missing among the rows that lack one.
 */
function areFilled(before: PartRows, now: PartRows, { rows, valueHash, hasNull }: UnlistedRows): boolean {
  if (rows === 0 || hasNull || !hasSameSlots(before, now)) return false;
  return before.nullRows - now.nullRows === rows && subtractHash(before.nullHash, now.nullHash) === valueHash;
}

function hasSameSlots(a: PartRows, b: PartRows): boolean {
  return a.rows === b.rows && areSameSlots(a.slots, b.slots);
}

function isSame(a: PartRows, b: PartRows): boolean {
  return hasSameSlots(a, b) && a.hash === b.hash;
}
