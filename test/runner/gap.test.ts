import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  GAP_STATES,
  type Gap,
  listMissing,
  type PageFacts,
  planGaps,
  trimUnsettled,
} from "../../runner/src/candle/gap.ts";
import { overlaps, type Span } from "../../runner/src/candle/span.ts";
import { anyGrid, anyRange, DAY, type Grid, slotsIn } from "../support/candle/arbitraries.ts";

/** Slots of the little series that the properties play with. */
const SIZE = 24;
const NOW = Date.parse("2025-01-01T00:00:00Z");

/** What one slot of a page turns out to be. */
const anyAnswer = fc.constantFrom("stored", "stored", "absent", "invalid");
const anyState = fc.constantFrom(...GAP_STATES.filter((state) => state !== "repaired"));
const anyReason = fc.constantFrom("absent", "failed", "invalid");
const anyKnown = fc.record({
  state: anyState,
  reason: anyReason,
  attempts: fc.nat({ max: 6 }),
  since: fc.option(fc.nat({ max: 40 * DAY })),
  next: fc.option(fc.integer({ min: -DAY, max: DAY })),
});

/** A series of `SIZE` slots: what is covered, which slots of it lie in which gap (by number), the rest is stored. */
const anyScene = fc.record({
  grid: anyGrid,
  covered: fc.option(anyRange(SIZE)),
  known: fc.array(fc.tuple(anyRange(SIZE), anyKnown), { maxLength: 5 }),
  page: anyRange(SIZE),
  answers: fc.array(anyAnswer, { minLength: SIZE, maxLength: SIZE }),
  failure: fc.option(fc.constant("HTTP 500"), { freq: 3 }),
  life: fc.record({
    first: fc.option(fc.nat({ max: SIZE })),
    trading: fc.boolean(),
    last: fc.option(fc.nat({ max: SIZE })),
  }),
});
type Scene = typeof anyScene extends fc.Arbitrary<infer T> ? T : never;

function gapsOf({ grid, covered, known }: Scene): Gap[] {
  const gaps: Gap[] = [];
  for (const [range, { state, reason, attempts, since, next }] of known) {
    const span = grid.span(Math.max(range.from, covered?.from ?? SIZE), Math.min(range.to, covered?.to ?? 0));
    if (span.from >= span.to || gaps.some((gap) => overlaps(gap, span))) continue;
    const evidence = since === null ? {} : { absentSince: NOW - since };
    const id = `gap-${gaps.length}`;
    gaps.push({
      ...span,
      id,
      state,
      reason: state === "not_requested" ? null : reason,
      attempts,
      evidence,
      nextCheckAt: next === null ? null : NOW + next,
    });
  }
  return gaps;
}

function pageOf({ grid, page, answers, failure }: Scene): PageFacts {
  const span = grid.span(page.from, page.to);
  const slotsWhere = (wanted: string) =>
    failure !== null
      ? []
      : slotsIn(grid.interval, span).filter((_, index) => answers[page.from + index] === wanted);
  const rejected = new Map(
    slotsWhere("invalid").map((slot) => [slot, { reason: "negative volume", raw: "[]" }]),
  );
  return { span, slots: slotsWhere("stored"), rejected, failure };
}

function play(scene: Scene) {
  const { grid, covered, life } = scene;
  const [existing, page] = [gapsOf(scene), pageOf(scene)];
  const coveredSpan = covered === null ? null : grid.span(covered.from, covered.to);
  let count = 0;
  const changed = planGaps(grid.interval, existing, page, {
    life: {
      firstCandle: life.first === null ? null : grid.at(life.first),
      trading: life.trading,
      lastTs: life.last === null ? null : grid.at(life.last),
    },
    covered: coveredSpan,
    now: NOW,
    newId: () => `new-${count++}`,
  });
  const replaced = new Set(changed.map(({ id }) => id));
  const log = [...existing.filter(({ id }) => !replaced.has(id)), ...changed];
  const slots = (spans: readonly Span[]) => spans.flatMap((span) => slotsIn(grid.interval, span));
  const storedBefore = new Set(coveredSpan === null ? [] : slots([coveredSpan])).difference(
    new Set(slots(existing)),
  );
  const stored = storedBefore.union(new Set(page.slots));
  const openSlots = slots(log.filter((gap) => gap.state !== "repaired"));
  return { grid, existing, page, coveredSpan, changed, log, stored, storedBefore, openSlots, slots };
}

const check = (claim: (played: ReturnType<typeof play>) => void) =>
  fc.assert(
    fc.property(anyScene, (scene) => claim(play(scene))),
    { numRuns: 400 },
  );

describe("after any page", () => {
  test("every slot of what was covered and of the page is stored or in exactly one unrepaired gap", () => {
    check(({ page, coveredSpan, openSlots, stored, slots }) => {
      const wanted = new Set(slots(coveredSpan === null ? [page.span] : [coveredSpan, page.span]));
      expect(openSlots).toHaveLength(new Set(openSlots).size);
      expect(new Set(openSlots).isDisjointFrom(stored)).toBe(true);
      expect(new Set(openSlots).union(stored)).toEqual(wanted);
    });
  });

  test("ids are unique, and each touched gap lives on in exactly one piece", () => {
    check(({ existing, changed, log, page }) => {
      const ids = log.map(({ id }) => id);
      expect(new Set(ids).size).toBe(ids.length);
      const touched = existing.filter((gap) => overlaps(gap, page.span)).map(({ id }) => id);
      const living = changed.map(({ id }) => id).filter((id) => touched.includes(id));
      expect(living.toSorted()).toEqual(touched.toSorted());
    });
  });

  test("a piece that is not repaired keeps the id while there is one", () => {
    check(({ existing, changed }) => {
      for (const { id, from, to } of existing) {
        const pieces = changed.filter((piece) => piece.from >= from && piece.to <= to);
        const heir = pieces.find((piece) => piece.id === id);
        if (heir?.state === "repaired") expect(pieces.every(({ state }) => state === "repaired")).toBe(true);
      }
    });
  });

  test("a repaired piece covers only slots of the log that the page filled, and nobody checks it again", () => {
    check(({ changed, page, existing, slots }) => {
      const repaired = changed.filter(({ state }) => state === "repaired");
      const missingBefore = new Set(slots(existing));
      for (const slot of slots(repaired)) {
        expect(page.slots).toContain(slot);
        expect(missingBefore).toContain(slot);
      }
      expect(repaired.every(({ nextCheckAt }) => nextCheckAt === null)).toBe(true);
    });
  });

  test("what lies outside of the page keeps state and reason, and is never better proved or sooner asked for", () => {
    check(({ existing, log, page, slots }) => {
      const outside = (gaps: readonly Gap[]) =>
        gaps
          .flatMap((gap) => slots([gap]).map((slot) => ({ slot, gap })))
          .filter(({ slot }) => slot < page.span.from || slot >= page.span.to)
          .toSorted((a, b) => a.slot - b.slot);
      const before = outside(existing);
      const after = outside(log);
      const factsOf = ({ slot, gap: { state, reason } }: (typeof before)[number]) => [slot, state, reason];
      expect(after.map(factsOf)).toEqual(before.map(factsOf));
      for (const [index, { gap }] of after.entries()) {
        const old = before[index]?.gap;
        expect(gap.attempts).toBeLessThanOrEqual(old?.attempts ?? 0);
        expect(gap.nextCheckAt ?? 0).toBeGreaterThanOrEqual(old?.nextCheckAt ?? 0);
        expect(gap.evidence.absentSince ?? NOW).toBeGreaterThanOrEqual(old?.evidence.absentSince ?? 0);
      }
    });
  });

  test("a failed page changes no state, counts no answer, and is due at once", () => {
    check(({ changed, existing, page }) => {
      if (page.failure === null) return;
      for (const gap of changed.filter((piece) => overlaps(piece, page.span) && !existing.includes(piece))) {
        if (gap.from < page.span.from || gap.to > page.span.to) continue;
        const before = existing.filter((known) => overlaps(known, gap));
        const [first] = before;
        expect(gap.state).toBe(first?.state === "not_requested" ? "open" : (first?.state ?? "open"));
        // a row that two are joined to proves no more than the younger of them
        const attempts = before.map((known) => (known.state === "not_requested" ? 0 : known.attempts));
        expect(gap.attempts).toBe(
          Math.min(...attempts, attempts.length === 0 ? 0 : Number.POSITIVE_INFINITY),
        );
        expect(gap.nextCheckAt).toBe(NOW);
        expect(gap.evidence.error).toBe("HTTP 500");
      }
    });
  });

  test("a gap turns confirmed_absent only after two answers at least an hour apart", () => {
    check(({ changed, existing }) => {
      for (const gap of changed.filter(({ state }) => state === "confirmed_absent")) {
        const before = existing.find((known) => overlaps(known, gap));
        if (before?.state === "confirmed_absent") continue;
        expect(before).toMatchObject({ reason: "absent" });
        expect(gap.attempts).toBeGreaterThanOrEqual(2);
        expect(NOW - (before?.evidence.absentSince ?? NOW)).toBeGreaterThanOrEqual(3_600_000);
      }
    });
  });
});

describe("listMissing", () => {
  test("is the page without its stored slots, each piece of one reason", () => {
    fc.assert(
      fc.property(anyScene, (scene) => {
        const page = pageOf(scene);
        const missing = listMissing(scene.grid.interval, page, NOW);
        const slots = missing.flatMap((piece) => slotsIn(scene.grid.interval, piece));
        expect([...slots, ...page.slots].toSorted((a, b) => a - b)).toEqual(
          slotsIn(scene.grid.interval, page.span),
        );
        for (const piece of missing) {
          const isBroken = [...page.rejected.keys()].some((slot) => slot >= piece.from && slot < piece.to);
          expect(piece.reason).toBe(page.failure !== null ? "failed" : isBroken ? "invalid" : "absent");
        }
      }),
    );
  });
});

describe("trimUnsettled", () => {
  const trim = (grid: Grid, page: PageFacts, settledIndex: number, offset = 0) =>
    trimUnsettled(grid.interval, page, grid.at(settledIndex) + offset);

  test("takes away only missing slots behind everything that came, and only those not settled yet", () => {
    fc.assert(
      fc.property(anyScene, fc.nat({ max: SIZE }), fc.nat({ max: 59_999 }), (scene, settled, offset) => {
        const page = pageOf(scene);
        const trimmed = trim(scene.grid, page, settled, offset);
        if (page.failure !== null) {
          expect(trimmed).toBe(page);
          return;
        }
        const kept = trimmed === null ? [] : slotsIn(scene.grid.interval, trimmed.span);
        const known = Math.max(-1, ...page.slots, ...page.rejected.keys());
        expect(kept).toEqual(
          slotsIn(scene.grid.interval, page.span).filter(
            (slot) => slot <= known || slot < scene.grid.at(settled),
          ),
        );
        if (trimmed !== null) expect({ ...trimmed, span: page.span }).toEqual(page);
      }),
    );
  });
});
