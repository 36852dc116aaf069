import type { BackupLeaf, LeafPart } from "../db/backup/backup-leaf.ts";
import { listLooks, listStoredParts, listSuspects, type SuspectKind } from "../db/backup/ledger.ts";
import { readFacts } from "../db/backup/snapshot.ts";
import type { OwnClient } from "../db/session.ts";
import { MOST_SUSPECTS } from "./export-all.ts";
import { horizonOf } from "./horizon.ts";
import { lookAtLeaf } from "./look-leaf.ts";
import type { LookedPart } from "./look-part.ts";

/** A candle (`at`, ms) that is not as the backups restore it; `at` null: some candle of the part. */
type OddCandle = LeafPart & { readonly at: number | null; readonly kind: SuspectKind };

/**
 * A leaf beside what the backups restore of it. `rows`: what they restore. `odd`: candles that nothing explains, those that a
 * backup found already among them (`open`: how many). `written`: parts that are new or other rows than before, though each of
 * them is explained as a backup would take it.
 */
export type LeafBeside = {
  readonly rows: number;
  readonly odd: readonly OddCandle[];
  readonly open: number;
  readonly written: readonly LeafPart[];
};

/** Judges a leaf as a daily backup would, in the transaction of the caller, and writes nothing. */
export async function lookOnly(client: OwnClient, leaf: BackupLeaf): Promise<LeafBeside> {
  const believed = await listStoredParts(client, leaf);
  const open = await listSuspects(client, { leaf: leaf.name, most: MOST_SUSPECTS });
  const before = (await listLooks(client)).get(leaf.name)?.backup;
  const facts = await readFacts(client);
  const { serverVersion } = facts;
  const question = { leaf, believed, open, horizon: horizonOf(before, facts), isDaily: true, serverVersion };
  const { parts } = await lookAtLeaf(client, { ...question, accepted: [], lost: [] });
  const unsound = parts.filter(({ judgement }) => !judgement.isSound);
  const isIn = (part: LeafPart, list: readonly LeafPart[]) =>
    list.some(({ coinId, interval }) => coinId === part.coinId && interval === part.interval);
  const known = open.filter((suspect) => isIn(suspect, unsound));
  const found = unsound.flatMap((part) =>
    part.judgement.suspects.map(({ at, kind }) => ({ ...keyOf(part), at, kind })),
  );
  return {
    rows: believed.reduce((sum, { rows }) => sum + rows, 0),
    odd: [...known.map((suspect) => ({ ...keyOf(suspect), at: suspect.at, kind: suspect.kind })), ...found],
    open: known.length,
    written: parts.filter(isWritten).map(keyOf),
  };
}

function isWritten({ before, judgement, hasBase }: LookedPart): boolean {
  if (!judgement.isSound || hasBase) return false;
  const { rows, hash } = judgement.believed;
  return before === null ? rows > 0 : before.rows !== rows || before.hash !== hash;
}

const keyOf = ({ coinId, interval }: LeafPart): LeafPart => ({ coinId, interval });
