import { FormError, isForm, isListOf, isNumberIn, isRecord, isText, isWhole } from "./form.ts";
import { intervalWidths, isInterval } from "./interval.ts";
import type { Span } from "./market.ts";

const statusKinds = ["429", "418", "403", "451", "500", "502", "503", "504", "garbage"] as const;
const wireKinds = ["stall-headers", "stall-body", "cut-body", "bad-json", "refuse"] as const;
const rowKinds = ["empty", "duplicate", "unordered", "drop-rows", "poison", "revise"] as const;

export type StatusFault = (typeof statusKinds)[number];
export type WireFault = (typeof wireKinds)[number];
export type RowFault = (typeof rowKinds)[number];

export type FaultKind = StatusFault | WireFault | RowFault;

/** One changed field of one row; `field` is the index in the row, `openTime` in ms. */
export type RowChange = {
  readonly openTime: number;
  readonly field: number;
  readonly value: string | number | null;
};

/** One rule: a request that fits all its conditions meets the fault. Times are ms. */
export type FaultRule = {
  readonly kind: FaultKind;
  /** Beginning of the path. */
  readonly path?: string;
  readonly symbol?: string;
  readonly interval?: string;
  /** Half-open; fits if the asked span touches it. Klines only. */
  readonly from?: number;
  readonly to?: number;
  /** 0 to 1. */
  readonly probability?: number;
  /** Only the next so many matches. */
  readonly times?: number;
  readonly retryAfterS?: number;
  readonly banMs?: number;
  /** For drop-rows: open times. */
  readonly slots?: readonly number[];
  /** For poison and revise. */
  readonly rows?: readonly RowChange[];
};

const kinds: readonly string[] = [...statusKinds, ...wireKinds, ...rowKinds];

const isRule = isForm({
  kind: (value) =>
    typeof value === "string" && kinds.includes(value) ? null : `must be one of ${kinds.join(", ")}`,
  path: isText,
  symbol: isText,
  interval: (value) => (typeof value === "string" && isInterval(value) ? null : "is unknown"),
  from: isWhole,
  to: isWhole,
  probability: isNumberIn(0, 1),
  times: isNumberIn(1),
  retryAfterS: isNumberIn(0),
  banMs: isNumberIn(0),
  slots: isListOf(isWhole),
  rows: isListOf(
    isForm({
      openTime: isWhole,
      field: isNumberIn(0, 11),
      value: (value) =>
        value === null || ["string", "number"].includes(typeof value) ? null : "must be text, number or null",
    }),
  ),
});

/** Checks a rule that came from outside; a FormError names all that is wrong. */
export function parseFaultRule(value: unknown): FaultRule {
  const issue = isRecord(value) && !("kind" in value) ? "kind is missing" : isRule(value);
  if (issue !== null) throw new FormError([`fault rule: ${issue}`]);
  return value as FaultRule;
}

export type FaultTarget = {
  readonly path: string;
  readonly symbol: string | null;
  readonly interval: string | null;
  /** What a klines request may return; null for all other requests. */
  readonly span: Span | null;
};

/** A rule in force and how many matches it has left (null: no end). */
export type ActiveFault = { readonly rule: FaultRule; left: number | null };

export type MatchedFaults = {
  /** The first status or wire fault that fits. */
  readonly ending: (FaultRule & { kind: StatusFault | WireFault }) | null;
  /** All row faults that fit, in order. */
  readonly rows: readonly FaultRule[];
};

function isRowFault(rule: FaultRule): rule is FaultRule & { kind: RowFault } {
  return rowKinds.some((kind) => kind === rule.kind);
}

/** The span that a klines request may return: half-open, by its limit where it gives no bound. */
export function askedSpan(query: URLSearchParams, now: number): Span | null {
  const interval = query.get("interval") ?? "";
  if (!isInterval(interval)) return null;
  const reach = (Number(query.get("limit") ?? 500) || 500) * intervalWidths[interval];
  const end = query.has("endTime") ? Number(query.get("endTime")) + 1 : now + 1;
  if (!query.has("startTime")) return { from: end - reach, to: end };
  const from = Number(query.get("startTime"));
  return { from, to: Math.min(end, from + reach) };
}

function touches(span: Span | null, from: number, to: number): boolean {
  return span !== null && from < span.to && to > span.from;
}

function fits(rule: FaultRule, target: FaultTarget): boolean {
  if (rule.path !== undefined && !target.path.startsWith(rule.path)) return false;
  if (rule.symbol !== undefined && rule.symbol !== target.symbol) return false;
  if (rule.interval !== undefined && rule.interval !== target.interval) return false;
  if (rule.from !== undefined || rule.to !== undefined)
    if (!touches(target.span, rule.from ?? -Infinity, rule.to ?? Infinity)) return false;
  if (!isRowFault(rule)) return true;
  if (target.span === null) return false;
  // A rule about single rows must not use up its matches on pages without them.
  const opens = rule.kind === "drop-rows" ? rule.slots : rule.rows?.map((row) => row.openTime);
  return opens?.some((open) => touches(target.span, open, open + 1)) ?? true;
}

/** Finds the rules that fit a request and uses up their counts; `random` gives numbers in [0, 1). */
export function matchFaults(
  active: readonly ActiveFault[],
  target: FaultTarget,
  random: () => number,
): MatchedFaults {
  let ending: MatchedFaults["ending"] = null;
  const rows: FaultRule[] = [];
  for (const fault of active) {
    const { rule } = fault;
    if (fault.left === 0 || !fits(rule, target)) continue;
    if (!isRowFault(rule) && ending) continue;
    if (rule.probability !== undefined && random() >= rule.probability) continue;
    if (fault.left !== null) fault.left--;
    if (isRowFault(rule)) rows.push(rule);
    else ending = rule as NonNullable<MatchedFaults["ending"]>;
  }
  return { ending, rows };
}
