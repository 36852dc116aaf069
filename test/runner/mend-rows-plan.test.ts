import { expect, test } from "vitest";
import type { Gap } from "../../runner/src/candle/gap.ts";
import { planMissing } from "../../runner/src/restore/mend/missing-plan.ts";
import {
  afterCrash,
  halve,
  NO_CRASH,
  type Pages,
  planPages,
} from "../../runner/src/restore/mend/pages-plan.ts";
import { coarsen, listLacking } from "../../runner/src/restore/mend/wanted-plan.ts";

const series = { coinId: 1, interval: "1m" } as const;
const MINUTE = 60_000;

test("pages that end the server are found in three crashes, and no other page is left out", () => {
  const deadly = 700;
  let crashes = NO_CRASH;
  let count = 0;
  for (;;) {
    const isDeadly = ({ from, to }: Pages) => from <= deadly && deadly < to;
    const at = planPages(1_000, crashes).find(isDeadly);
    if (at === undefined) break;
    crashes = afterCrash(crashes, at);
    count += 1;
  }
  expect(count).toBe(3);
  expect(crashes.bad).toEqual([deadly]);
  const read = planPages(1_000, crashes).flatMap(({ from, to }) =>
    Array.from({ length: to - from }, (_, n) => from + n),
  );
  expect(read).toEqual(Array.from({ length: 1_000 }, (_, n) => n).filter((page) => page !== deadly));
  expect(planPages(0, NO_CRASH)).toEqual([]);
});

test("a range is halved down to the page", () => {
  expect(halve({ from: 4, to: 7 })).toEqual([
    { from: 4, to: 5 },
    { from: 5, to: 7 },
  ]);
  expect(halve({ from: 4, to: 5 })).toEqual([]);
});

test("at most 32 spans of a part hold all that is lacking, joined where the least lies between", () => {
  const slots = { from: 0, to: 1_000 * MINUTE };
  const far = { from: 900 * MINUTE, to: 901 * MINUTE };
  const near = Array.from({ length: 40 }, (_, n) => ({ from: n * 3 * MINUTE, to: (n * 3 + 1) * MINUTE }));
  const lacks = [...near, far];
  const stored = [...lacks.map((span, n) => ({ from: span.to, to: lacks[n + 1]?.from ?? slots.to }))];
  const lacking = listLacking([{ ...series, slots }], () => stored);
  expect(lacking).toEqual(lacks.map((span) => ({ ...span, ...series })));
  const wanted = coarsen(lacking);
  expect(wanted).toHaveLength(32);
  expect(wanted.at(-1)).toEqual({ ...far, ...series });
  for (const { from, to } of lacking)
    expect(wanted.some((span) => span.from <= from && to <= span.to)).toBe(true);
});

test("a symbol that the leaf lost as a whole is one open gap beside those that explain it, which keep their state", () => {
  const absent: Gap = {
    ...{ id: "a", from: 5 * MINUTE, to: 6 * MINUTE, state: "confirmed_absent", reason: "absent" },
    ...{ attempts: 2, evidence: { absentSince: 1 }, nextCheckAt: 9 },
  };
  const { changed, added } = planMissing(
    [absent],
    { slots: { from: 0, to: 10 * MINUTE }, stored: [] },
    { error: "lost", now: 7, newId: () => "new" },
  );
  expect(added).toEqual([
    { from: 0, to: 5 * MINUTE },
    { from: 6 * MINUTE, to: 10 * MINUTE },
  ]);
  expect(changed).toMatchObject(
    added.map((span) => ({ ...span, state: "open", nextCheckAt: 7, evidence: { error: "lost" } })),
  );
});
