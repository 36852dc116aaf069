import type { PartRows } from "../archive/part.ts";
import { listTimes } from "../archive/slots.ts";
import type { Span } from "../candle/span.ts";
import type { LeafPart } from "../db/backup/backup-leaf.ts";
import type { RowKey } from "../db/backup/copy-out.ts";
import type { StoredPart } from "../db/backup/ledger.ts";
import { packParts } from "./groups.ts";
import type { LeafLook, LookedPart } from "./look-part.ts";

/**
 * A part after a look: what restores from now on, and whether the table is just that. `serverVersion`: of the server that made
 * the hashes of `believed`, MIXED for two. `hasBase`: as in LookedPart.
 */
export type NextPart = LeafPart & {
  readonly before: StoredPart | null;
  readonly believed: PartRows;
  readonly isSound: boolean;
  readonly serverVersion: number;
  readonly hasBase: boolean;
};

/**
 * What of a leaf goes into objects. `bases`: groups of whole parts. `delta`: the rows that were written since the last
 * backup but for `without`, or the rows of these keys; null: none. `beside`: rows that are suspect, as they are.
 */
export type LeafExport = {
  readonly bases: readonly (readonly NextPart[])[];
  readonly delta: { readonly without: readonly RowKey[] } | { readonly rows: readonly RowKey[] } | null;
  readonly beside: readonly RowKey[];
};

/**
 * A delta run writes rows, a daily run whole parts. A part with suspects keeps its base; then the rows that were written
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
  const needy = takesBases
    ? parts.filter((part) => part.isSound && part.believed.rows > 0 && !isRight(part))
    : [];
  const groups = packParts(needy.map((part) => ({ ...part, rows: part.believed.rows })));
  const beside = look.parts.flatMap((part) =>
    part.judgement.suspects.flatMap(({ at, kind }) =>
      at === null || kind !== "changed" ? [] : [{ ...keyOf(part), at }],
    ),
  );
  return { bases: groups, delta: planDelta(look, { takesBases, span }), beside };
}

function planDelta(
  { isWhole, parts }: LeafLook,
  { takesBases, span }: { readonly takesBases: boolean; readonly span: Span },
): LeafExport["delta"] {
  const later = parts.filter(({ added, judgement }) => added !== null || judgement.adopted.length > 0);
  const hasOldBase = parts.some(({ judgement }) => !judgement.isSound);
  if (later.length === 0 || (takesBases && !hasOldBase)) return null;
  if (!isWhole) return { without: parts.flatMap(listRefused) };
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
