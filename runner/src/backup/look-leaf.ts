import type { PartRows } from "../archive/part.ts";
import { hasSlot, indexOf } from "../archive/slots.ts";
import type { BackupLeaf, LeafPart } from "../db/backup/backup-leaf.ts";
import { type ChangedRow, type NewRows, readChanges, readFresh } from "../db/backup/changes.ts";
import type { StoredPart } from "../db/backup/ledger.ts";
import { readSlots } from "../db/backup/part-slots.ts";
import { countParts, type PartState, readPartStates } from "../db/backup/part-state.ts";
import { readRevised, sumUnrevised, type UnlistedRows } from "../db/backup/unlisted.ts";
import type { OwnClient } from "../db/session.ts";
import { isSeenWhole, type Judgement, joinRows, judgePart, NO_ROWS, type Suspect } from "./judge.ts";

/** What the ledger says of a leaf, and how to look at it. */
export type LeafQuestion = {
  readonly leaf: BackupLeaf;
  readonly believed: readonly StoredPart[];
  readonly open: readonly (LeafPart & Pick<Suspect, "at">)[];
  /** Rows from this number of a transaction on may have changed; null: the numbers of transactions say nothing. */
  readonly horizon: bigint | null;
  /** Whether each part is judged by its content. */
  readonly isDaily: boolean;
  /** Parts whose state a person accepted as it is now, in a daily run. */
  readonly accepted: readonly LeafPart[];
};

/** `again`: rows on believed slots that were written since the last backup. */
export type LookedPart = LeafPart & {
  readonly before: StoredPart | null;
  readonly added: PartRows | null;
  readonly again: readonly ChangedRow[];
  readonly judgement: Judgement;
};

/** `isWhole`: the rows that were written since the last backup are not known one by one. Parts that are as before are left out. */
export type LeafLook = { readonly isWhole: boolean; readonly parts: readonly LookedPart[] };

/** Reads a leaf in a session that shows the snapshot, and judges its parts. */
export async function lookAtLeaf(client: OwnClient, question: LeafQuestion): Promise<LeafLook> {
  if (question.horizon === null) return lookWhole(client, question);
  const { leaf, horizon, isDaily } = question;
  const changes = await readChanges(client, leaf, horizon);
  if (changes.changedCount > changes.changed.length) return lookWhole(client, question);
  const states = isDaily ? byPart(await readPartStates(client, leaf)) : null;
  const counts = states ?? byPart(await countParts(client, leaf));
  const [fresh, again] = [byPart(changes.fresh), Map.groupBy(changes.changed, textOf)];
  const parts = listParts(question, [counts, fresh]);
  const plain: LookedPart[] = [];
  const odd: Part[] = [];
  for (const part of parts) {
    const added = fresh.get(part.text) ?? null;
    const written = (again.get(part.text) ?? []).filter(({ isKnown }) => !isKnown);
    const grown = joinRows(part.before ?? NO_ROWS, added ?? NO_ROWS);
    const isCounted = (counts.get(part.text)?.rows ?? 0) === grown.rows;
    const isHashed = states === null || (states.get(part.text)?.hash ?? 0n) === grown.hash;
    const isOdd = written.length > 0 || part.open.length > 0 || !isCounted || !isHashed || part.isAccepted;
    if (isOdd) odd.push(part);
    else if (added !== null)
      plain.push({ ...part.key, before: part.before, added, again: [], judgement: asSound(grown) });
  }
  const now = await readNow(client, leaf, odd, states);
  const judged = odd.map((part) =>
    judge(question, part, {
      ...{ now, added: fresh.get(part.text) ?? null, again: again.get(part.text) ?? [], unlisted: null },
    }),
  );
  return judged.some(({ isSeen }) => !isSeen)
    ? lookWhole(client, question)
    : { isWhole: false, parts: [...plain, ...judged.map(({ looked }) => looked)] };
}

/**
 * Every part by its content, and a part that grew by the rows on its new slots. What else was written is not known row by
 * row: revisions explain it, and values that came for NULLs where the numbers of transactions tell how many there are.
 */
async function lookWhole(client: OwnClient, question: LeafQuestion): Promise<LeafLook> {
  const { leaf, horizon } = question;
  const states = byPart(await readPartStates(client, leaf));
  const odd = listParts(question, [states]).filter(({ text, before, open, isAccepted }) => {
    const state = states.get(text);
    return (
      open.length > 0 ||
      isAccepted ||
      before === null ||
      state?.rows !== before.rows ||
      state.hash !== before.hash
    );
  });
  const now = await readNow(client, leaf, odd, states);
  const known = odd.filter(({ before }) => before !== null);
  const fresh = byPart(known.length === 0 ? [] : await readFresh(client, leaf));
  const plain = odd.map((part) => {
    const added = part.before === null ? (now.get(part.text) ?? null) : (fresh.get(part.text) ?? null);
    return judge(question, part, { now, added, again: [], unlisted: null }).looked;
  });
  const unclear = plain.filter(({ before, judgement }) => before !== null && !judgement.isSound);
  if (unclear.length === 0) return { isWhole: true, parts: plain };
  const revised = Map.groupBy(await readRevised(client, leaf, { parts: unclear, horizon }), textOf);
  const filled = byPart(horizon === null ? [] : await sumUnrevised(client, leaf, horizon));
  const parts = plain.map((looked, index) => {
    const part = odd[index];
    if (part === undefined || !unclear.includes(looked)) return looked;
    const isOld = ({ at }: ChangedRow) => isBelieved(question, part, at);
    const again = (revised.get(part.text) ?? []).filter(isOld);
    const unlisted = filled.get(part.text) ?? null;
    const explained = judge(question, part, { now, added: looked.added, again, unlisted }).looked;
    return explained.judgement.isSound ? explained : looked;
  });
  return { isWhole: true, parts };
}

function isBelieved({ leaf }: LeafQuestion, { key, before }: Part, at: number): boolean {
  const index = indexOf({ span: leaf.span, interval: key.interval }, at);
  return before !== null && hasSlot(before.slots, index);
}

type Part = {
  readonly key: LeafPart;
  readonly text: string;
  readonly before: StoredPart | null;
  readonly open: readonly Pick<Suspect, "at">[];
  readonly isAccepted: boolean;
};

function listParts(
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

type Seen = {
  readonly now: ReadonlyMap<string, PartRows>;
  readonly added: NewRows | PartRows | null;
  readonly again: readonly ChangedRow[];
  readonly unlisted: UnlistedRows | null;
};

function judge({ leaf }: LeafQuestion, { key, text, before, open, isAccepted }: Part, seen: Seen) {
  const range = { span: leaf.span, interval: key.interval };
  const now = seen.now.get(text) ?? NO_ROWS;
  const added = isAccepted ? now : seen.added;
  const again = isAccepted ? [] : seen.again;
  const evidence = { range, believed: before, now, added, again, unlisted: seen.unlisted, open };
  const looked: LookedPart = { ...key, before, added, again, judgement: judgePart(evidence) };
  return { looked, isSeen: isSeenWhole(evidence) };
}

/** The rows of these parts as they are, with their slots. */
async function readNow(
  client: OwnClient,
  leaf: BackupLeaf,
  parts: readonly Part[],
  known: ReadonlyMap<string, PartState> | null,
): Promise<ReadonlyMap<string, PartRows>> {
  if (parts.length === 0) return new Map();
  const keys = parts.map(({ key }) => key);
  const states = known ?? byPart(await readPartStates(client, leaf, keys));
  const now = new Map<string, PartRows>();
  for await (const { slots, ...key } of readSlots(client, leaf, keys)) {
    const state = states.get(textOf(key));
    if (state !== undefined) now.set(textOf(key), { ...state, slots });
  }
  return now;
}

function asSound(believed: PartRows): Judgement {
  return { believed, suspects: [], adopted: [], isSound: true };
}

const textOf = ({ coinId, interval }: LeafPart) => `${coinId}:${interval}`;

function byPart<Row extends LeafPart>(rows: readonly Row[]): Map<string, Row> {
  return new Map(rows.map((row) => [textOf(row), row]));
}
