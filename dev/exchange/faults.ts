import { z } from "zod";
import { type Interval, intervalWidths, isInterval } from "./interval.ts";
import type { Span } from "./market.ts";

const statusKinds = ["429", "418", "403", "451", "500", "502", "503", "504", "garbage"] as const;
const wireKinds = ["stall-headers", "stall-body", "cut-body", "bad-json", "refuse"] as const;
const rowKinds = ["empty", "duplicate", "unordered", "drop-rows", "poison", "revise"] as const;

export type StatusFault = (typeof statusKinds)[number];
export type WireFault = (typeof wireKinds)[number];
export type RowFault = (typeof rowKinds)[number];

/** One changed field of one row; `field` is the index in the row, `openTime` in ms. */
const rowChange = z.strictObject({
  openTime: z.int(),
  field: z.int().min(0).max(11),
  value: z.union([z.string(), z.number(), z.null()]),
});

/** One rule: a request that fits all its conditions meets the fault. Times are ms. */
export const faultRule = z.strictObject({
  kind: z.enum([...statusKinds, ...wireKinds, ...rowKinds]),
  /** Beginning of the path. */
  path: z.string().exactOptional(),
  symbol: z.string().exactOptional(),
  interval: z.enum(Object.keys(intervalWidths) as Interval[]).exactOptional(),
  /** Half-open; fits if the asked span touches it. Klines only. */
  from: z.int().exactOptional(),
  to: z.int().exactOptional(),
  probability: z.number().min(0).max(1).exactOptional(),
  /** Only the next so many matches. */
  times: z.number().min(1).exactOptional(),
  retryAfterS: z.number().min(0).exactOptional(),
  banMs: z.number().min(0).exactOptional(),
  /** For drop-rows: open times. */
  slots: z.array(z.int()).readonly().exactOptional(),
  /** For poison and revise. */
  rows: z.array(rowChange).readonly().exactOptional(),
});

export type RowChange = Readonly<z.infer<typeof rowChange>>;
export type FaultRule = Readonly<z.infer<typeof faultRule>>;
export type FaultKind = FaultRule["kind"];

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

export function isWireFault(kind: FaultKind): kind is WireFault {
  return wireKinds.some((wire) => wire === kind);
}

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
