import { afterEach, expect, test } from "vitest";
import { expectExit, HOUR, iso, outputOf } from "../support/candle/series.ts";
import { lastRun } from "../support/last-run.ts";
import { expectInvariant, useWorld } from "../support/world.ts";

/** A stored span is asked for again: what differs is replaced and kept, what the exchange lacks now stays. */
const END = Date.parse("2024-05-10T12:00:00Z");
const SINCE = END - 60 * HOUR;
const SLOT = SINCE + 20 * HOUR;
const world = useWorld({ clock: { fixedMs: END + 30_000 } });
const change = (sql: string) => world.database.query(sql);
const again = (args = "") =>
  world.run(`backfill 1h --symbols BTCUSDT --again --from ${iso(SINCE)} --to ${iso(END)}${args}`);
const revisions = () =>
  change(`select "timestamp" as at, old_values->>'volume' as old from r3a.candle_revision order by at`);

afterEach(async () => {
  await change("delete from r3a.candle_revision");
});

test("what is stored like the exchange has it is asked for, counted by the plan, and not written", async () => {
  expectExit(await world.run("sync 1h --symbols BTCUSDT", { FALLBACK_START: iso(SINCE) }), 0);
  const before = await change("select xmin::text, ctid::text from r3a.ohlcv_partitioned order by 1, 2");
  const args = `1h --symbols BTCUSDT --from ${iso(SINCE)} --to ${iso(END)} --json`;
  expect(JSON.parse((await world.run(`plan ${args}`)).stdout)).toMatchObject({ candles: 0, requests: 0 });
  const planned = { candles: 60, requests: 1, weight: 2 };
  expect(JSON.parse((await world.run(`plan ${args} --again`)).stdout)).toMatchObject(planned);
  expect(JSON.parse((await again(" --dry-run --json")).stdout)).toMatchObject(planned);
  const run = await again(" --json");
  expectExit(run, 0);
  expect(JSON.parse(run.stdout).intervals).toMatchObject([{ added: 0, revised: 0, kept: 0 }]);
  expect(await change("select xmin::text, ctid::text from r3a.ohlcv_partitioned order by 1, 2")).toEqual(
    before,
  );
  expect(await revisions()).toEqual([]);
});

test("a candle that ran when it was stored is replaced, and the revision has what it was", async () => {
  const truth = await world.stored("BTCUSDT", "1h");
  await change(
    `update r3a.ohlcv_partitioned set volume = 1.5, trades = 3, close = low where "timestamp" = '${iso(SLOT)}' and "interval" = '1h'`,
  );
  const plain = await world.run(`backfill 1h --symbols BTCUSDT --from ${iso(SINCE)} --to ${iso(END)}`);
  expectExit(plain, 0);
  expect(await world.stored("BTCUSDT", "1h")).not.toEqual(truth);
  const run = await again();
  expectExit(run, 0);
  expect(await world.stored("BTCUSDT", "1h")).toEqual(truth);
  expect(await revisions()).toEqual([{ at: new Date(SLOT), old: "1.5" }]);
  expect(await lastRun(world.database)).toMatchObject({
    arguments: expect.stringMatching(/^1h --again --from 2024/),
  });
});

test("a lost row comes back, a gap before its time is filled, and what lies outside stays as it is", async () => {
  await change(
    `delete from r3a.ohlcv_partitioned where "interval" = '1h' and "timestamp" in ('${iso(SLOT)}', '${iso(SLOT + HOUR)}')`,
  );
  await change(
    `insert into r3a.ohlcv_gap_log (id, coin_id, "interval", from_ts, to_ts, state, reason, next_check_at)
     select gen_random_uuid(), id, '1h', '${iso(SLOT)}', '${iso(SLOT + HOUR)}', 'confirmed_absent', 'absent', '2099-01-01'
     from r3a.coin where symbol = 'BTCUSDT'`,
  );
  await change(
    `update r3a.ohlcv_partitioned set volume = 7 where "interval" = '1h' and "timestamp" = '${iso(SINCE)}'`,
  );
  const run = await world.run(
    `backfill 1h --symbols BTCUSDT --again --from ${iso(SINCE + HOUR)} --to ${iso(END)} --json`,
  );
  expectExit(run, 0);
  expect(JSON.parse(run.stdout).intervals).toMatchObject([{ added: 1, repaired: 1, revised: 0 }]);
  expect(await revisions()).toEqual([]);
  expectExit(await again(), 0);
  expect(await revisions()).toEqual([{ at: new Date(SINCE), old: "7" }]);
  await expectInvariant(world);
  expectExit(await world.run("verify --intervals 1h"), 0);
});

test("a stored candle that the exchange does not have any more stays, and the run reports it", async () => {
  await change(
    `insert into r3a.ohlcv_partitioned (coin_id, "interval", "timestamp", open, high, low, close, volume)
     select id, '1h', '${iso(SLOT + 7_000)}', 1, 1, 1, 1, 1 from r3a.coin where symbol = 'BTCUSDT'`,
  );
  const run = await again();
  expectExit(run, 0);
  expect(run.stdout).toContain(
    "1 stored candle is not in the exchange's answers any more; what is stored stays",
  );
  expect(outputOf(run)).toContain(`The first is of ${iso(SLOT + 7_000).slice(0, 16)}`);
  const stored = await change(
    `select 1 from r3a.ohlcv_partitioned where "timestamp" = '${iso(SLOT + 7_000)}'`,
  );
  expect(stored).toHaveLength(1);
});

test("--again needs a span", async () => {
  for (const command of ["plan", "backfill"]) {
    const run = await world.run(`${command} 1h --again --symbols BTCUSDT`);
    expectExit(run, 64);
    expect(run.stderr).toContain("--from is missing");
  }
});
