import { createHash } from "node:crypto";
import { areComparable } from "../archive/hash-version.ts";
import { parseObjectKey } from "../archive/object/key.ts";
import { hasSlot, indexOf, listTimes } from "../archive/slots.ts";
import { type ChangedRow, readFresh } from "../db/backup/changes.ts";
import { copyParts } from "../db/backup/copy-out.ts";
import type { StoredPart } from "../db/backup/ledger.ts";
import { readPartStates } from "../db/backup/part-state.ts";
import type { RowKey } from "../db/backup/row-keys.ts";
import { readRevised, sumUnrevised } from "../db/backup/unlisted.ts";
import type { OwnClient } from "../db/session.ts";
import { NO_ROWS } from "./judge.ts";
import {
  asSound,
  byPart,
  judge,
  type LeafLook,
  type LeafQuestion,
  type LookedPart,
  listParts,
  type Part,
  readNow,
  textOf,
} from "./look-part.ts";

/**
 * Judges every part of a leaf by its content, and a part that grew by the rows on its new slots. What else was written is not
 * known row by row: revisions explain it, and values that came for NULLs where the numbers of transactions tell how many
 * there are. Hashes of another version of the server are compared all the same, since most versions have the same ones;
 * where they differ, the text of the part decides.
 */
export async function lookWhole(client: OwnClient, question: LeafQuestion): Promise<LeafLook> {
  const { leaf, horizon } = question;
  const states = byPart(await readPartStates(client, leaf));
  const odd = listParts(question, [states]).filter(({ text, before, open, isAccepted }) => {
    if (open.length > 0 || isAccepted || before === null || isForeign(before, question)) return true;
    const state = states.get(text);
    return state?.rows !== before.rows || state.hash !== before.hash;
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
  const same = await listSameText(client, question, unclear);
  const parts = plain.map((looked, index) => {
    const part = odd[index];
    if (part === undefined || !unclear.includes(looked)) return looked;
    const judgement = asSound(now.get(part.text) ?? NO_ROWS);
    if (same.has(looked)) return { ...looked, judgement, hasBase: looked.added === null };
    const isOld = ({ at }: ChangedRow) => isBelieved(question, part, at);
    const again = (revised.get(part.text) ?? []).filter(isOld);
    const unlisted = filled.get(part.text) ?? null;
    const explained = judge(question, part, { now, added: looked.added, again, unlisted }).looked;
    return explained.judgement.isSound ? explained : looked;
  });
  return { isWhole: true, parts };
}

/** Whether the hashes of the part were made by a version of the server whose hashes may be others. */
function isForeign(before: StoredPart, { serverVersion }: LeafQuestion): boolean {
  return !areComparable(before.serverVersion, serverVersion);
}

/**
 * Of the parts whose hashes another version made, those whose rows are still the text of their base. An object holds several
 * parts, so all of them must be as they were: one that has a newer base, or rows in a delta, leaves them all in doubt.
 */
async function listSameText(
  client: OwnClient,
  question: LeafQuestion,
  unclear: readonly LookedPart[],
): Promise<ReadonlySet<LookedPart>> {
  const { leaf, believed } = question;
  const foreign = unclear.filter(({ before }) => before !== null && isForeign(before, question));
  const same = new Set<LookedPart>();
  for (const [key, parts] of Map.groupBy(foreign, ({ before }) => before?.base?.key ?? "")) {
    const isWhole = parts.length === believed.filter(({ base }) => base?.key === key).length;
    if (!isWhole || parts.some(({ before }) => before?.base?.hash !== before?.hash)) continue;
    const without = parts.flatMap((part) => listNew(question, part));
    const hash = createHash("sha256");
    for await (const chunk of copyParts(client, leaf, parts, without)) hash.update(chunk);
    if (hash.digest("hex") === parseObjectKey(key)?.plainSha256) for (const part of parts) same.add(part);
  }
  return same;
}

function listNew(
  { leaf: { span } }: LeafQuestion,
  { coinId, interval, added }: LookedPart,
): readonly RowKey[] {
  const times = listTimes({ span, interval }, added?.slots ?? NO_ROWS.slots);
  return [...times].map((at) => ({ coinId, interval, at }));
}

function isBelieved({ leaf }: LeafQuestion, { key, before }: Part, at: number): boolean {
  const index = indexOf({ span: leaf.span, interval: key.interval }, at);
  return before !== null && hasSlot(before.slots, index);
}
