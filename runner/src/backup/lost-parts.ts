import type { LeafPart } from "../db/backup/backup-leaf.ts";
import type { OpenSuspect, StoredPart } from "../db/backup/ledger.ts";
import { findObjects, listNeededDeltas, type Tier } from "../db/backup/stored-objects.ts";
import type { OwnClient } from "../db/session.ts";
import type { DeltaObject } from "./build-manifest.ts";

/** A part that no tier gives back and that the live rows cannot replace, since something of it is suspect. */
export type LostPart = LeafPart & { readonly leaf: string };

export type Losses = {
  readonly isLost: (key: string) => boolean;
  /** The parts of the leaf that have an open suspect. */
  readonly suspects: readonly LeafPart[];
};

/**
 * Divides the parts of a leaf into those that a manifest can name and those that nobody has any more. A part without a
 * suspect is never given up: its rows are in the table, and the next daily run writes them.
 */
export function divideLost(
  parts: readonly StoredPart[],
  deltas: readonly Pick<DeltaObject, "key" | "backup">[],
  { isLost, suspects }: Losses,
): { readonly kept: readonly StoredPart[]; readonly lost: readonly StoredPart[] } {
  const isSuspect = (part: LeafPart) =>
    suspects.some(({ coinId, interval }) => coinId === part.coinId && interval === part.interval);
  const isGone = (part: StoredPart) =>
    part.rows > 0 && isSuspect(part) && listNeeded(part, deltas).some(isLost);
  return { kept: parts.filter((part) => !isGone(part)), lost: parts.filter(isGone) };
}

function listNeeded(
  { base, hash }: StoredPart,
  deltas: readonly Pick<DeltaObject, "key" | "backup">[],
): readonly string[] {
  if (base?.hash === hash) return [base.key];
  const later = deltas.filter(({ backup }) => backup > (base?.backup ?? 0)).map(({ key }) => key);
  return base === null ? later : [base.key, ...later];
}

/** What lies in the tiers of a run; `tiers`: those that answered. */
export type TierContent = {
  readonly isLost: (key: string) => boolean;
  readonly tiers: readonly Tier[];
};

/**
 * The parts of a leaf with a suspect that no tier gives back any more. A tier that does not answer, or is not set, may still
 * have what the ledger says of it: what it has is not lost.
 */
export async function listLostParts(
  client: OwnClient,
  { isLost, tiers }: TierContent,
  {
    name,
    parts,
    open,
  }: { readonly name: string; readonly parts: readonly StoredPart[]; readonly open: readonly OpenSuspect[] },
): Promise<readonly LeafPart[]> {
  if (open.length === 0) return [];
  const deltas = await listNeededDeltas(client, name);
  const bases = await findObjects(client, [...new Set(parts.flatMap(({ base }) => base?.key ?? []))]);
  const elsewhere = new Set(
    [...deltas, ...bases]
      .filter((each) => each.tiers.some((tier) => !tiers.includes(tier)))
      .map(({ key }) => key),
  );
  const isGone = (key: string) => isLost(key) && !elsewhere.has(key);
  return divideLost(parts, deltas, { isLost: isGone, suspects: open }).lost;
}
