import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { FaultKind, FaultRule, RowChange } from "../../dev/exchange/faults.ts";
import {
  coveredOf,
  expectExit,
  expectOnlyTruth,
  expectWhole,
  gapsOf,
  HOUR,
  iso,
  MINUTE,
} from "../support/candle/series.ts";
import { expectInvariant, useWorld } from "../support/world.ts";

/** Answers that are well-formed and wrong: rows that are broken, missing, twice or in the wrong order. */
const END = Date.parse("2024-05-10T12:00:00Z");
const SINCE = END - 1000 * MINUTE;
const SLOT = SINCE + 500 * MINUTE;
const world = useWorld({ clock: { fixedMs: END + 30_000 } });

const clockAt = (ms: number) => world.exchange.set({ clock: { fixedMs: ms } });
const addFault = (kind: FaultKind, symbol: string, more: Partial<FaultRule> = {}) =>
  world.exchange.addFault({ kind, symbol, interval: "1m", from: SINCE, to: END + HOUR, ...more });
const env = (symbol: string) => ({ FALLBACK_START: iso(SINCE), EGRESS_KEY: symbol });
const sync = (symbol: string) => world.run(`sync 1m --symbols ${symbol} --json`, env(symbol));
const repair = (symbols: string, more = "") =>
  world.run(`gaps --repair --symbols ${symbols}${more}`, env("repair"));
const pagesAsked = (symbol: string) =>
  world.exchange.requests.filter(
    ({ query }) => query.includes(`symbol=${symbol}&`) && !query.includes("startTime=0"),
  ).length;

beforeEach(() => clockAt(END + 30_000));
afterEach(() => {
  world.exchange.clearFaults();
  world.exchange.resetWeight();
});

describe("one broken row in a page of 1000", () => {
  const at = (field: number, value: RowChange["value"], openTime = SLOT): RowChange => ({
    openTime,
    field,
    value,
  });

  const CASES = [
    ["a negative volume", "BTCUSDT", at(5, "-1.5"), "-1.5", "negative volume"],
    ["a high below its low", "ETHUSDT", at(2, "0.00000001"), "0.00000001", "low <= open,close <= high"],
    ["NaN as its close", "BNBUSDT", at(4, "NaN"), "NaN", "not a decimal: NaN"],
    ["null as its open", "SOLUSDT", at(1, null), "null", "not a decimal: null"],
    ["an open time in 2105", "XRPUSDT", at(0, 4.26e12), "4260000000000", "time outside"],
    ["a trade count of -3", "DOGEUSDT", at(8, -3), "-3", "not a natural number"],
    ["no time at all, as the first row", "ADAUSDT", at(0, null, SINCE), "null", "time outside"],
    ["a text as its time, as the last row", "TRXUSDT", at(0, "x", END - MINUTE), '"x"', "time outside"],
  ] as const;

  test.each(CASES)("with %s is a gap with its raw text, and the other 999 are stored", async (...row) => {
    const [, symbol, change, raw, reason] = row;
    addFault("poison", symbol, { rows: [change] });
    expectExit(await sync(symbol), 0);
    expect(await world.stored(symbol, "1m")).toHaveLength(999);
    const gaps = await gapsOf(world, symbol, "1m");
    expect(gaps).toMatchObject([
      { from: change.openTime, to: change.openTime + MINUTE, state: "open", reason: "invalid", attempts: 1 },
    ]);
    expect(gaps[0]?.evidence.raw).toContain(raw);
    expect(gaps[0]?.evidence.error).toContain(reason);
    await expectOnlyTruth(world, symbol, "1m", [SINCE, END]);
    await expectInvariant(world);
  });

  test("is stored as soon as the exchange answers right and somebody asks for it", async () => {
    expectExit(await repair(CASES.map(([, symbol]) => symbol).join(), " --all"), 0);
    for (const [, symbol] of CASES) await expectWhole(world, symbol, "1m", SINCE);
    await expectInvariant(world);
  });

  test("is asked for again at once, and stored when the exchange answers right", async () => {
    addFault("poison", "AVAXUSDT", { rows: [at(5, "-1")], times: 1 });
    expectExit(await sync("AVAXUSDT"), 0);
    await expectWhole(world, "AVAXUSDT", "1m", SINCE);
    expect(pagesAsked("AVAXUSDT")).toBe(2);
  });
});

test.each([
  ["duplicate", "LINKUSDT"],
  ["unordered", "DOTUSDT"],
] as const)("%s rows are stored right", async (kind, symbol) => {
  addFault(kind, symbol);
  expectExit(await sync(symbol), 0);
  await expectWhole(world, symbol, "1m", SINCE);
  await expectInvariant(world);
});

test("an empty answer is a gap, and the span is stored when the exchange has it again", async () => {
  addFault("empty", "LTCUSDT");
  expectExit(await sync("LTCUSDT"), 0);
  expect(await gapsOf(world, "LTCUSDT", "1m")).toMatchObject([
    { from: SINCE, state: "open", reason: "absent", attempts: 1, evidence: { before: null, after: null } },
  ]);
  expect(await world.stored("LTCUSDT", "1m")).toEqual([]);
  await expectInvariant(world);

  world.exchange.clearFaults();
  clockAt(END + 62 * MINUTE);
  expectExit(await sync("LTCUSDT"), 0);
  expectExit(await repair("LTCUSDT"), 0);
  await expectWhole(world, "LTCUSDT", "1m", SINCE);
  await expectInvariant(world);
});

describe("rows that are left out", () => {
  const slots = [SLOT, SLOT + MINUTE, SLOT + 7 * MINUTE];

  test("once are asked for again in the same run", async () => {
    addFault("drop-rows", "NEARUSDT", { slots, times: 1 });
    expectExit(await sync("NEARUSDT"), 0);
    await expectWhole(world, "NEARUSDT", "1m", SINCE);
    expect(pagesAsked("NEARUSDT")).toBe(2);
  });

  test("again and again are gaps, and are stored when they come back", async () => {
    addFault("drop-rows", "BCHUSDT", { slots });
    const run = await sync("BCHUSDT");
    expectExit(run, 0);
    expect(JSON.parse(run.stdout).intervals[0]).toMatchObject({ added: 997, gapsOpen: 2 });
    expect(await gapsOf(world, "BCHUSDT", "1m")).toMatchObject([
      { from: SLOT, to: SLOT + 2 * MINUTE, state: "open", reason: "absent" },
      { from: SLOT + 7 * MINUTE, to: SLOT + 8 * MINUTE, state: "open", reason: "absent" },
    ]);
    await expectOnlyTruth(world, "BCHUSDT", "1m", [SINCE, END]);
    await expectInvariant(world);

    world.exchange.clearFaults();
    clockAt(END + 62 * MINUTE);
    expectExit(await repair("BCHUSDT"), 0);
    expect(await gapsOf(world, "BCHUSDT", "1m")).toEqual([]);
    await expectOnlyTruth(world, "BCHUSDT", "1m", [SINCE, END]);
    await expectInvariant(world);
  });

  test("although they are stored already stay stored and are no gap", async () => {
    expectExit(await sync("UNIUSDT"), 0);
    addFault("drop-rows", "UNIUSDT", { slots: [END - 2 * MINUTE] });
    clockAt(END + 10 * MINUTE + 30_000);
    expectExit(await sync("UNIUSDT"), 0);
    await expectWhole(world, "UNIUSDT", "1m", SINCE);
    await expectInvariant(world);
  });

  test("because the newest candle is a second late is asked for once more", async () => {
    clockAt(END + 5_000);
    addFault("drop-rows", "ATOMUSDT", { slots: [END - MINUTE], times: 1 });
    expectExit(await sync("ATOMUSDT"), 0);
    await expectWhole(world, "ATOMUSDT", "1m", SINCE);
    expect(pagesAsked("ATOMUSDT")).toBe(2);
  });

  test("because the newest candle is later than that is no gap yet, and the next run stores it", async () => {
    clockAt(END + 5_000);
    addFault("drop-rows", "XLMUSDT", { slots: [END - MINUTE] });
    expectExit(await sync("XLMUSDT"), 0);
    expect(await gapsOf(world, "XLMUSDT", "1m")).toEqual([]);
    expect(await coveredOf(world, "XLMUSDT", "1m")).toEqual([SINCE, END - MINUTE]);

    world.exchange.clearFaults();
    expectExit(await sync("XLMUSDT"), 0);
    await expectWhole(world, "XLMUSDT", "1m", SINCE);
  });
});

test("a closed candle that changes is a revision with both values, and the table holds the new one", async () => {
  const changed = END - 3 * MINUTE;
  expectExit(await sync("ETCUSDT"), 0);
  const [before] = world.truth("ETCUSDT", "1m", changed, changed + MINUTE);
  addFault("revise", "ETCUSDT", { rows: [{ openTime: changed, field: 5, value: "0.12345678901" }] });
  const run = await sync("ETCUSDT");
  expectExit(run, 0);
  expect(JSON.parse(run.stdout).intervals[0]).toMatchObject({ added: 0, revised: 1 });
  const revisions = `
    select r."timestamp", old_values ->> 'volume' as old, new_values ->> 'volume' as new, old_values ->> 'open' as open,
           old_source, new_source, u.command
    from r3a.candle_revision r join r3a.coin c on c.id = r.coin_id join r3a.run u using (run_id)
    where c.symbol = 'ETCUSDT' order by r.id`;
  expect(await world.database.query(revisions)).toEqual([
    {
      timestamp: new Date(changed),
      old: before?.[5],
      new: "0.12345678901",
      open: before?.[1],
      old_source: "rest",
      new_source: "rest",
      command: "sync",
    },
  ]);
  const stored = await world.stored("ETCUSDT", "1m");
  expect(stored.find(([open]) => open === changed)?.[5]).toBe("0.12345678901");

  expectExit(await sync("ETCUSDT"), 0);
  expect(await world.database.query(revisions)).toHaveLength(1);
  world.exchange.clearFaults();
  expectExit(await sync("ETCUSDT"), 0);
  expect(await world.database.query(revisions)).toHaveLength(2);
  await expectWhole(world, "ETCUSDT", "1m", SINCE);
  await expectInvariant(world);
});
