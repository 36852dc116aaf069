import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { coalesce } from "../../runner/src/coalesce.ts";

/** A call for many whose answers come when the test says so. */
function createCall() {
  const calls: {
    readonly items: readonly number[];
    readonly answered: PromiseWithResolvers<readonly string[]>;
  }[] = [];
  const callAll = (items: readonly number[]) => {
    const answered = Promise.withResolvers<readonly string[]>();
    calls.push({ items, answered });
    return answered.promise;
  };
  const answer = (index: number) =>
    calls[index]?.answered.resolve(calls[index].items.map((item) => `answer ${item}`));
  return { calls, callAll, answer };
}

test("questions that come at once go in one call, and each caller gets its own answer", async () => {
  const { calls, callAll, answer } = createCall();
  const ask = coalesce(callAll);
  const answers = Promise.all([ask(3), ask(1), ask(2)]);
  await vi.waitFor(() => expect(calls).toHaveLength(1));
  answer(0);
  expect(await answers).toEqual(["answer 3", "answer 1", "answer 2"]);
  expect(calls.map(({ items }) => items)).toEqual([[3, 1, 2]]);
});

test("questions that come during a call go together in the next one, and calls never overlap", async () => {
  const { calls, callAll, answer } = createCall();
  const ask = coalesce(callAll);
  const first = ask(1);
  await vi.waitFor(() => expect(calls).toHaveLength(1));
  const later = Promise.all([ask(2), ask(3)]);
  await Promise.resolve();
  expect(calls).toHaveLength(1);
  answer(0);
  expect(await first).toBe("answer 1");
  await vi.waitFor(() => expect(calls).toHaveLength(2));
  answer(1);
  expect(await later).toEqual(["answer 2", "answer 3"]);
});

test("a call is cut at its largest size, and the rest goes in the next one", async () => {
  const sizes: number[] = [];
  const ask = coalesce(async (items: readonly number[]) => {
    sizes.push(items.length);
    return items;
  }, 2);
  expect(await Promise.all([1, 2, 3, 4, 5].map(ask))).toEqual([1, 2, 3, 4, 5]);
  expect(sizes).toEqual([2, 2, 1]);
});

test("a failure reaches every question of its call and none of the next call", async () => {
  let count = 0;
  const ask = coalesce(async (items: readonly number[]) => {
    count += 1;
    if (count === 1) throw new Error("the database is away");
    return items;
  }, 2);
  const settled = await Promise.allSettled([1, 2, 3].map(ask));
  expect(settled.map(({ status }) => status)).toEqual(["rejected", "rejected", "fulfilled"]);
  expect(settled[0]).toMatchObject({ reason: new Error("the database is away") });
  expect(await ask(4)).toBe(4);
});

test("a call that throws before it promises anything is a failure like others", async () => {
  const ask = coalesce<number, number>(() => {
    throw new Error("no client");
  });
  await expect(ask(1)).rejects.toThrow("no client");
  await expect(ask(2)).rejects.toThrow("no client");
});

test("a wrong number of answers is a failure, and no question gets the answer of another one", async () => {
  const ask = coalesce(async (items: readonly number[]) => items.slice(1));
  const settled = await Promise.allSettled([ask(1), ask(2)]);
  for (const result of settled)
    expect(result).toMatchObject({ reason: new Error("1 answers to 2 questions") });
});

test("every question is put exactly once and answered, in whatever bursts they come", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat({ max: 3 })),
      fc.integer({ min: 1, max: 5 }),
      async (pauses, maxItems) => {
        const asked: number[] = [];
        const ask = coalesce(async (items: readonly number[]) => {
          asked.push(...items);
          await Promise.resolve();
          return items.map((item) => item * 2);
        }, maxItems);
        const answers: Promise<number>[] = [];
        for (const [index, pause] of pauses.entries()) {
          for (let turn = 0; turn < pause; turn += 1) await Promise.resolve();
          answers.push(ask(index));
        }
        expect(await Promise.all(answers)).toEqual(pauses.map((_, index) => index * 2));
        expect(asked).toEqual(pauses.map((_, index) => index));
      },
    ),
  );
});
