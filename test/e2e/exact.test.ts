import { beforeAll, describe, expect, test } from "vitest";
import type { KlineRow } from "../../dev/exchange/kline-text.ts";
import { listRecordedSeries, type RecordedSeries } from "../../dev/exchange/recorded.ts";
import { coveredOf, DAY, expectExit, gapsOf, HOUR, iso, MINUTE } from "../support/candle/series.ts";
import { expectInvariant, useWorld } from "../support/world.ts";

const RECORDED_UNTIL = Date.parse("2020-07-01T04:00:00Z");
const OUTAGE = { from: Date.parse("2020-06-28T02:00:00Z"), to: Date.parse("2020-06-28T05:00:00Z") };

const world = useWorld({ recorded: true, clock: { fixedMs: RECORDED_UNTIL + 30_000 } });

function closedRows({ rows }: RecordedSeries): readonly KlineRow[] {
  return [...rows.values()].toSorted((a, b) => a[0] - b[0]);
}

function fieldsOf(row: KlineRow): string[] {
  const [open, , , , , , close] = row;
  return row.slice(0, 11).map((field, index) => {
    if (index === 0) return iso(open).replace(".000Z", "Z");
    return index === 6 ? iso(close) : String(field);
  });
}

describe.each(listRecordedSeries().map((series) => [`${series.symbol} ${series.interval}`, series] as const))(
  "recorded %s",
  (_, series) => {
    const { symbol, interval, spans } = series;
    const expected = closedRows(series);
    const printed = expected.map((row) => [symbol, interval, ...fieldsOf(row), "rest"]);

    beforeAll(async () => {
      for (const { from, to } of spans) {
        const run = await world.run(
          `backfill ${interval} --symbols ${symbol} --from ${iso(from)} --to ${iso(to)}`,
        );
        expectExit(run, 0);
      }
    });

    test("comes back from the table as the exchange sent it, to the last digit", async () => {
      const stored = await world.stored(symbol, interval);
      expect(stored.map((row) => row.slice(0, 11))).toEqual(expected.map((row) => row.slice(0, 11)));
      await expectInvariant(world);
    });

    test("comes back from the candles command as the exchange sent it, to the last digit", async () => {
      const csv = await world.run(`candles ${symbol} ${interval} --from 2019-01-01 --format csv`);
      const [head, ...lines] = csv.stdout.trimEnd().split("\n");
      expect(lines.map((line) => line.split(","))).toEqual(printed);
      const ndjson = await world.run(`candles ${symbol} ${interval} --from 2019-01-01 --format ndjson`);
      const records = ndjson.stdout
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line));
      expect(records.map((record) => Object.values(record))).toEqual(printed);
      expect(Object.keys(records[0])).toEqual(head?.split(","));
    });
  },
);

describe("the outage of 2020-06-28", () => {
  const clockAt = (ms: number) => world.exchange.set({ clock: { fixedMs: ms } });

  test("is one gap of three candles, open, with both neighbours as evidence", async () => {
    expect(await gapsOf(world, "BTCUSDT", "1h")).toEqual([
      {
        ...OUTAGE,
        state: "open",
        reason: "absent",
        attempts: 1,
        evidence: { absentSince: expect.any(Number), before: OUTAGE.from - HOUR, after: OUTAGE.to },
        nextCheckAt: expect.any(Number),
      },
    ]);
  });

  test.each([
    ["not asked again before an hour", 30 * MINUTE, 1, "open", HOUR],
    ["proved absent by a second answer after an hour", 62 * MINUTE, 2, "confirmed_absent", DAY],
    ["asked for again after a day", DAY + 2 * HOUR, 3, "confirmed_absent", 7 * DAY],
    ["asked for again after a week", 9 * DAY, 4, "confirmed_absent", 30 * DAY],
    ["asked for again after a month", 40 * DAY, 5, "confirmed_absent", 90 * DAY],
    ["asked for every three months from then on", 131 * DAY, 6, "confirmed_absent", 90 * DAY],
  ] as const)("is %s", async (_, after, attempts, state, wait) => {
    clockAt(RECORDED_UNTIL + after);
    const asked = world.exchange.requests.length;
    const run = await world.run("gaps --repair --intervals 1h", { EGRESS_KEY: `after-${after}` });
    expectExit(run, 0);
    const requests = world.exchange.requests.slice(asked).filter(({ path }) => path.endsWith("klines"));
    expect(requests).toHaveLength(attempts === 1 ? 0 : 1);
    const [gap, ...others] = await gapsOf(world, "BTCUSDT", "1h");
    expect(others).toEqual([]);
    expect(gap).toMatchObject({ ...OUTAGE, state, attempts });
    const checkedAt = attempts === 1 ? RECORDED_UNTIL : RECORDED_UNTIL + after;
    const nextCheckIn = (gap?.nextCheckAt ?? 0) - checkedAt;
    expect(nextCheckIn).toBeGreaterThanOrEqual(wait);
    expect(nextCheckIn).toBeLessThan(wait + 2 * MINUTE);
    await expectInvariant(world);
  });
});

describe("a first sync", () => {
  const now = Date.parse("2020-07-01T04:00:30Z");
  const clock = () => world.exchange.set({ clock: { fixedMs: now } });

  test("stores the volumes of a coin at a hundred-thousandth of a dollar exactly", async () => {
    clock();
    const since = Date.parse("2020-06-20T00:00:00Z");
    const run = await world.run("sync 1d --symbols PEPEUSDT", { FALLBACK_START: iso(since) });
    expectExit(run, 0);
    const stored = await world.stored("PEPEUSDT", "1d");
    expect(stored).toHaveLength(11);
    for (const row of stored) expect(Number(row[5])).toBeGreaterThan(1e12);
    expect(stored).toEqual(world.truth("PEPEUSDT", "1d", since, now));
  });

  test("starts at FALLBACK_START, and only AUTO_PERIOD=false goes back before what is stored", async () => {
    clock();
    const day = (n: number) => Date.parse(`2020-06-${n}T00:00:00Z`);
    const sync = (since: number, autoPeriod: string) =>
      world.run("sync 4h --symbols SOLUSDT", { FALLBACK_START: iso(since), AUTO_PERIOD: autoPeriod });
    const end = Date.parse("2020-07-01T04:00:00Z");
    expect((await sync(day(28), "true")).code).toBe(0);
    expect(await coveredOf(world, "SOLUSDT", "4h")).toEqual([day(28), end]);
    expect((await sync(day(20), "true")).code).toBe(0);
    expect(await coveredOf(world, "SOLUSDT", "4h")).toEqual([day(28), end]);
    expect((await sync(day(20), "false")).code).toBe(0);
    expect(await coveredOf(world, "SOLUSDT", "4h")).toEqual([day(20), end]);
    expect(await world.stored("SOLUSDT", "4h")).toEqual(world.truth("SOLUSDT", "4h", day(20), end));
    await expectInvariant(world);
  });
});
