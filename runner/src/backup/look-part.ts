import type { PartRows } from "../archive/part.ts";
import type { BackupLeaf, LeafPart } from "../db/backup/backup-leaf.ts";
import type { ChangedRow, NewRows } from "../db/backup/changes.ts";
import { addSlots } from "../db/backup/found-parts.ts";
import type { StoredPart } from "../db/backup/ledger.ts";
import { type PartState, readPartStates } from "../db/backup/part-state.ts";
import type { RowKey } from "../db/backup/row-keys.ts";
import type { UnlistedRows } from "../db/backup/unlisted.ts";
import type { OwnClient } from "../db/session.ts";
import { isSeenWhole, type Judgement, judgePart, NO_ROWS, type Suspect } from "./judge.ts";

/** What the ledger says of a leaf, and how to look at it. */
export type LeafQuestion = {
  readonly leaf: BackupLeaf;
  readonly believed: readonly StoredPart[];
  readonly open: readonly (LeafPart & Pick<Suspect, "at">)[];
  /** Rows from this number of a transaction on may have changed; null: the numbers of transactions say nothing. */
  readonly horizon: bigint | null;
  /** Whether each part is judged by its content. */
  readonly isDaily: boolean;
  /** Of the server that is read, such as 180004. */
  readonly serverVersion: number;
  /** Parts whose state a person accepted as it is now, in a daily run. */
  readonly accepted: readonly LeafPart[];
  /** Parts with a suspect that no tier gives back any more, in a daily run. */
  readonly lost: readonly LeafPart[];
};

/**
 * `again`: rows on believed slots that were written since the last backup. `hasBase`: the base of the part holds just its
 * rows, though the server hashes them otherwise than the one that made the base. `without`: the suspect rows of a part of
 * which no tier has the earlier ones, so that the others alone restore; null: it is no such part.
 */
export type LookedPart = LeafPart & {
  readonly before: StoredPart | null;
  readonly added: PartRows | null;
  readonly again: readonly ChangedRow[];
  readonly judgement: Judgement;
  readonly hasBase: boolean;
  readonly without: readonly RowKey[] | null;
};

/** `isWhole`: the rows that were written since the last backup are not known one by one. Parts that are as before are left out. */
export type LeafLook = { readonly isWhole: boolean; readonly parts: readonly LookedPart[] };

/** A part of the leaf, by the ledger or by the table. `text`: its key. What a person accepted counts as new. */
export type Part = {
  readonly key: LeafPart;
  readonly text: string;
  readonly before: StoredPart | null;
  readonly open: readonly Pick<Suspect, "at">[];
  readonly isAccepted: boolean;
};

/** The parts of the ledger and of what was read. */
export function listParts(
  { believed, open, accepted }: LeafQuestion,
  maps: readonly ReadonlyMap<string, LeafPart>[],
): Part[] {
  const keys = new Map<string, LeafPart>();
  for (const part of [...believed, ...maps.flatMap((map) => [...map.values()])])
    keys.set(textOf(part), { coinId: part.coinId, interval: part.interval });
  const [before, suspects] = [byPart(believed), Map.groupBy(open, textOf)];
  const taken = new Set(accepted.map(textOf));
  // what a person accepted is judged as a part that is new
  return [...keys].map(([text, key]) =>
    taken.has(text)
      ? { text, key, before: null, open: [], isAccepted: true }
      : { text, key, before: before.get(text) ?? null, open: suspects.get(text) ?? [], isAccepted: false },
  );
}

/** What was read of a part, as in Evidence; `now` by the keys of all parts. */
export type Seen = {
  readonly now: ReadonlyMap<string, PartRows>;
  readonly added: NewRows | PartRows | null;
  readonly again: readonly ChangedRow[];
  readonly unlisted: UnlistedRows | null;
};

/** `isSeen`: as isSeenWhole says. */
export function judge({ leaf }: LeafQuestion, { key, text, before, open, isAccepted }: Part, seen: Seen) {
  const range = { span: leaf.span, interval: key.interval };
  const now = seen.now.get(text) ?? NO_ROWS;
  const added = isAccepted ? now : seen.added;
  const again = isAccepted ? [] : seen.again;
  const evidence = { range, believed: before, now, added, again, unlisted: seen.unlisted, open };
  const judgement = judgePart(evidence);
  const looked: LookedPart = { ...key, before, added, again, judgement, hasBase: false, without: null };
  return { looked, isSeen: isSeenWhole(evidence) };
}

/** The rows of these parts as they are, with their slots. */
export async function readNow(
  client: OwnClient,
  leaf: BackupLeaf,
  parts: readonly Part[],
  known: ReadonlyMap<string, PartState> | null,
): Promise<ReadonlyMap<string, PartRows>> {
  if (parts.length === 0) return new Map();
  const keys = parts.map(({ key }) => key);
  const states = known ?? byPart(await readPartStates(client, leaf, keys));
  return byPart(
    await addSlots(
      client,
      leaf,
      keys.flatMap((key) => states.get(textOf(key)) ?? []),
    ),
  );
}

export function asSound(believed: PartRows): Judgement {
  return { believed, suspects: [], adopted: [], isSound: true };
}

export const textOf = ({ coinId, interval }: LeafPart) => `${coinId}:${interval}`;

export function byPart<Row extends LeafPart>(rows: readonly Row[]): Map<string, Row> {
  return new Map(rows.map((row) => [textOf(row), row]));
}
