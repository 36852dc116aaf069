import { readChanges } from "../db/backup/changes.ts";
import { countParts, readPartStates } from "../db/backup/part-state.ts";
import type { OwnClient } from "../db/session.ts";
import { joinRows, NO_ROWS } from "./judge.ts";
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
import { lookWhole } from "./look-whole.ts";

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
      plain.push({
        ...{ ...part.key, before: part.before, added, again: [], hasBase: false, without: null },
        judgement: asSound(grown),
      });
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
