import fc from "fast-check";
import { expect, test } from "vitest";
import type { Gap } from "../../runner/src/candle/gap.ts";
import { type Span, union } from "../../runner/src/candle/span.ts";
import { IN_BACKUP, slotsOfLeaf, waitsIn } from "../../runner/src/candle/waiting-gap.ts";
import { planLoaded, planWaiting } from "../../runner/src/restore/whole/pending-gaps-plan.ts";
import { MINUTE_MS } from "../../runner/src/time.ts";

const LEAF = 10;
const LEAVES = 4;
const SLOTS = LEAF * LEAVES;
const at = (slot: number) => slot * MINUTE_MS;
const listSlots = ({ from, to }: Span) =>
  Array.from({ length: (to - from) / MINUTE_MS }, (_, n) => from / MINUTE_MS + n);
const spansOf = (slots: readonly number[]) =>
  union(slots.map((slot) => ({ from: at(slot), to: at(slot + 1) })));
const leafOf = (index: number): Span => ({ from: at(index * LEAF), to: at((index + 1) * LEAF) });

/** A series as it was backed up, what its leaves bring back of it, and the order in which they come. */
const backedUp = fc
  .record({
    from: fc.integer({ min: 0, max: SLOTS - 1 }),
    length: fc.integer({ min: 1, max: SLOTS }),
    kinds: fc.array(fc.constantFrom("stored", "stored", "stored", "lost", "absent", "absent but kept"), {
      minLength: SLOTS,
      maxLength: SLOTS,
    }),
    order: fc.shuffledSubarray(
      Array.from({ length: LEAVES }, (_, index) => index),
      { minLength: LEAVES },
    ),
  })
  .map(({ from, length, kinds, order }) => {
    const covered = { from: at(from), to: at(Math.min(SLOTS, from + length)) };
    const ofKind = (...wanted: readonly string[]) =>
      listSlots(covered).filter((slot) => wanted.includes(kinds[slot] ?? ""));
    const gaps = spansOf(ofKind("absent", "absent but kept")).map(
      (span, index): Gap => ({
        ...span,
        id: `absent${index}`,
        state: "confirmed_absent",
        reason: "absent",
        attempts: 3,
        evidence: { absentSince: 5 },
        nextCheckAt: 9,
      }),
    );
    // `absent but kept`: the log says that the exchange has no candle, and the backup kept one that somebody deleted
    return { covered, gaps, order, kept: new Set(ofKind("stored", "absent but kept")), lost: ofKind("lost") };
  });

test("whatever the leaves bring, each covered slot is stored, or in one gap, or waits, and at the end nothing waits", () => {
  fc.assert(
    fc.property(backedUp, ({ covered, gaps, order, kept, lost }) => {
      let ids = 0;
      const newId = () => {
        ids += 1;
        return `new${ids}`;
      };
      const waiting = planWaiting(covered, order.map(leafOf), gaps);
      const log = new Map(gaps.map((gap) => [gap.id, gap]));
      for (const span of waiting) {
        const [state, reason] = ["not_requested", null] as const;
        const rest = { attempts: 0, evidence: { error: IN_BACKUP }, nextCheckAt: null };
        const id = newId();
        log.set(id, { ...span, id, state, reason, ...rest });
      }
      const stored = new Set<number>();
      const expectInvariant = () => {
        const unrepaired = [...log.values()].filter(({ state }) => state !== "repaired");
        const logged = unrepaired.flatMap(listSlots);
        expect(new Set(logged).size).toBe(logged.length);
        expect(logged.toSorted()).toEqual(
          listSlots(covered)
            .filter((slot) => !stored.has(slot))
            .toSorted(),
        );
      };
      expectInvariant();
      for (const index of order) {
        const leaf = leafOf(index);
        for (const slot of listSlots(leaf).filter((each) => kept.has(each))) stored.add(slot);
        const slots = slotsOfLeaf("1m", leaf, covered);
        if (slots === null) continue;
        const existing = [...log.values()].filter(
          ({ state, from, to }) => state !== "repaired" && from < slots.to && to > slots.from,
        );
        const missing = spansOf(listSlots(slots).filter((slot) => !stored.has(slot)));
        const { gone, changed } = planLoaded(existing, { slots, missing, now: 77, newId });
        for (const id of gone) expect(log.delete(id)).toBe(true);
        for (const gap of changed) {
          log.set(gap.id, gap);
          const begins = [...log.values()]
            .filter(({ state }) => state !== "repaired")
            .map(({ from }) => from);
          expect(new Set(begins).size).toBe(begins.length);
        }
        expectInvariant();
      }
      const left = [...log.values()];
      expect(left.filter((gap) => waitsIn(gap, IN_BACKUP))).toEqual([]);
      const open = left.filter(({ state }) => state === "open");
      expect(open.flatMap(listSlots).toSorted()).toEqual(lost.toSorted());
      for (const gap of open) expect(gap).toMatchObject({ reason: "failed", nextCheckAt: 77 });
      for (const gap of left.filter(({ state }) => state === "confirmed_absent"))
        expect(gap).toMatchObject({ attempts: 3, evidence: { absentSince: 5 }, nextCheckAt: 9 });
    }),
    { numRuns: 1_000 },
  );
});

test("gaps that a person logged over each other get begins of their own once what they name is stored", () => {
  const gap = (id: string, from: number, to: number): Gap => ({
    ...{ id, from: at(from), to: at(to) },
    ...{ state: "open", reason: "absent", attempts: 1, evidence: {}, nextCheckAt: 9 },
  });
  const slots = { from: at(0), to: at(20) };
  const missing = [{ from: at(7), to: at(9) }];
  const { changed } = planLoaded([gap("a", 0, 10), gap("b", 5, 15), gap("c", 7, 8)], {
    ...{ slots, missing, now: 77 },
    newId: () => "new",
  });
  const begins = changed.filter(({ state }) => state !== "repaired").map(({ id, from }) => [id, from]);
  expect(begins).toEqual([["a", at(7)]]);
  expect(changed.filter(({ state }) => state === "repaired").map(({ id }) => id)).toEqual(
    expect.arrayContaining(["b", "c"]),
  );
});
