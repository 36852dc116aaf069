import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { coveredOf, DAY, HOUR, iso } from "../support/candle/series.ts";
import { keepTables } from "../support/database/kept-tables.ts";
import { expectInvariant, useWorld } from "../support/world.ts";

/** Rows of the gap log that a person wrote: outside of what is covered, off the slots, one over another. */
const world = useWorld({ weightLimit: null });
const END = Date.UTC(2024, 5, 1);
const FROM = END - 10 * DAY;
const backfill = `backfill 1h --symbols BTCUSDT --from ${iso(FROM)} --to ${iso(END)}`;

const write = (from: string, to: string) =>
  world.database.query(
    `insert into r3a.ohlcv_gap_log (id, coin_id, "interval", from_ts, to_ts, state, reason, next_check_at)
     select gen_random_uuid(), id, '1h', $1, $2, 'open', 'absent', now() from r3a.coin where symbol = 'BTCUSDT'`,
    [from, to],
  );
const overlaps = () =>
  world.database.query(
    `select a.from_ts, b.from_ts from r3a.ohlcv_gap_log a join r3a.ohlcv_gap_log b
       on a.coin_id = b.coin_id and a."interval" = b."interval" and a.id < b.id
      and a.from_ts < b.to_ts and b.from_ts < a.to_ts
     where a.state <> 'repaired' and b.state <> 'repaired'`,
  );
const unclosed = () => world.database.query("select command from r3a.run where finished_at is null");

const kept = keepTables(world.database, [
  "r3a.ohlcv_partitioned",
  "r3a.series",
  "r3a.ohlcv_gap_log",
  "r3a_util.last_ts_by_coin_interval",
]);

beforeAll(async () => {
  expect(await world.run(backfill)).toMatchObject({ code: 0 });
  await kept.keep();
});
afterEach(() => kept.restore());

describe("gaps that a person wrote", () => {
  test.each([
    ["1980-01-01Z", "1980-03-01Z"],
    ["2015-01-01Z", "2018-01-01Z"],
    [iso(FROM - 90 * DAY), iso(FROM)],
    [iso(FROM - 90 * DAY), iso(FROM + DAY)],
  ])("before the covered span, %s to %s, are judged, and again", async (from, to) => {
    await write(from, to);
    await write("1985-01-01Z", "1985-01-02Z");
    for (let run = 0; run < 2; run += 1) {
      expect(await world.run("gaps --repair")).toMatchObject({ code: 0 });
      expect(await overlaps()).toEqual([]);
      await expectInvariant(world);
      await world.database.query("update r3a.ohlcv_gap_log set next_check_at = now() where state = 'open'");
    }
    expect((await coveredOf(world, "BTCUSDT", "1h"))?.[1]).toBe(END);
  });

  test("of a series whose cover was cut or taken away are taken once", async () => {
    await write(iso(FROM), iso(FROM + 2 * HOUR));
    await write(iso(FROM + 50 * HOUR), iso(FROM + 52 * HOUR));
    await world.database.query("update r3a.series set covered_from = $1", [iso(END - DAY)]);
    const cut = await world.run(`${backfill} --json`);
    expect(cut).toMatchObject({ code: 0 });
    expect(JSON.parse(cut.stdout).intervals).toMatchObject([{ added: 0, repaired: 0 }]);
    await write(iso(FROM + 5 * HOUR), iso(FROM + 7 * HOUR));
    await world.database.query("update r3a.series set covered_from = null, covered_to = null");
    expect(await world.run(backfill)).toMatchObject({ code: 0 });
    expect(await overlaps()).toEqual([]);
    await expectInvariant(world);
  });

  test.each([
    [[[3 * HOUR + 1_031_500, 4 * HOUR]]],
    [[[3 * HOUR + 1_031_500, 3 * HOUR + 1_031_600]]],
    [
      [
        [3 * HOUR, 15 * HOUR],
        [5 * HOUR, 10 * HOUR],
        [9 * HOUR + 1, 30 * HOUR + 7],
      ],
    ],
    [
      [
        [5 * HOUR, 15 * HOUR],
        [10 * HOUR, 20 * HOUR],
        [15 * HOUR, 25 * HOUR],
        [10 * HOUR + 1, 11 * HOUR],
      ],
    ],
  ])("off the slots or one over another never count below 0: %j", async (spans) => {
    for (const command of [`${backfill} --again --json`, "gaps --repair --json"]) {
      for (const [from = 0, to = 0] of spans) await write(iso(FROM + from), `${iso(FROM + to)}`);
      const run = await world.run(command);
      expect(run, run.stderr).toMatchObject({ code: 0 });
      expect(JSON.parse(run.stdout).intervals).toMatchObject([{ added: 0, repaired: 0 }]);
      expect(await unclosed()).toEqual([]);
      expect(await overlaps()).toEqual([]);
    }
    await expectInvariant(world);
  });

  test("do not count fractions where the covered span is off the slots as well", async () => {
    await write(iso(FROM + 1), iso(FROM + 5 * HOUR));
    await world.database.query(
      "update r3a.series set covered_from = covered_from + interval '17 min', covered_to = covered_to - interval '9.5 s'",
    );
    for (const command of ["gaps --repair --json", `${backfill} --json`]) {
      const run = await world.run(command);
      expect(run, run.stderr).toMatchObject({ code: 0 });
      expect(JSON.parse(run.stdout).intervals).toMatchObject([{ added: 0, repaired: 0 }]);
      expect(await unclosed()).toEqual([]);
    }
    expect(await overlaps()).toEqual([]);
    expect(await coveredOf(world, "BTCUSDT", "1h")).toEqual([FROM, END]);
    await expectInvariant(world);
  });

  test("in a part of a microsecond are a whole slot", async () => {
    await write(
      iso(FROM + 3 * HOUR).replace("00:00.000", "17:11.5"),
      iso(FROM + 4 * HOUR).replace(".000Z", ".000001Z"),
    );
    await world.database.query(`delete from r3a.ohlcv_partitioned where "timestamp" = $1`, [
      iso(FROM + 3 * HOUR),
    ]);
    const run = await world.run("gaps --repair --json");
    expect(run, run.stderr).toMatchObject({ code: 0 });
    expect(JSON.parse(run.stdout).intervals).toMatchObject([{ added: 0, repaired: 1 }]);
    await expectInvariant(world);
  });
});
