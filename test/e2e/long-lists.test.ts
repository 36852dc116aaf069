import { beforeAll, expect, test } from "vitest";
import { expectExit } from "../support/candle/series.ts";
import { useDatabase } from "../support/database/database.ts";
import { runRunner } from "../support/runner.ts";

/** A log of years that went badly, and a span of years, as a person and as a program reads them. */
const database = useDatabase();
const GAPS = 30_000;
const ADD = `
  insert into r3a.ohlcv_gap_log (id, coin_id, "interval", from_ts, to_ts, state, reason)
  select gen_random_uuid(), c.id, '1m', at, at + interval '1 min', 'open', 'absent'
  from r3a.coin c, generate_series(0, ${GAPS - 1}) n, lateral (select timestamptz '2024-01-01 00:00+00' + n * interval '2 min' as at) t`;
const CANDLES = 7_000;
const ADD_CANDLES = `
  insert into r3a.ohlcv_partitioned (coin_id, "interval", "timestamp", open, high, low, close, volume)
  select c.id, '1m', timestamptz '2024-01-01 00:00+00' + n * interval '1 min', 1, 1, 1, 1, 1
  from r3a.coin c, generate_series(0, ${CANDLES - 1}) n`;
const run = (args: string) => runRunner(args.trim().split(" "), { DB_URL: database.url });
const rowsOf = (text: string) => text.split("\n").filter((line) => line.includes("AUSDT")).length;

beforeAll(async () => {
  await database.query(
    "insert into r3a.coin (symbol, base, quote, status) values ('AUSDT', 'A', 'USDT', 'TRADING')",
  );
  await database.query(ADD);
  await database.query(`select r3a_util.make_leaf('ohlcv_1m', '2024-01-01 00:00+00', '{"fillfactor": 90}')`);
  await database.query(ADD_CANDLES);
});

test("a person and a program see all candles of the span", async () => {
  const lines = (text: string) => text.split("\n").filter((line) => line.includes("2024-01-")).length;
  const shown = await run("candles AUSDT 1m --from 2024-01-01");
  expectExit(shown, 0);
  expect(lines(shown.stdout)).toBe(CANDLES);
  const all = await run("candles AUSDT 1m --from 2024-01-01 --format csv");
  expect(lines(all.stdout)).toBe(CANDLES);
});

test("a person sees the first hundred gaps and how many more there are, a program all of them", async () => {
  const shown = await run("gaps");
  expectExit(shown, 0);
  expect(rowsOf(shown.stdout)).toBe(100);
  expect(shown.stdout).toContain("AUSDT 1m 2024-01-01 .. 2024-01-01T00:01Z, 1 candle: absent");
  expect(shown.stdout.trimEnd()).toMatch(/\n\.\.\. and 29,900 more; --json prints all/);

  // the first hundred exactly: no more are spoken of
  const hundred = await run("gaps --to 2024-01-01T03:19:00Z");
  expect(rowsOf(hundred.stdout)).toBe(100);
  expect(hundred.stdout).not.toContain("more");
  const narrowed = await run("gaps --to 2024-01-01T03:20:01Z");
  expect(narrowed.stdout).toContain("... and 1 more;");

  const all = await run("gaps --json");
  expectExit(all, 0);
  const { gaps, listed } = JSON.parse(all.stdout);
  expect([gaps.length, listed]).toEqual([GAPS, GAPS]);
});
