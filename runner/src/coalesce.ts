/**
 * Turns a call for many items into a call for one item that shares round trips. The items that come while a call is
 * under way go together in the next call, so that sixty series need one statement instead of sixty. The order of the
 * answers is the order of the items. `maxItems` bounds one call. Two other files collect what comes together, and cannot
 * be made of this one: the lanes of sync/writer.ts, which cut by rows and series, and where a page fails by itself; and
 * the queue of exchange/limiter.ts, which may grant a part.
 */
export function coalesce<Item, Answer>(
  callAll: (items: readonly Item[]) => Promise<readonly Answer[]>,
  maxItems = 1000,
): (item: Item) => Promise<Answer> {
  type Waiting = { item: Item; resolve: (answer: Answer) => void; reject: (error: unknown) => void };
  let waiting: Waiting[] = [];
  let running = false;

  const drain = async () => {
    running = true;
    // one turn of the event loop, so that all who ask at the same time are in the first call
    await Promise.resolve();
    while (waiting.length > 0) {
      const batch = waiting.slice(0, maxItems);
      waiting = waiting.slice(maxItems);
      try {
        const answers = await callAll(batch.map(({ item }) => item));
        if (answers.length !== batch.length)
          throw new Error(`${answers.length} answers to ${batch.length} questions`);
        for (const [index, answer] of answers.entries()) batch[index]?.resolve(answer);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    running = false;
  };

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      if (!running) void drain();
    });
}
