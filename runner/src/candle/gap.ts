import { type Interval, WIDTH_MS } from "../contract/intervals.ts";
import { HOUR_MS } from "../time.ts";
import type { Rejected } from "./candle.ts";
import { hull, intersect, overlaps, type Span, spanOf, subtract, union } from "./span.ts";
import { overlapping, subtractAll, within } from "./sweep.ts";

/** `open`: nothing explains yet why the slots are missing. `not_requested`: nobody has asked for them yet. */
export const GAP_STATES = [
  "open",
  "not_requested",
  "confirmed_absent",
  "before_listing",
  "after_delisting",
  "repaired",
] as const;
export type GapState = (typeof GAP_STATES)[number];

/**
 * What came of the last request. `absent`: the exchange answered without the slots. `failed`: no usable answer.
 * `invalid`: a row came and must not be stored.
 */
export type GapReason = "absent" | "failed" | "invalid";

/** One row of the gap log. Times in ms; `id` a UUID; `nextCheckAt` null: no job asks for it again. */
export type Gap = Span & {
  readonly id: string;
  readonly state: GapState;
  /** Null in the state `not_requested`, and where the first request filled the gap. */
  readonly reason: GapReason | null;
  /** Answers so far in which the slots were missing. */
  readonly attempts: number;
  readonly evidence: Evidence;
  readonly nextCheckAt: number | null;
};

export type Evidence = {
  readonly error?: string;
  readonly raw?: string;
  /** First answer without the slots, ms. */
  readonly absentSince?: number;
  /** Open times of the nearest candles seen in the same answer, null where the answer held none. */
  readonly before?: number | null;
  readonly after?: number | null;
};

/** What one request brought for its span: stored slots ascending, broken rows by slot, or why it failed. */
export type PageFacts = {
  readonly span: Span;
  readonly slots: readonly number[];
  readonly rejected: ReadonlyMap<number, Rejected>;
  readonly failure: string | null;
};

/** What is known of the symbol's life. `firstCandle` in ms; `trading` false once the exchange says so. */
export type Life = {
  readonly firstCandle: number | null;
  readonly trading: boolean;
  readonly lastTs: number | null;
};

/** Never terminal: the exchange re-uploads now and then. */
const RECHECK_MS: readonly number[] = [1, 24, 7 * 24, 30 * 24, 90 * 24].map((hours) => hours * HOUR_MS);
/** Two answers this far apart prove an absence; two in a row only prove the same cache. */
const PROOF_DISTANCE_MS = HOUR_MS;

type Missing = Span & { readonly reason: GapReason; readonly evidence: Evidence };

/** What the rules need to know besides the answer; `newId` makes ids for new rows. */
export type GapRules = {
  /** Stored or logged before this page: what is missing in here and in no known gap is stored. */
  readonly covered: Span | null;
  readonly life: Life;
  readonly now: number;
  readonly newId: () => string;
};

/**
 * The gap log's next rows for one page: existing gaps updated, split or closed, new ones added. The first piece of a
 * split gap keeps its id; a repaired piece is kept as a row of history. Of `existing` those that touch the page count,
 * and the work grows with them and the page alone.
 */
export function planGaps(
  interval: Interval,
  existing: readonly Gap[],
  page: PageFacts,
  { covered, life, now, newId }: GapRules,
): readonly Gap[] {
  const missing = listMissing(interval, page, now);
  const touched = existing.filter(
    (gap) => gap.state !== "repaired" && gap.from <= page.span.to && gap.to >= page.span.from,
  );
  const split = touched.flatMap((gap) =>
    splitGap(gap, page.span, { missing, life, now }).map((piece, index) => ({
      ...piece,
      id: index === 0 ? gap.id : newId(),
    })),
  );
  const explained = union(covered === null ? touched : [covered, ...touched]);
  const added = missing.flatMap((piece) =>
    subtract(piece, within(explained, piece)).map((rest) => ({
      ...judge({ ...piece, ...rest }, null, { life, now }),
      id: newId(),
    })),
  );
  const known = new Map(touched.map((gap) => [gap.id, gap]));
  const isNews = (gap: Gap) => {
    const before = known.get(gap.id);
    return overlaps(gap, page.span) || before?.from !== gap.from || before.to !== gap.to;
  };
  const rows = mergeTouching([...split, ...added], known).filter(isNews);
  // a row that begins later now makes room for a new one at its old begin: the log has one open row per begin
  return [...rows.filter(({ id }) => known.has(id)), ...rows.filter(({ id }) => !known.has(id))];
}

/**
 * Joins new pieces with equal neighbours: a halt, an outage or a delisted symbol is one row, however many runs met it.
 * The joined row proves no more than its youngest part. Rows that are in the log already stay rows of their own.
 */
function mergeTouching(pieces: readonly Gap[], known: ReadonlyMap<string, unknown>): Gap[] {
  const merged: Gap[] = [];
  for (const piece of pieces.toSorted((a, b) => a.from - b.from)) {
    const last = merged.at(-1);
    if (last === undefined || !isJoinable(last, piece) || (known.has(last.id) && known.has(piece.id))) {
      merged.push(piece);
      continue;
    }
    merged[merged.length - 1] = {
      ...piece,
      ...hull(last, piece),
      id: known.has(piece.id) ? piece.id : last.id,
      attempts: Math.min(last.attempts, piece.attempts),
      evidence: joinEvidence(last.evidence, piece.evidence),
      nextCheckAt: Math.max(last.nextCheckAt ?? 0, piece.nextCheckAt ?? 0),
    };
  }
  return merged;
}

function isJoinable(a: Gap, b: Gap): boolean {
  if (a.to !== b.from || a.state !== b.state || a.reason !== b.reason) return false;
  if (a.nextCheckAt === null || b.nextCheckAt === null) return false;
  if (a.reason !== "absent" && a.reason !== "failed") return false;
  return a.attempts === b.attempts || a.state === "after_delisting";
}

function joinEvidence(a: Evidence, b: Evidence): Evidence {
  const joined = { ...a, ...b };
  if (a.absentSince === undefined || b.absentSince === undefined) return joined;
  return {
    ...joined,
    absentSince: Math.max(a.absentSince, b.absentSince),
    before: a.before ?? null,
    after: b.after ?? null,
  };
}

type Judged = Omit<Gap, "id">;
type Answered = Pick<GapRules, "life" | "now"> & { readonly missing: readonly Missing[] };

function splitGap(gap: Gap, page: Span, answered: Answered): Judged[] {
  const inside = intersect(gap, page);
  if (inside === null) return [gap];
  const lacking = overlapping(answered.missing, inside);
  const still = lacking.flatMap((piece) => {
    const part = intersect(piece, inside);
    return part === null ? [] : [judge({ ...piece, ...part }, gap, answered)];
  });
  const untouched = subtract(gap, [page]).map((span) => ({ ...gap, ...span }));
  const filled = subtract(inside, lacking).map(
    (span): Judged => ({ ...gap, ...span, state: "repaired", nextCheckAt: null }),
  );
  return [...untouched, ...still, ...filled];
}

/** State and next check of a missing piece, from what was known of it (`gap`) and the new answer. */
function judge(piece: Missing, gap: Gap | null, { life, now }: Omit<Answered, "missing">): Judged {
  const { from, to, reason, evidence } = piece;
  // what was thought to be before the listing was never asked for, and says nothing once the listing is earlier
  const isRefuted = gap?.state === "before_listing" && life.firstCandle !== null && to > life.firstCandle;
  const isKnown = gap !== null && gap.reason === reason && !isRefuted;
  if (reason === "failed") {
    // no answer is no evidence: what was known stays, and it is due at once
    return gap === null || gap.state === "not_requested"
      ? { from, to, state: "open", reason, attempts: 0, evidence, nextCheckAt: now }
      : { ...gap, from, to, evidence: { ...gap.evidence, ...evidence }, nextCheckAt: now };
  }
  // an answer before its time proves nothing new: the next check stays where it was
  if (isKnown && gap.nextCheckAt !== null && gap.nextCheckAt > now) return { ...gap, from, to };
  const attempts = (isKnown ? gap.attempts : 0) + 1;
  const absentSince = (isRefuted ? null : gap?.evidence.absentSince) ?? now;
  const state = judgeState(piece, { attempts, forMs: now - absentSince }, life);
  const wait = RECHECK_MS[Math.min(attempts, RECHECK_MS.length) - 1] ?? HOUR_MS;
  const known = reason === "absent" ? { ...evidence, absentSince } : evidence;
  return { from, to, state, reason, attempts, evidence: known, nextCheckAt: now + wait };
}

function judgeState(piece: Missing, known: { attempts: number; forMs: number }, life: Life): GapState {
  if (piece.reason !== "absent") return "open";
  if (life.firstCandle !== null && piece.to <= life.firstCandle) return "before_listing";
  if (!life.trading && (life.lastTs === null || piece.from > life.lastTs)) return "after_delisting";
  return known.attempts > 1 && known.forMs >= PROOF_DISTANCE_MS ? "confirmed_absent" : "open";
}

/** The slots of the page that are not stored, as pieces of one reason each, ascending. */
export function listMissing(interval: Interval, page: PageFacts, now: number): Missing[] {
  if (page.failure !== null) return [{ ...page.span, reason: "failed", evidence: { error: page.failure } }];
  const width = WIDTH_MS[interval];
  const slotSpan = (slot: number): Span => ({ from: slot, to: slot + width });
  // nearly every page is complete: a thousand spans need not be made to see that
  if (page.rejected.size === 0 && page.slots.length === (page.span.to - page.span.from) / width) return [];
  const present = page.slots.map(slotSpan);
  const broken = [...page.rejected].filter(([slot]) => slot >= page.span.from && slot < page.span.to);
  const absent = subtract(page.span, [...present, ...broken.map(([slot]) => slotSpan(slot))]);
  const pieces: Missing[] = [];
  let behind = 0;
  for (const span of absent) {
    while ((page.slots[behind] ?? Number.POSITIVE_INFINITY) < span.from) behind += 1;
    const [before, after] = [page.slots[behind - 1] ?? null, page.slots[behind] ?? null];
    pieces.push({ ...span, reason: "absent", evidence: { absentSince: now, before, after } });
  }
  for (const [slot, { reason, raw }] of broken) {
    for (const span of subtractAll([slotSpan(slot)], within(present, slotSpan(slot))))
      pieces.push({ ...span, reason: "invalid", evidence: { error: reason, raw } });
  }
  return pieces.toSorted((a, b) => a.from - b.from);
}

/**
 * The page without the newest slots that are missing and whose close is not `settledBefore` yet: the exchange may
 * still be about to show them, so they stay uncovered instead of being logged. Null where nothing is left.
 */
export function trimUnsettled(interval: Interval, page: PageFacts, settledBefore: number): PageFacts | null {
  if (page.failure !== null) return page;
  const width = WIDTH_MS[interval];
  const known = Math.max(
    (page.slots.at(-1) ?? page.span.from - width) + width,
    ...page.rejected.keys().map((s) => s + width),
  );
  const settled = Math.floor(settledBefore / width) * width;
  const span = spanOf(page.span.from, Math.min(page.span.to, Math.max(known, settled)));
  return span === null ? null : { ...page, span };
}
