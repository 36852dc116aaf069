import type { Span } from "../candle/span.ts";
import { isAboutCandles } from "../contract/damage.ts";
import type { Interval } from "../contract/intervals.ts";
import type { Leaf } from "../partition/layout.ts";
import { isSealed } from "../partition/sealed.ts";
import { DAY_MS, renderTime } from "../time.ts";

/** A leaf as the catalog and r3a.leaf_state have it. `state` null: it was never taken. `sealedAt` in ms, null: never. */
export type LeafFacts = Leaf & {
  readonly state: "open" | "sealing" | "sealed" | "restoring" | null;
  readonly sealedAt: number | null;
  readonly sealedPages: number | null;
};

/** What a series lacks in a leaf: slots in open gaps, or those behind the end of what was asked for though its coin trades. */
export type SeriesLack = {
  readonly symbol: string;
  readonly interval: Interval;
  readonly kind: "gaps" | "end";
  /** The number of slots, and the first of them (ms). */
  readonly slots: number;
  readonly from: number;
};

/** What decides whether a leaf can be sealed. `damages`: names of its open detectors; `suspects`: open ones; `lacks`: by series. */
export type LeafContent = {
  readonly hasRows: boolean;
  readonly damages: readonly string[];
  readonly suspects: number;
  readonly lacks: readonly SeriesLack[];
};

/** `seal`: with what is open, for the note. `wait`: a later run can. `never`: a person must look first. `none`: there is nothing to seal. */
export type SealVerdict = {
  readonly action: "seal" | "wait" | "never" | "none";
  /** A sentence; null: nothing is to be said. */
  readonly why: string | null;
};

/** A gap that nobody could fill in so many days after the end of the leaf is repaired later: then the leaf is reopened. */
const GAPS_AFTER_DAYS = 7;
/** A reopened leaf is rewritten where more of its rows than this share lie behind those that were put in order. */
const LARGEST_UNORDERED = 1 / 5;

/**
 * The leaves that are over, in the order of the work: what a killed run left, what was sealed before and reopened, since that
 * costs little, and then the others, the newest first, since these are read most. Sealed ones and those that are being
 * restored are left out.
 */
export function listDue(leaves: readonly LeafFacts[], now: number): readonly LeafFacts[] {
  const rank = ({ state, sealedAt }: LeafFacts) => (state === "sealing" ? 0 : sealedAt === null ? 2 : 1);
  return leaves
    .filter(({ span, state }) => isSealed(span, now) && state !== "sealed" && state !== "restoring")
    .toSorted((a, b) => rank(a) - rank(b) || b.span.from - a.span.from || (a.name < b.name ? -1 : 1));
}

/** Why a leaf is not among those. */
export function whyNotDue({ state, span }: LeafFacts): string {
  if (state === "sealed") return "it is sealed";
  if (state === "restoring") return "a restore is at work on it";
  return `late candles and repairs still come: it can be sealed 48 hours after ${renderTime(span.to)}`;
}

/** Whether a leaf that is over can be sealed by what is known before anything is done. */
export function judgeLeaf(
  { span }: Pick<Leaf, "span">,
  { hasRows, damages, suspects, lacks }: LeafContent,
  now: number,
): SealVerdict {
  if (damages.length > 0)
    return {
      action: "never",
      why: `it is damaged (${damages.join(", ")}): restore --damaged puts it right from the backups${damages.some(isAboutCandles) ? "; where a person changed the candles, backup --accept keeps them" : ""}`,
    };
  if (suspects > 0) return { action: "never", why: describeSuspects(suspects) };
  if (!hasRows) return { action: "none", why: "it has no candles" };
  if (lacks.length === 0) return { action: "seal", why: null };
  const until = span.to + GAPS_AFTER_DAYS * DAY_MS;
  const lacking = describeLacks(lacks);
  if (now < until)
    return { action: "wait", why: `${lacking}; sealed with these from ${renderTime(until)} on` };
  return { action: "seal", why: `sealed with what is open: ${lacking}` };
}

export function describeSuspects(count: number): string {
  return `${count} of its candles are suspect: look at them with restore --compare, then set them right or accept them (backup --accept)`;
}

/** Whether the rows are put into a new table in the order of their key. `beyond`: rows behind the pages of the last time. */
export function mustRewrite({
  sealedPages,
  rows,
  beyond,
}: {
  readonly sealedPages: number | null;
  readonly rows: number;
  readonly beyond: number;
}): boolean {
  return sealedPages === null || beyond > rows * LARGEST_UNORDERED;
}

/** A person reads no more of them, and the note in r3a.leaf_state has 500 characters. */
const MOST_NAMED = 5;

/** `BTCUSDT 1m lacks 12 slots from 2026-01-03T00:00:00Z on (open gaps); and 3 more series`. */
export function describeLacks(lacks: readonly SeriesLack[]): string {
  const named = lacks.slice(0, MOST_NAMED).map(({ symbol, interval, kind, slots, from }) => {
    const why = kind === "gaps" ? "open gaps" : "not asked for yet, though the coin trades";
    return `${symbol} ${interval} lacks ${slots} ${slots === 1 ? "slot" : "slots"} from ${renderTime(from)} on (${why})`;
  });
  const more = lacks.length - named.length;
  return [...named, ...(more > 0 ? [`and ${more} more series`] : [])].join("; ");
}

/** The part of a covered span in the leaf; null: none. */
export function clip({ from, to }: Span, leaf: Span): Span | null {
  const clipped = { from: Math.max(from, leaf.from), to: Math.min(to, leaf.to) };
  return clipped.from < clipped.to ? clipped : null;
}
