import { expect, test } from "vitest";
import { DAY, expectExit, HOUR, iso } from "../support/candle/series.ts";
import { useWorld } from "../support/world.ts";

const END = Date.parse("2024-05-10T12:00:00Z");
const world = useWorld({ clock: { fixedMs: END + 30_000 } });
const env = { FALLBACK_START: iso(END - 2 * DAY), SYMBOLS: "BTCUSDT,ETHUSDT" };

type Listed = {
  symbol: string;
  interval: string;
  first: string;
  last: string;
  candles: number;
  open: { gaps: number; candles: number };
  notRequested: { gaps: number; candles: number };
  estimatedBytes: number;
};
const listed = async (args = "") => {
  const { code, stdout, stderr } = await world.run(`series --json${args}`);
  expect([code, stderr]).toEqual([0, ""]);
  return (JSON.parse(stdout) as { version: number; command: string; series: readonly Listed[] }).series;
};

test("before the first sync there is no series", async () => {
  expect(await world.run("series")).toMatchObject({ code: 0, stdout: "no series is stored yet\n" });
});

test("each series has its first and last candle, their number, its gaps and a part of the size", async () => {
  for (const interval of ["1h", "4h", "1d"]) expectExit(await world.run(`sync ${interval}`, env), 0);
  // what a person takes away and logs is missing, and not counted
  await world.database.query(`
    with lost as (
      delete from r3a.ohlcv_partitioned t using r3a.coin c
      where c.id = t.coin_id and c.symbol = 'BTCUSDT' and t."interval" = '1h' and t."timestamp" < '${iso(END - 2 * DAY + 3 * HOUR)}'
        returning t.coin_id
    )
    insert into r3a.ohlcv_gap_log (id, coin_id, "interval", from_ts, to_ts, state, reason)
    select gen_random_uuid(), min(coin_id), '1h', '${iso(END - 2 * DAY)}', '${iso(END - 2 * DAY + 3 * HOUR)}', 'open', 'absent' from lost`);
  const all = await listed();
  const counted = await world.database.query(`
    select c.symbol, t."interval", count(*)::int as candles, min(t."timestamp") as first, max(t."timestamp") as last
    from r3a.ohlcv_partitioned t join r3a.coin c on c.id = t.coin_id group by 1, 2 order by 1, t."interval" = '1d', t."interval" = '4h'`);
  const whole = (time: string | Date) => new Date(time).toISOString();
  expect(
    all.map(({ symbol, interval, candles, first, last }) => ({
      ...{ symbol, interval, candles },
      ...{ first: whole(first), last: whole(last) },
    })),
  ).toEqual(counted.map((row) => ({ ...row, first: whole(row.first), last: whole(row.last) })));
  expect(all.find(({ symbol, interval }) => symbol === "BTCUSDT" && interval === "1h")).toMatchObject({
    open: { gaps: 1, candles: 3, byReason: { absent: 1, failed: 0, invalid: 0 } },
    notRequested: { gaps: 0, candles: 0 },
  });
  const [size] = await world.database.query(
    "select sum(pg_total_relation_size(leaf))::float8 as bytes from r3a_util.leaf_partitions() where from_ts <= $1 and to_ts > $1",
    [new Date(END)],
  );
  const bytes = all.reduce((sum, { estimatedBytes }) => sum + estimatedBytes, 0);
  expect(Math.abs(bytes - size?.bytes)).toBeLessThan(10);
});

test("a person reads it in 80 columns, and what the columns mean", async () => {
  const { code, stdout } = await world.run("series");
  expect(code).toBe(0);
  const lines = stdout.split("\n");
  expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(80);
  expect(lines[0]).toBe("symbol   interval  first       last              candles  open   MB");
  expect(lines[1]).toMatch(/^BTCUSDT {2}1h {8}2024-05-08 {2}2024-05-10 11:00 {7}45 {5}1 {2}0\.\d$/);
  expect(stdout).toContain("open: gaps that nothing explains yet (r3a gaps): 1 absent\n");
  expect(stdout).toContain("last: when the newest candle opens\n");
  expect(stdout).toContain("MB: an estimate");
});

test("--symbols and --intervals narrow it, and a name that is not stored is 64 with the nearest one", async () => {
  const few = await listed(" --symbols eth/usdt --intervals 4h,1h");
  expect(few.map(({ symbol, interval }) => `${symbol} ${interval}`)).toEqual(["ETHUSDT 1h", "ETHUSDT 4h"]);
  const { code, stderr } = await world.run("series --symbols BTCUSD,ETHUSDT");
  expect([code, stderr]).toEqual([
    64,
    expect.stringContaining("nothing is stored of BTCUSD; did you mean BTCUSDT?"),
  ]);
});
