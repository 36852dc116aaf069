import fc from "fast-check";
import { expect, test } from "vitest";
import { ExchangeFailure } from "../../runner/src/exchange/failure.ts";
import { createListingsFetcher, splitByUrl } from "../../runner/src/exchange/fetch-listings.ts";

const listingOf = (symbol: string) => ({
  symbol,
  base: symbol.slice(0, -4),
  quote: "USDT",
  status: "TRADING",
});
const believed = (symbols: readonly string[], leftOut = 0) => ({
  entries: symbols.map(listingOf),
  leftOut,
  examples: [],
});
const names = (count: number, first = 0) =>
  Array.from({ length: count }, (_, index) => `C${String(first + index).padStart(4, "0")}USDT`);

/** An exchange that knows all but `gone`; counts its questions. */
function exchangeWithout(gone: ReadonlySet<string>, code = -1121) {
  const asked: (readonly string[] | null)[] = [];
  return {
    asked,
    ask: async (symbols: readonly string[] | null) => {
      asked.push(symbols);
      if (symbols?.some((symbol) => gone.has(symbol)))
        throw new ExchangeFailure("bad-symbol", "refused", { exchangeCode: code });
      return believed(symbols ?? names(700).filter((symbol) => !gone.has(symbol)));
    },
  };
}

test("a list of names that a URL cannot hold is asked in parts of less than 4 kB", async () => {
  const chinese = Array.from({ length: 100 }, (_, index) => `币安人生${index}USDT`);
  for (const list of [names(600), chinese]) {
    const parts = splitByUrl(list);
    expect(parts.flat()).toEqual(list);
    expect(parts.length).toBeGreaterThan(1);
    for (const part of parts) expect(encodeURIComponent(JSON.stringify(part)).length).toBeLessThan(3_900);
  }
  const { asked, ask } = exchangeWithout(new Set());
  const { listings, unknown } = await createListingsFetcher(ask)(names(600));
  expect([listings.length, unknown, asked.length]).toEqual([600, [], splitByUrl(names(600)).length]);
});

test.each([-1121, -1100])(
  "one unknown name among 200 (code %d) costs some questions, not 200",
  async (code) => {
    const { asked, ask } = exchangeWithout(new Set(["C0137USDT"]), code);
    const { listings, unknown } = await createListingsFetcher(ask)(names(200));
    expect(unknown).toEqual(["C0137USDT"]);
    expect(listings.map(({ symbol }) => symbol)).toEqual(names(200).filter((name) => name !== "C0137USDT"));
    expect(asked.length).toBeLessThanOrEqual(18);
  },
);

test("many unknown names are found by the whole list instead of by thousands of questions", async () => {
  const gone = new Set(names(600).filter((_, index) => index % 2 === 0));
  const { asked, ask } = exchangeWithout(gone);
  const { listings, unknown } = await createListingsFetcher(ask)(names(600));
  expect(unknown.toSorted()).toEqual([...gone]);
  expect(listings).toHaveLength(300);
  expect(asked.length).toBeLessThanOrEqual(21);
  expect(asked.at(-1)).toBeNull();
});

test("a run whose names are all unknown asks for the whole list once, however many lists of names it looks up", async () => {
  const { asked, ask } = exchangeWithout(new Set(names(600)));
  const fetchListings = createListingsFetcher(ask);
  for (const part of [...splitByUrl(names(600)), names(50)])
    expect((await fetchListings(part)).unknown.toSorted()).toEqual(part.toSorted());
  expect(asked.filter((list) => list === null)).toHaveLength(1);
  expect(asked.length).toBeLessThanOrEqual(12);
  // what is known is answered from the same list
  expect((await fetchListings(["C0650USDT"])).listings).toEqual([listingOf("C0650USDT")]);
  expect(asked.length).toBeLessThanOrEqual(12);
});

test("a whole list that could not be had is asked for again with the next names", async () => {
  const { asked, ask } = exchangeWithout(new Set(names(600)));
  let isAway = true;
  const fetchListings = createListingsFetcher(async (list) => {
    if (list === null && isAway) throw new ExchangeFailure("timeout", "away");
    return ask(list);
  });
  await expect(fetchListings(names(100))).rejects.toThrow("away");
  isAway = false;
  expect((await fetchListings(names(100))).unknown).toHaveLength(100);
  expect(asked.filter((list) => list === null)).toHaveLength(1);
  expect(asked.length).toBeLessThanOrEqual(12);
});

test("whichever names are unknown, each name is known or unknown, once", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.nat(300)),
      fc.uniqueArray(fc.nat(300), { maxLength: 6 }),
      async (a, b) => {
        const wanted = a.map((index) => names(1, index)[0] ?? "");
        const gone = new Set(b.map((index) => names(1, index)[0] ?? ""));
        const { listings, unknown } = await createListingsFetcher(exchangeWithout(gone).ask)(wanted);
        expect(listings.map(({ symbol }) => symbol)).toEqual(wanted.filter((name) => !gone.has(name)));
        expect(unknown.toSorted()).toEqual(wanted.filter((name) => gone.has(name)).toSorted());
      },
    ),
  );
});

test("what comes unasked is ignored, what is missing is unknown, and a broken entry is not called unknown", async () => {
  const ask = (leftOut: number) => async () => believed(["BTCUSDT", "XRPUSDT"], leftOut);
  expect(await createListingsFetcher(ask(0))(["BTCUSDT", "ETHUSDT", "BTCUSDT"])).toEqual({
    listings: [listingOf("BTCUSDT")],
    unknown: ["ETHUSDT"],
    unreadable: [],
  });
  expect(await createListingsFetcher(ask(1))(["BTCUSDT", "ETHUSDT"])).toMatchObject({
    unknown: [],
    unreadable: ["ETHUSDT"],
  });
  expect(await createListingsFetcher(ask(0))([])).toMatchObject({ listings: [], unknown: [] });
});

test("another failure is no unknown name", async () => {
  const ask = async () => {
    throw new ExchangeFailure("bad-request", "HTTP 302 to elsewhere");
  };
  await expect(createListingsFetcher(ask)(names(5))).rejects.toThrow("elsewhere");
});
