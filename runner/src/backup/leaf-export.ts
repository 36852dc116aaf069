import type { PartRows } from "../archive/part.ts";
import { listTimes } from "../archive/slots.ts";
import type { Span } from "../candle/span.ts";
import type { LeafPart } from "../db/backup/backup-leaf.ts";
import type { StoredPart } from "../db/backup/ledger.ts";
import type { RowKey } from "../db/backup/row-keys.ts";
import { packParts } from "./groups.ts";
import type { LeafLook, LookedPart } from "./look-part.ts";

/**
 * A part after a look: what restores from now on, and whether the table is just that. `serverVersion`: of the server that made
 * the hashes of `believed`, MIXED for two. `hasBase`, `without`: as in LookedPart; `isRest`: it has
 * rows that do not restore, and its others need a base.
 */
export type NextPart = LeafPart & {
  readonly before: StoredPart | null;
  readonly believed: PartRows;
  readonly isSound: boolean;
  readonly serverVersion: number;
  readonly hasBase: boolean;
  readonly isRest: boolean;
  readonly without: readonly RowKey[];
};

/** The rows that were written since the last backup, of `parts` (null: of every part), but for `without`. */
type ChangedRows = { readonly parts: readonly LeafPart[] | null; readonly without: readonly RowKey[] };

/**
 * What of a leaf goes into objects. `bases`: groups of whole parts. `delta`: the rows that were written since the last
 * backup, or the rows of these keys; null: none. `beside`: rows that are suspect, as they are.
 */
export type LeafExport = {
  readonly bases: readonly (readonly NextPart[])[];
  readonly delta: ChangedRows | { readonly rows: readonly RowKey[] } | null;
  readonly beside: readonly RowKey[];
};

/**
 * A delta run writes rows, a daily run whole parts. A part that is new is written whole by both: without a base it would need
 * every older delta of the leaf, which may lie in no tier any more, though none of them has a row of it. A part with suspects keeps its base; then the rows that were written
 * since the last backup go into a delta, those of every part of the leaf: without the newest state of a row an older delta
 * that the part with the suspects still needs would win over the new base of the others.
 */
export function planLeafExport(
  {
    look,
    parts,
    span,
  }: { readonly look: LeafLook; readonly parts: readonly NextPart[]; readonly span: Span },
  isDaily: boolean,
): LeafExport {
  const takesBases = isDaily || look.isWhole;
  const isRight = ({ before, believed, hasBase }: NextPart) =>
    hasBase || (before?.base?.hash === believed.hash && before.base !== null);
  const needy = parts.filter(
    (part) =>
      (part.isSound || part.isRest) &&
      part.believed.rows > 0 &&
      !isRight(part) &&
      (takesBases || isNew(part.before)),
  );
  const groups = packParts(needy.map((part) => ({ ...part, rows: part.believed.rows })));
  const beside = look.parts.flatMap((part) =>
    part.judgement.suspects.flatMap(({ at, kind }) =>
      at === null || kind !== "changed" ? [] : [{ ...keyOf(part), at }],
    ),
  );
  const based = takesBases ? [] : needy;
  return { bases: groups, delta: planDelta(look, { takesBases, span, based }), beside };
}

const isNew = (before: StoredPart | null) => before === null || (before.rows === 0 && before.base === null);

function planDelta(
  { isWhole, parts }: LeafLook,
  {
    takesBases,
    span,
    based,
  }: { readonly takesBases: boolean; readonly span: Span; readonly based: readonly LeafPart[] },
): LeafExport["delta"] {
  const isBased = ({ coinId, interval }: LeafPart) =>
    based.some((part) => part.coinId === coinId && part.interval === interval);
  const others = parts.filter((part) => !isBased(part));
  const later = others.filter(({ added, judgement }) => added !== null || judgement.adopted.length > 0);
  const hasOldBase = parts.some(({ judgement }) => !judgement.isSound);
  if (later.length === 0 || (takesBases && !hasOldBase)) return null;
  if (!isWhole)
    return { parts: based.length === 0 ? null : others.map(keyOf), without: others.flatMap(listRefused) };
  const rows = later
    .filter(({ judgement }) => !judgement.isSound)
    .flatMap((part) =>
      [...listTimes({ span, interval: part.interval }, part.added?.slots ?? new Uint8Array())].map((at) => ({
        ...keyOf(part),
        at,
      })),
    );
  return rows.length === 0 ? null : { rows };
}

/** Rows that were written and do not restore in their new state; the doubts of a snapshot among them changed nothing. */
function listRefused(part: LookedPart): RowKey[] {
  const adopted = new Set(part.judgement.adopted);
  return part.again.flatMap(({ at }) => (adopted.has(at) ? [] : [{ ...keyOf(part), at }]));
}

const keyOf = ({ coinId, interval }: LeafPart) => ({ coinId, interval });
