import fc from "fast-check";
import { expect, test } from "vitest";
import type { Gap } from "../../runner/src/candle/gap.ts";
import { type Span, subtract, union } from "../../runner/src/candle/span.ts";
import { slotsOfLeaf } from "../../runner/src/candle/waiting-gap.ts";
import { coverLeaf, IN_OLD_LAYOUT, isInOldLayout, planLeafGaps } from "../../runner/src/legacy/gap-plan.ts";
import { MINUTE_MS } from "../../runner/src/time.ts";

const SLOTS = 40;
const at = (slot: number) => slot * MINUTE_MS;
const listSlots = ({ from, to }: Span) =>
  Array.from({ length: (to - from) / MINUTE_MS }, (_, n) => from / MINUTE_MS + n);
const spansOf = (slots: readonly number[]) =>
  union(slots.map((slot) => ({ from: at(slot), to: at(slot + 1) })));

/** A series in any state that holds the invariant: a covered span, each slot of it stored or in one gap of a kind. */
const series = fc
  .record({
    from: fc.integer({ min: 0, max: SLOTS - 1 }),
    length: fc.integer({ min: 0, max: SLOTS }),
    kinds: fc.array(fc.constantFrom("stored", "old", "old", "old", "absent"), {
      minLength: SLOTS,
      maxLength: SLOTS,
    }),
  })
  .map(({ from, length, kinds }) => {
    const to = Math.min(SLOTS, from + length);
    const covered = from < to ? { from: at(from), to: at(to) } : null;
    const slots = covered === null ? [] : listSlots(covered);
    const ofKind = (kind: string) => slots.filter((slot) => kinds[slot] === kind);
    const gaps = ["old", "absent"].flatMap((kind) =>
      spansOf(ofKind(kind)).map(
        (span, index): Gap => ({
          ...span,
          id: `${kind}${index}`,
          state: kind === "old" ? "not_requested" : "open",
          reason: kind === "old" ? null : "absent",
          attempts: kind === "old" ? 0 : 3,
          evidence: kind === "old" ? { error: IN_OLD_LAYOUT } : { absentSince: 5 },
          nextCheckAt: kind === "old" ? null : 9,
        }),
      ),
    );
    return { covered, stored: new Set(ofKind("stored")), gaps };
  });

const leaf = fc
  .record({
    from: fc.integer({ min: 0, max: SLOTS - 1 }),
    length: fc.integer({ min: 1, max: SLOTS / 2 }),
    rows: fc.array(fc.constantFrom("candle", "candle", "none", "broken"), {
      minLength: SLOTS,
      maxLength: SLOTS,
    }),
  })
  .map(({ from, length, rows }) => {
    const span = { from: at(from), to: at(Math.min(SLOTS, from + length)) };
    const ofKind = (kind: string) => listSlots(span).filter((slot) => rows[slot] === kind);
    return { span, candles: ofKind("candle"), broken: ofKind("broken") };
  });

test("after any leaf each covered slot is stored or in one gap, and no gap says that the leaf still waits", () => {
  fc.assert(
    fc.property(series, leaf, ({ covered: before, stored, gaps }, { span, candles, broken }) => {
      const edge = (slot: number | undefined) => (slot === undefined ? null : at(slot));
      const covered = coverLeaf("1m", before, { first: edge(candles[0]), last: edge(candles.at(-1)) });
      if (covered === null) return;
      const now = stored.union(new Set(candles));
      const slots = slotsOfLeaf("1m", span, covered);
      const missing = slots === null ? [] : spansOf(listSlots(slots).filter((slot) => !now.has(slot)));
      let ids = 0;
      const changed = planLeafGaps("1m", gaps, {
        before,
        covered,
        slots,
        missing,
        rejected: broken.map((slot) => ({ slot: at(slot), reason: "negative volume", raw: `row ${slot}` })),
        now: 77,
        newId: () => {
          ids += 1;
          return `new${ids}`;
        },
      });
      const log = new Map(gaps.map((gap) => [gap.id, gap]));
      for (const gap of changed) {
        log.set(gap.id, gap);
        // the log has one row per begin that is not repaired, and the database checks it row by row
        const begins = [...log.values()].filter(({ state }) => state !== "repaired").map(({ from }) => from);
        expect(new Set(begins).size).toBe(begins.length);
      }
      const open = [...log.values()].filter(({ state }) => state !== "repaired");
      const logged = open.flatMap(listSlots);
      expect(new Set(logged).size).toBe(logged.length);
      expect(logged.filter((slot) => now.has(slot))).toEqual([]);
      expect(
        listSlots(covered)
          .filter((slot) => !now.has(slot))
          .toSorted(),
      ).toEqual(logged.toSorted());

      const inLeaf = (slot: number) => slots !== null && at(slot) >= slots.from && at(slot) < slots.to;
      for (const gap of open) {
        if (isInOldLayout(gap)) expect(listSlots(gap).filter(inLeaf)).toEqual([]);
        if (gap.reason === "absent")
          expect(gap).toMatchObject({ attempts: 3, evidence: { absentSince: 5 }, nextCheckAt: 9 });
        if (gap.state === "not_requested")
          expect(listSlots(gap).filter((slot) => broken.includes(slot))).toEqual([]);
        if (gap.reason === "invalid") expect(gap.evidence.raw).toBe(`row ${gap.from / MINUTE_MS}`);
        if (gap.id.startsWith("new") && inLeaf(gap.from / MINUTE_MS) && gap.state === "not_requested")
          expect(gap.nextCheckAt).toBe(77);
      }
      // what the leaf had is back, and the log remembers of the gaps that a job had found
      const absent = gaps.filter(({ reason }) => reason === "absent");
      const repaired = [...log.values()].filter((gap) => gap.state === "repaired" && gap.reason === "absent");
      expect(union(repaired.map(({ from, to }) => ({ from, to })))).toEqual(
        union(absent.flatMap((gap) => subtract(gap, subtract(gap, spansOf(candles))))),
      );
    }),
    { numRuns: 2_000 },
  );
});

test("a leaf with every second candle missing takes no longer per candle the more there are", () => {
  const COUNT = 100_000;
  const every = (offset: number) =>
    Array.from({ length: COUNT }, (_, n) => ({ from: at(4 * n + offset), to: at(4 * n + offset + 1) }));
  const covered = { from: 0, to: at(4 * COUNT) };
  const gaps = every(1).map(
    (span, index): Gap => ({
      ...span,
      id: `gap${index}`,
      state: "open",
      reason: "absent",
      attempts: 1,
      evidence: {},
      nextCheckAt: 9,
    }),
  );
  let ids = 0;
  const startedAt = performance.now();
  const changed = planLeafGaps("1m", gaps, {
    before: covered,
    covered,
    slots: covered,
    missing: [...every(1), ...every(3)].toSorted((a, b) => a.from - b.from),
    rejected: every(3).map(({ from }) => ({ slot: from, reason: "negative volume", raw: "row" })),
    now: 77,
    newId: () => {
      ids += 1;
      return `new${ids}`;
    },
  });
  expect(changed).toHaveLength(COUNT);
  expect(changed.every(({ reason }) => reason === "invalid")).toBe(true);
  // to compare each with each would be 10 thousand million steps, a minute and more; a busy machine needs 2 s
  expect(performance.now() - startedAt).toBeLessThan(20_000);
});
