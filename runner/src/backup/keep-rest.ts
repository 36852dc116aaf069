import type { LeafPart } from "../db/backup/backup-leaf.ts";
import { readSlots } from "../db/backup/part-slots.ts";
import { readPartStates } from "../db/backup/part-state.ts";
import type { RowKey } from "../db/backup/row-keys.ts";
import type { OwnClient } from "../db/session.ts";
import { NO_ROWS } from "./judge.ts";
import { byPart, type LeafLook, type LeafQuestion, type LookedPart, textOf } from "./look-part.ts";

/**
 * Of the parts that no tier gives back any more, since their objects are gone, those rows are believed that nobody doubts: a
 * restore gives them, and the exchange is asked for the others. The earlier hash of the part cannot prove them, since it counts
 * rows that nobody has. A part of which some unknown row is suspect is left as it is: then all of its rows are in doubt.
 */
export async function keepRest(client: OwnClient, question: LeafQuestion, look: LeafLook): Promise<LeafLook> {
  const { leaf, lost } = question;
  if (lost.length === 0) return look;
  const isLost = new Set(lost.map(textOf));
  const doubts = new Map<LookedPart, readonly RowKey[]>();
  for (const part of look.parts) {
    if (part.judgement.isSound || !isLost.has(textOf(part))) continue;
    const keys = listDoubted(question, part);
    if (keys !== null) doubts.set(part, keys);
  }
  const parts = [...doubts.keys()];
  if (parts.length === 0) return look;
  const without = [...doubts.values()].flat();
  const states = byPart(await readPartStates(client, leaf, parts, without));
  const rests = new Map<string, Uint8Array>();
  for await (const part of readSlots(client, leaf, parts, without)) rests.set(textOf(part), part.slots);
  const keep = (part: LookedPart): LookedPart => {
    const [state, slots] = [states.get(textOf(part)), rests.get(textOf(part))];
    const believed = state === undefined || slots === undefined ? NO_ROWS : { ...state, slots };
    return { ...part, judgement: { ...part.judgement, believed }, without: doubts.get(part) ?? [] };
  };
  return { ...look, parts: look.parts.map((part) => (doubts.has(part) ? keep(part) : part)) };
}

/** null: which row is suspect is not known. */
function listDoubted({ open }: LeafQuestion, part: LookedPart): readonly RowKey[] | null {
  const { coinId, interval } = part;
  const isOf = (other: LeafPart) => textOf(other) === textOf(part);
  const keys: RowKey[] = [];
  for (const { at } of [...open.filter(isOf), ...part.judgement.suspects]) {
    if (at === null) return null;
    keys.push({ coinId, interval, at });
  }
  return keys;
}
