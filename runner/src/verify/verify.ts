import { intersect, type Span, spanOf, split, subtract, union } from "../candle/span.ts";
import { intersectAll, subtractAll, within } from "../candle/sweep.ts";
import { type Interval, WIDTH_MS } from "../contract/intervals.ts";
import { FARTHEST_MS } from "../contract/limits.ts";
import {
  findContradictions,
  findDuplicates,
  findImpossible,
  findLogged,
  findMisaligned,
  findMissing,
  findOrphans,
  type LoggedGap,
} from "../db/audit.ts";
import type { Database } from "../db/connect.ts";
import type { SeriesState } from "../db/series.ts";

/**
 * What is wrong with a series. `vanished`: covered, and neither stored nor in the gap log. `open gap`: missing, logged, not explained yet, and
 * asked for again by itself; `overdue gap`: the same, and nobody has asked for it in time. `logged but stored`: the log says missing and the candle is there. `impossible`: values that no candle can have, as NaN
 * or a price of 0. Others as in the docs of `verify`.
 */
export type DisagreementKind =
  | "vanished"
  | "open gap"
  | "overdue gap"
  | "logged but stored"
  | "duplicate"
  | "orphan"
  | "misaligned"
  | "impossible"
  | "contradiction"
  | "covered beyond now"
  | "candle beyond now";

export type Disagreement = Span & {
  readonly symbol: string;
  readonly interval: Interval;
  readonly kind: DisagreementKind;
};

/**
 * Whether a person must do something. Misaligned candles are real rows of 2017 and 2018, and runs ask for an open gap
 * again by themselves: both are reported, and no fault.
 */
export function isFault({ kind }: Disagreement): boolean {
  return kind !== "misaligned" && kind !== "open gap";
}

/** One statement looks at this much of a series, so that none runs for minutes, and no more is in memory. */
const STRETCH_CANDLES = 50_000;

/**
 * Compares one series with its covered span, its gap log and the finer interval, stretch by stretch; `now` (ms): the
 * database's clock. Reads only.
 */
export async function* verifySeries(
  db: Database,
  state: SeriesState,
  { wanted, now }: { readonly wanted: Span; readonly now: number },
): AsyncGenerator<Disagreement> {
  const { coinId, interval, symbol, covered } = state;
  const width = WIDTH_MS[interval];
  const latest = now + FARTHEST_MS.clock;
  const list = (kind: DisagreementKind, spans: readonly Span[]) =>
    union(spans).map(({ from, to }): Disagreement => ({ symbol, interval, kind, from, to }));
  const slots = (times: readonly number[]): Span[] => times.map((from) => ({ from, to: from + width }));

  const future = spanOf(Math.max(wanted.from, Math.floor(latest / width) * width), wanted.to);
  if (future !== null) {
    yield* list("covered beyond now", covered === null ? [] : within([covered], future));
    yield* list("candle beyond now", slots(await findOrphans(db, { coinId, interval, span: future })));
  }
  const past = future === null ? wanted : spanOf(wanted.from, future.from);
  if (past === null) return;
  for (const outside of subtract(past, covered === null ? [] : [covered])) {
    yield* list("orphan", slots(await findOrphans(db, { coinId, interval, span: outside })));
  }
  const inside = covered === null ? null : intersect(covered, past);
  if (inside === null) return;
  const aligned = spanOf(Math.ceil(inside.from / width) * width, Math.floor(inside.to / width) * width);
  if (aligned === null) return;
  // gaps that began before the stretch and reach into it: at first by a look at all before, then those seen
  const before = { coinId, interval, span: { from: 0, to: aligned.from } };
  let earlier = await findLogged(db, before, { reaching: aligned.from, now });
  for (const span of split(aligned, STRETCH_CANDLES * width)) {
    const part = { coinId, interval, span };
    const missing = await findMissing(db, part);
    const gaps: readonly LoggedGap[] = [
      ...earlier,
      ...(await findLogged(db, part, { reaching: span.from, now })),
    ];
    earlier = gaps.filter(({ to }) => to > span.to);
    yield* compareWithLog(span, missing, gaps).flatMap(([kind, spans]) => list(kind, spans));
    yield* list("duplicate", slots(await findDuplicates(db, part)));
    yield* list("misaligned", slots(await findMisaligned(db, part)));
    yield* list("impossible", slots(await findImpossible(db, part)));
    yield* list("contradiction", slots(await findContradictions(db, part)));
  }
}

/** One pass over what is missing in a stretch and what the log says of it; `missing` disjoint and in order. */
function compareWithLog(
  stretch: Span,
  missing: readonly Span[],
  gaps: readonly LoggedGap[],
): readonly (readonly [DisagreementKind, readonly Span[]])[] {
  const logged = within(union(gaps), stretch);
  const standing = (wanted: LoggedGap["standing"]) =>
    intersectAll(missing, within(union(gaps.filter((gap) => gap.standing === wanted)), stretch));
  return [
    ["vanished", subtractAll(missing, logged)],
    ["open gap", standing("open")],
    ["overdue gap", standing("overdue")],
    ["logged but stored", subtractAll(logged, missing)],
  ];
}
