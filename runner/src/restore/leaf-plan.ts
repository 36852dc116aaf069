import type { Span } from "../candle/span.ts";
import type { Interval } from "../contract/intervals.ts";

/** An object as far as a plan needs it. `bytes`: as stored. */
export type PlannedObject = { readonly key: string; readonly bytes: number; readonly rows: number };

/**
 * A part as a leaf record has it. `base`: index of the object that holds the part whole, null: all rows are in deltas.
 * `baseBackup`: the backup that the base shows.
 */
export type RecordedPart = {
  readonly coinId: number;
  readonly interval: Interval;
  readonly rows: number;
  readonly base: number | null;
  readonly baseBackup: number | null;
};

/** What manifest and leaf record say of one leaf; `deltas` oldest first, each with the backup that wrote it. */
export type RecordedLeaf<Part extends RecordedPart, Stored extends PlannedObject> = {
  readonly name: string;
  readonly span: Span;
  readonly bases: readonly Stored[];
  readonly parts: readonly Part[];
  readonly deltas: readonly (Stored & { readonly backup: number })[];
};

/** One object and the parts whose rows are taken from it. A delta replaces rows of the same key. */
export type LeafStep<Part, Stored> = {
  readonly kind: "base" | "delta";
  readonly object: Stored;
  readonly parts: readonly Part[];
};

/** How a leaf is restored: its parts, and the objects in the order in which they are applied. */
export type LeafPlan<Part, Stored> = {
  readonly name: string;
  readonly span: Span;
  readonly parts: readonly Part[];
  readonly steps: readonly LeafStep<Part, Stored>[];
  /** Rows that the parts have afterwards. */
  readonly rows: number;
  /** Of the objects, as stored. */
  readonly bytes: number;
};

/**
 * Of a base only the parts that name it: the other parts of it were written again since. Then the deltas, oldest first, so
 * that the newest value of a row is the last; a delta that is not newer than the base of a part has old values of its rows. `coins`: only the parts of these; null for all.
 */
export function planLeaf<Part extends RecordedPart, Stored extends PlannedObject>(
  { name, span, bases, parts: all, deltas }: RecordedLeaf<Part, Stored>,
  coins: ReadonlySet<number> | null,
): LeafPlan<Part, Stored> {
  const parts = all.filter(({ coinId }) => coins?.has(coinId) ?? true);
  const ofBases = bases.map((object, index) => ({
    kind: "base" as const,
    object,
    parts: parts.filter(({ base }) => base === index),
  }));
  const ofDeltas = deltas.map((object) => ({
    kind: "delta" as const,
    object,
    parts: parts.filter(({ baseBackup }) => baseBackup === null || baseBackup < object.backup),
  }));
  const steps = [...ofBases, ...ofDeltas].filter((step) => step.parts.length > 0);
  return {
    ...{ name, span, parts, steps },
    rows: parts.reduce((sum, { rows }) => sum + rows, 0),
    bytes: steps.reduce((sum, { object }) => sum + object.bytes, 0),
  };
}

/** Of the leaves of a manifest: the one of that name, or those that hold times of the span; the newest first. */
export function chooseLeaves<Leaf extends { readonly name: string; readonly span: Span }>(
  leaves: readonly Leaf[],
  {
    leaf,
    from,
    to,
  }: { readonly leaf: string | null; readonly from: number | null; readonly to: number | null },
): readonly Leaf[] {
  return leaves
    .filter(({ name }) => leaf === null || name === leaf)
    .filter(({ span }) => (from === null || span.to > from) && (to === null || span.from < to))
    .toSorted((a, b) => b.span.from - a.span.from || (a.name < b.name ? -1 : 1));
}
