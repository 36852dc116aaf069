import { WIDTH_MS } from "../candle/interval.ts";
import { intersect, type Span, spanOf, split, subtract, union } from "../candle/span.ts";
import type { Interval } from "../contract.ts";
import { findContradictions, findDuplicates, findMisaligned, findMissing, findOrphans } from "../db/audit.ts";
import type { Database } from "../db/connect.ts";
import type { SeriesState } from "../db/series.ts";

/**
 * What is wrong with a series. `gap`: missing and not in the gap log. `open gap`: missing, logged, not explained yet.
 * `logged but stored`: the log says missing and the candle is there. Others as in the docs of `verify`.
 */
export type FindingKind =
  | "gap"
  | "open gap"
  | "logged but stored"
  | "duplicate"
  | "orphan"
  | "misaligned"
  | "contradiction";

export type Finding = Span & {
  readonly symbol: string;
  readonly interval: Interval;
  readonly kind: FindingKind;
};

/** Misaligned candles are real rows of 2017 and 2018: reported, no fault. */
export function isFault({ kind }: Finding): boolean {
  return kind !== "misaligned";
}

/** One statement looks at this much of a series, so that none runs for minutes. */
const STRETCH_CANDLES = 100_000;

/** Compares one series with its covered span, its gap log and the finer interval. Reads only. */
export async function verifySeries(
  db: Database,
  state: SeriesState,
  within: Span,
): Promise<readonly Finding[]> {
  const { coinId, interval, symbol, covered } = state;
  const width = WIDTH_MS[interval];
  const findings: Finding[] = [];
  const add = (kind: FindingKind, spans: readonly Span[]) => {
    for (const { from, to } of union(spans)) findings.push({ symbol, interval, kind, from, to });
  };
  const slots = (times: readonly number[]): Span[] => times.map((from) => ({ from, to: from + width }));

  for (const outside of subtract(within, covered === null ? [] : [covered])) {
    add("orphan", slots(await findOrphans(db, { coinId, interval, span: outside })));
  }
  const inside = covered === null ? null : intersect(covered, within);
  if (inside === null) return findings;
  const aligned = spanOf(Math.ceil(inside.from / width) * width, Math.floor(inside.to / width) * width);
  for (const span of aligned === null ? [] : split(aligned, STRETCH_CANDLES * width)) {
    const part = { coinId, interval, span };
    const missing = await findMissing(db, part);
    const logged = state.gaps.flatMap((gap) => intersect(gap, span) ?? []);
    const open = state.gaps.filter((gap) => gap.state === "open" && gap.reason !== "not_requested");
    add(
      "gap",
      missing.flatMap((hole) => subtract(hole, logged)),
    );
    add(
      "open gap",
      missing.flatMap((hole) => open.flatMap((gap) => intersect(hole, gap) ?? [])),
    );
    add(
      "logged but stored",
      logged.flatMap((gap) => subtract(gap, missing)),
    );
    add("duplicate", slots(await findDuplicates(db, part)));
    add("misaligned", slots(await findMisaligned(db, part)));
    add("contradiction", slots(await findContradictions(db, part)));
  }
  return findings;
}
