import { beforeAll, describe, expect, test } from "vitest";
import { makeSeries } from "../support/candle/made-series.ts";
import { DAY, expectExit, HOUR, iso } from "../support/candle/series.ts";
import { useDatabase } from "../support/database/database.ts";
import { type RunResult, runRunner } from "../support/runner.ts";

const database = useDatabase();
const run = (args: string) => runRunner(args.split(" "), { DB_URL: database.url });
const linesOf = ({ stdout }: RunResult) => (stdout === "" ? [] : stdout.trimEnd().split("\n"));
const JAN = Date.UTC(2026, 0, 1);
const OLD = { from: Date.UTC(2017, 7, 17), to: Date.UTC(2017, 8, 1) };
const hour = Math.floor(Date.now() / HOUR) * HOUR;
/** What stands on stderr, as the log has it. */
const notesOf = ({ stderr }: RunResult) =>
  stderr
    .trimEnd()
    .split("\n")
    .flatMap((line) => (line === "" ? [] : [JSON.parse(line)]))
    .map(({ symbol, interval, message }) => `${symbol} ${interval}: ${message}`);

beforeAll(() =>
  makeSeries(database.url, [
    {
      symbol: "BTCUSDT",
      interval: "1h",
      from: OLD.from,
      to: JAN + 31 * DAY,
      gaps: [
        { from: OLD.to, to: JAN, state: "not_requested" },
        { from: JAN + DAY, to: JAN + DAY + 3 * HOUR },
        { from: JAN + 2 * DAY, to: JAN + 2 * DAY + HOUR, state: "confirmed_absent" },
        { from: JAN + 3 * DAY, to: JAN + 3 * DAY + HOUR, reason: "failed" },
        { from: JAN + 4 * DAY, to: JAN + 4 * DAY + HOUR, state: "repaired" },
      ],
    },
    { symbol: "ETHUSDT", interval: "1h", from: JAN, to: hour + 2 * HOUR },
    { symbol: "ETHUSDT", interval: "1d", from: JAN, to: JAN + 10 * DAY },
    { symbol: "DOGEUSDT", interval: "1d", from: JAN, to: JAN + 10 * DAY },
  ]),
);

describe("what is missing", () => {
  const asked = (from: number, to: number) => `--from ${iso(from)} --to ${iso(to)}`;

  test("is counted by its reasons, and stderr says where candles lie", async () => {
    const result = await run(`candles BTCUSDT 1h --format csv ${asked(OLD.to - DAY, JAN + 5 * DAY)}`);
    expectExit(result, 0);
    const slots = (JAN + 5 * DAY - (OLD.to - DAY)) / HOUR;
    expect(linesOf(result)).toHaveLength(1 + slots - (JAN - OLD.to) / HOUR - 5);
    expect(notesOf(result)).toEqual(
      [
        "BTCUSDT 1h: 73,061 of 73,205 candles of this span are missing: 73,056 in 1 gap never asked for (backfill fetches them), 3 in 1 gap absent at the exchange so far, 1 in 1 gap confirmed absent at the exchange, 1 in 1 gap without a usable answer so far; stored are 2017-08-17 .. 2017-09-01, 2026-01-01 .. 2026-02-01 (ends not included), with 3 gaps more in between",
      ].map((line) => line.replace("73,205", slots.toLocaleString("en-US"))),
    );
  });

  test("before and behind the covered span is missing too, up to the last closed candle", async () => {
    const result = await run("candles ETHUSDT 1d --format csv --from 2025-12-30");
    const days = Math.floor(Date.now() / DAY) - Math.floor(JAN / DAY) + 2;
    expect(linesOf(result)).toHaveLength(11);
    expect(notesOf(result)).toEqual([
      `ETHUSDT 1d: ${days - 10} of ${days} candles of this span are missing: ${days - 12} not asked for yet (sync fetches them), 2 never asked for (backfill fetches them); stored are 2026-01-01 .. 2026-01-11 (end not included)`,
    ]);
  });

  test("is said where nothing lies in the span", async () => {
    const result = await run("candles BTCUSDT 1h --format csv --from 2016-08-25 --to 2016-08-26");
    expect(linesOf(result)).toHaveLength(1);
    expect(notesOf(result)[0]).toMatch(
      /^BTCUSDT 1h: no candle in this span: never asked for \(backfill fetches them\); stored are 2017-08-17 \.\. 2017-09-01, 2026-01-01 \.\. /,
    );
    expect(notesOf(await run("candles DOGEUSDT 1h"))).toEqual([
      'DOGEUSDT 1h: nothing is stored of this series; "sync 1h", or "backfill 1h --symbols DOGEUSDT --from TIME", fetches it',
    ]);
    const ended = await run("candles ETHUSDT 1h --to 2025-01-01");
    expect([ended.stdout, notesOf(ended)]).toEqual([
      "",
      [
        "ETHUSDT 1h: no candle in this span: never asked for (backfill fetches them); stored are 2026-01-01 .. now",
      ],
    ]);
  });

  test("is not said of what is whole: a candle still open, a gap elsewhere, a repaired gap", async () => {
    for (const args of [
      "ETHUSDT 1h",
      `BTCUSDT 1h ${asked(JAN + 4 * DAY - HOUR, JAN + 4 * DAY + 2 * HOUR)}`,
      `BTCUSDT 1h ${asked(JAN + 5 * DAY, JAN + 6 * DAY)} --last 20`,
    ])
      expect(notesOf(await run(`candles ${args} --strict`))).toEqual([]);
  });

  test("is said of all where no series is stored", async () => {
    const result = await run("candles all 4h --strict");
    expectExit(result, 1);
    expect(result.stderr).toContain('"message":"no series is stored; sync or backfill one first"');
  });

  test("is nothing where no candle of the span has closed: --strict exits 0, and stderr says so", async () => {
    const today = new Date().toISOString().slice(0, 10);
    for (const args of [`ETHUSDT,DOGEUSDT 1d --from ${today}`, "all all --from 2100-01-01 --to 2101-01-01"]) {
      const result = await run(`candles ${args} --strict --format csv`);
      expectExit(result, 0);
      expect(linesOf(result)).toHaveLength(1);
      for (const note of notesOf(result))
        expect(note).toMatch(/: no closed candle opens in this span, so none is missing; stored are /);
    }
  });

  test("makes --strict exit 1, and the rest is printed all the same", async () => {
    const strict = await run(`candles BTCUSDT 1h --strict ${asked(JAN + DAY, JAN + DAY + 5 * HOUR)}`);
    expectExit(strict, 1);
    expect(linesOf(strict)).toHaveLength(3);
    expectExit(await run(`candles BTCUSDT 1h --strict ${asked(JAN, JAN + DAY)}`), 0);
    expectExit(await run("candles ETHUSDT 1h --strict --to 2025-01-01"), 1);
    const none = await run("candles DOGEUSDT 1h --strict");
    expectExit(none, 1);
    expect(JSON.parse(none.stderr)).toMatchObject({ missing: 20, slots: 20 });
  });
});
