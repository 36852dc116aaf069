import { expect, test } from "vitest";
import { expectExit, HOUR, MINUTE, outputOf } from "../support/candle/series.ts";
import { usePlainWorld } from "../support/exchange/plain-exchange.ts";

/** What only a person can have written into one coin's rows stops that coin's series alone, and the log says how to mend it. */
const first = Math.floor(Date.now() / MINUTE) * MINUTE - 2 * HOUR;
const { database, run } = usePlainWorld(["AUSDT", "BUSDT"], first);
const A = "coin_id = (select id from r3a.coin where symbol = 'AUSDT')";
const addedLater = async (symbol: string) => {
  const [row] = await database.query<{ n: number }>(
    `select count(*)::int as n from r3a.ohlcv_partitioned t join r3a.coin c on c.id = t.coin_id where symbol = $1`,
    [symbol],
  );
  return row?.n ?? 0;
};

test.each([
  ["covered_from of -infinity", `update r3a.series set covered_from = '-infinity' where ${A}`],
  [
    "a gap without an end",
    `insert into r3a.ohlcv_gap_log (id, coin_id, "interval", from_ts, to_ts, state, reason, next_check_at)
     select gen_random_uuid(), id, '1m', now(), 'infinity', 'open', 'failed', now() from r3a.coin where symbol = 'AUSDT'`,
  ],
])("%s fails its own series alone", async (_, damage) => {
  expectExit(await run("sync 1m --symbols AUSDT,BUSDT"), 0);
  await database.query(`delete from r3a.ohlcv_partitioned where "timestamp" > now() - interval '30 minutes'`);
  await database.query(`update r3a.series set covered_to = covered_to - interval '40 minutes'`);
  await database.query(damage);
  const before = await addedLater("BUSDT");
  const sync = await run("sync 1m --symbols AUSDT,BUSDT");
  expectExit(sync, 1);
  expect(outputOf(sync)).toMatch(
    /AUSDT 1m in r3a\.(series|ohlcv_gap_log) .*(update r3a\.series set|delete it)/,
  );
  expect(await addedLater("BUSDT")).toBeGreaterThan(before);
  const preview = await run("plan 1m --symbols AUSDT,BUSDT");
  expectExit(preview, 0);
  expect(preview.stdout).toContain("(a person wrote it)");
  await database.query(`delete from r3a.ohlcv_gap_log where ${A}`);
  // the statement of the message
  await database.query(`update r3a.series set covered_from = null, covered_to = null where ${A}`);
  expectExit(await run("sync 1m --symbols AUSDT,BUSDT"), 0);
  expectExit(await run("verify"), 0);
});

test.each(["infinity", "290000-01-01", "now() + interval '1 day'"])(
  "a covered_to of %s is taken back by the next sync, which adds rows again",
  async (wrong) => {
    const plain = wrong.startsWith("now") ? wrong : `'${wrong}'`;
    expectExit(await run("sync 1m --symbols AUSDT,BUSDT"), 0);
    await database.query(
      `delete from r3a.ohlcv_partitioned where ${A} and "timestamp" > now() - interval '30 minutes'`,
    );
    await database.query(`update r3a.series set covered_to = ${plain} where ${A}`);
    const verify = await run("verify --symbols AUSDT");
    expectExit(verify, 1);
    expect(verify.stdout).toMatch(
      /covered beyond now.*[\s\S]*the next sync of the interval takes\s+this back/,
    );
    const plan = await run("plan 1m --symbols AUSDT --json");
    expect(JSON.parse(plan.stdout).candles).toBeGreaterThan(25);
    const before = await addedLater("AUSDT");
    const sync = await run("sync 1m --symbols AUSDT,BUSDT");
    expectExit(sync, 0);
    expect(outputOf(sync)).toContain("cover_taken_back");
    expect(await addedLater("AUSDT")).toBeGreaterThan(before + 25);
    const again = await run("sync 1m --symbols AUSDT,BUSDT");
    expectExit(again, 0);
    expect(outputOf(again)).not.toContain("cover_taken_back");
    expectExit(await run("verify"), 0);
  },
);
