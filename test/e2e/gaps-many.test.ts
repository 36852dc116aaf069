import { expect, test } from "vitest";
import { useDatabase } from "../support/database.ts";
import { runRunner } from "../support/runner.ts";
import { expectExit } from "../support/series.ts";

/** A log of years that went badly, as a person and as a program reads it. */
const database = useDatabase();
const GAPS = 30_000;
const ADD = `
  insert into r3a.ohlcv_gap_log (id, coin_id, "interval", from_ts, to_ts, state, reason)
  select gen_random_uuid(), c.id, '1m', at, at + interval '1 min', 'open', 'absent'
  from r3a.coin c, generate_series(0, ${GAPS - 1}) n, lateral (select timestamptz '2024-01-01 00:00+00' + n * interval '2 min' as at) t`;
const run = (args: string) => runRunner(`gaps ${args}`.trim().split(" "), { DB_URL: database.url });
const rowsOf = (text: string) => text.split("\n").filter((line) => line.includes("AUSDT")).length;

test("a person sees the first hundred gaps and how many more there are, a program all of them", async () => {
  await database.query(
    "insert into r3a.coin (symbol, base, quote, status) values ('AUSDT', 'A', 'USDT', 'TRADING')",
  );
  await database.query(ADD);
  const shown = await run("");
  expectExit(shown, 0);
  expect(rowsOf(shown.stdout)).toBe(100);
  expect(shown.stdout).toContain("2024-01-01T00:00:00Z");
  expect(shown.stdout.trimEnd()).toMatch(/\n\.\.\. and 29,900 more; --json prints all/);

  // the first hundred exactly: no more are spoken of
  const hundred = await run("--to 2024-01-01T03:19:00Z");
  expect(rowsOf(hundred.stdout)).toBe(100);
  expect(hundred.stdout).not.toContain("more");
  const narrowed = await run("--to 2024-01-01T03:20:01Z");
  expect(narrowed.stdout).toContain("... and 1 more;");

  const all = await run("--json");
  expectExit(all, 0);
  expect(all.stdout.trimEnd().split("\n")).toHaveLength(GAPS);
});
