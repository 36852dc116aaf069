import { afterEach, describe, expect, test } from "vitest";
import { expectExit, HOUR, MINUTE, outputOf } from "../support/candle/series.ts";
import { usePlainWorld } from "../support/exchange/plain-exchange.ts";

/** A first candle is believed with evidence and a date, and asked for again: one wrong answer hides nothing for long. */
const first = Math.floor(Date.now() / MINUTE) * MINUTE - 5 * HOUR;
const { database, exchange, run } = usePlainWorld(
  ["AUSDT", "BUSDT", "CUSDT", "DUSDT", "EUSDT", "FUSDT", "GUSDT", "HUSDT"],
  first,
  { FALLBACK_START: new Date(first - 24 * HOUR).toISOString() },
);
afterEach(() => {
  exchange.answer = null;
});

/** The question for the first candle is answered an hour ago instead of five. */
const lateFirst = () => {
  const late = Math.floor(Date.now() / MINUTE) * MINUTE - HOUR;
  exchange.answer = (url) =>
    url.searchParams.get("startTime") === "0"
      ? { body: [[late, "1", "1", "1", "1", "5", late + 59_999, "5", 1, "1", "1", "0"]] }
      : null;
};
const firstStored = async (symbol: string) => {
  const [row] = await database.query<{ first: Date }>(
    `select min("timestamp") as first from r3a.ohlcv_partitioned t join r3a.coin c on c.id = t.coin_id where symbol = $1`,
    [symbol],
  );
  return row?.first.getTime();
};
const expectWhole = async (symbol: string, from = first) => {
  expect(await firstStored(symbol)).toBe(from);
  const verify = await run(`verify --symbols ${symbol} --intervals 1m`);
  expectExit(verify, 0);
};

describe("after one first candle that was too late", () => {
  test("a backfill asks again and brings what was hidden", async () => {
    lateFirst();
    expectExit(await run("sync 1m --symbols AUSDT"), 0);
    expect(await firstStored("AUSDT")).toBeGreaterThan(first);
    exchange.answer = null;
    const from = new Date(first + 2 * HOUR).toISOString();
    const again = await run(`backfill 1m --symbols AUSDT --from ${from}`);
    expectExit(again, 0);
    expect(outputOf(again)).toContain("the first candle of AUSDT is of");
    await expectWhole("AUSDT", first + 2 * HOUR);
  });

  test("gaps --repair --all brings it, also what was logged as before the listing", async () => {
    lateFirst();
    // days before are asked for as well, so that one wrong answer is seen at once: hidden from both
    const late = exchange.answer;
    exchange.answer = (url) =>
      url.searchParams.get("interval") === "1d" ? { body: [] } : (late?.(url) ?? null);
    expectExit(await run("sync 1m --symbols BUSDT"), 0);
    expectExit(await run(`backfill 1m --symbols BUSDT --from ${new Date(first - HOUR).toISOString()}`), 0);
    const state = `select state, next_check_at is not null as dated from r3a.ohlcv_gap_log g join r3a.coin c on c.id = g.coin_id where symbol = 'BUSDT' and state <> 'repaired'`;
    expect(await database.query(state)).toEqual([{ state: "before_listing", dated: true }]);
    exchange.answer = null;
    expectExit(await run("gaps --repair --all --symbols BUSDT --intervals 1m"), 0);
    await expectWhole("BUSDT");
    expect(await database.query(state)).toEqual([{ state: "before_listing", dated: true }]);
  });

  test("gaps --repair --all brings what no gap tells of, since the series began too late", async () => {
    lateFirst();
    expectExit(await run("sync 1m --symbols CUSDT"), 0);
    exchange.answer = null;
    expectExit(await run("gaps --repair --all --symbols CUSDT --intervals 1m"), 0);
    await expectWhole("CUSDT");
  });

  test("AUTO_PERIOD=false brings it", async () => {
    lateFirst();
    expectExit(await run("sync 1m --symbols DUSDT"), 0);
    exchange.answer = null;
    expectExit(await run("sync 1m --symbols DUSDT", { AUTO_PERIOD: "false" }), 0);
    await expectWhole("DUSDT");
  });

  test("every sync asks a second time after an hour, and brings it then", async () => {
    lateFirst();
    expectExit(await run("sync 1m --symbols EUSDT"), 0);
    exchange.answer = null;
    const asked = exchange.requests.length;
    expectExit(await run("sync 1m --symbols EUSDT"), 0);
    expect(probesSince(asked)).toBe(0);
    await database.query(
      `update r3a.coin set first_evidence = first_evidence || jsonb_build_object('since', (first_evidence->>'since')::bigint - 3700000, 'askedAt', (first_evidence->>'askedAt')::bigint - 3700000) where symbol = 'EUSDT'`,
    );
    expectExit(await run("sync 1m --symbols EUSDT"), 0);
    expect(probesSince(asked)).toBe(1);
    await expectWhole("EUSDT");
  });
});

const probesSince = (index: number) =>
  exchange.requests.slice(index).filter(({ searchParams }) => searchParams.get("startTime") === "0").length;

test.each(["2105-01-01", "infinity", "-infinity", "1970-01-01", "250000-01-01"])(
  "a first candle of %s in the database is asked for again by the next sync",
  async (wrong) => {
    expectExit(await run("sync 1m --symbols FUSDT"), 0);
    await database.query("update r3a.coin set first_candle = $1 where symbol = 'FUSDT'", [wrong]);
    expectExit(await run("sync 1m --symbols FUSDT"), 0);
    const [row] = await database.query<{ first: Date }>(
      "select first_candle as first from r3a.coin where symbol = 'FUSDT'",
    );
    expect(row?.first.getTime()).toBe(first);
    await expectWhole("FUSDT");
  },
);

test("the time before the listing is looked at again when it is due, by the first candle alone", async () => {
  const from = first - 400 * 24 * HOUR;
  expectExit(await run(`backfill 1m --symbols GUSDT --from ${new Date(from).toISOString()}`), 0);
  const due =
    "where g.coin_id = (select id from r3a.coin where symbol = 'GUSDT') and state = 'before_listing'";
  await database.query(`update r3a.ohlcv_gap_log g set next_check_at = now() - interval '1 minute' ${due}`);
  await database.query(
    "update r3a.coin set first_evidence = jsonb_set(first_evidence, '{askedAt}', '1') where symbol = 'GUSDT'",
  );
  const asked = exchange.requests.length;
  expectExit(await run("gaps --repair --symbols GUSDT"), 0);
  const requests = exchange.requests.slice(asked).filter(({ pathname }) => pathname.endsWith("/klines"));
  expect(requests.map(({ searchParams }) => searchParams.get("interval"))).toEqual(["1m", "1d"]);
  expect(
    await database.query(`select attempts, next_check_at > now() as later from r3a.ohlcv_gap_log g ${due}`),
  ).toEqual([{ attempts: 2, later: true }]);
});

test("an exchange that does not answer for the first candle again leaves what was believed", async () => {
  expectExit(await run("sync 1m --symbols HUSDT"), 0);
  exchange.answer = (url) =>
    url.searchParams.get("startTime") === "0" ? { status: 400, body: { code: -1100, msg: "no" } } : null;
  const again = await run(`backfill 1m --symbols HUSDT --from ${new Date(first - HOUR).toISOString()}`);
  expectExit(again, 0);
  expect(outputOf(again)).toContain("what was believed stays");
});
