import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { expectExit, HOUR, iso } from "../support/candle/series.ts";
import { keepTables } from "../support/database/kept-tables.ts";
import { type RunResult, startRunner } from "../support/runner.ts";
import { expectInvariant, useWorld } from "../support/world.ts";

/** Candles that another program deletes are noticed by each command that reads, and the command that each prints mends. */
const END = Math.floor(Date.now() / HOUR) * HOUR - HOUR;
const SINCE = END - 72 * HOUR;
const SLOT = SINCE + 24 * HOUR;
const world = useWorld({ clock: { fixedMs: END + 30_000 } });
const change = (sql: string) => world.database.query(sql);
const kept = keepTables(world.database, ["r3a.ohlcv_partitioned", "r3a.ohlcv_gap_log", "r3a.series"]);
const drop = (symbol: string, from: number, to: number) =>
  change(
    `delete from r3a.ohlcv_partitioned where coin_id = (select id from r3a.coin where symbol = '${symbol}')
     and "interval" = '1h' and "timestamp" >= '${iso(from)}' and "timestamp" < '${iso(to)}'`,
  );
const move = (at: number, by: number) =>
  change(
    `update r3a.ohlcv_partitioned set "timestamp" = "timestamp" + interval '${by} s' where "timestamp" = '${iso(at)}'
     and coin_id = (select id from r3a.coin where symbol = 'ETHUSDT')`,
  );
const candles = (args: string) => world.run(`candles ${args}`);
const asked = (from: number, to: number) => `--from ${iso(from)} --to ${iso(to)}`;
/** What stderr says of vanished candles. */
const notesOf = ({ stderr }: RunResult): { readonly message: string; readonly vanished: number }[] =>
  stderr
    .split("\n")
    .flatMap((line) => (line === "" ? [] : [JSON.parse(line)]))
    .filter((line) => line["event.name"] === "candles_vanished");
/** Runs the first `backfill` that a text names, as a person copies it. */
async function runNamed(text: string): Promise<void> {
  const named = /r3a (backfill \S+ --symbols \S+ --from \S+ --to \S+ --again)/.exec(text)?.[1];
  expectExit(await world.run(named ?? `nothing in: ${text}`), 0);
}

beforeAll(async () => {
  expectExit(await world.run("sync 1h --symbols ETHUSDT,BTCUSDT", { FALLBACK_START: iso(SINCE) }), 0);
  await kept.keep();
});

afterEach(async () => {
  await kept.restore();
  await expectInvariant(world);
});

describe("candles", () => {
  test("says how many are neither stored nor logged, and the named command fetches them", async () => {
    const span = asked(SLOT, SLOT + 8 * HOUR);
    await drop("ETHUSDT", SLOT + 3 * HOUR, SLOT + 7 * HOUR);
    const result = await candles(`ETHUSDT 1h --strict --columns close --format csv ${span}`);
    expectExit(result, 1);
    expect(result.stdout.trimEnd().split("\n")).toHaveLength(5);
    const [note, ...others] = notesOf(result);
    expect([note?.vanished, others]).toEqual([4, []]);
    expect(note?.message).toMatch(
      /^4 of 8 candles of this span are neither stored nor in the gap log: "r3a verify --symbols ETHUSDT --intervals 1h" names them; "r3a backfill .* --again" fetches them$/,
    );
    await runNamed(note?.message ?? "");
    const mended = await candles(`ETHUSDT 1h --strict --format csv ${span}`);
    expectExit(mended, 0);
    expect([mended.stdout.trimEnd().split("\n").length, mended.stderr]).toEqual([9, ""]);
  });

  test("sees those at both ends of what is stored, and those of each of several series", async () => {
    await drop("ETHUSDT", SINCE, SINCE + 2 * HOUR);
    await drop("BTCUSDT", END - HOUR, END);
    const result = await candles(`all 1h --strict --from ${iso(SINCE - 10 * HOUR)} --to ${iso(END)}`);
    expectExit(result, 1);
    expect(notesOf(result)).toMatchObject([
      { symbol: "BTCUSDT", vanished: 1, slots: 82 },
      { symbol: "ETHUSDT", vanished: 2, slots: 82 },
    ]);
    await drop("ETHUSDT", SLOT, SLOT + 5 * HOUR);
    expect(notesOf(await candles(`ETHUSDT 1h ${asked(SLOT, SLOT + 5 * HOUR)}`))).toMatchObject([
      { vanished: 5, slots: 5 },
    ]);
    expect(notesOf(await candles(`ETHUSDT 1h --last 50 --to ${iso(END)}`))).toMatchObject([{ vanished: 5 }]);
  });

  test("counts a misaligned candle for its slot, also where the span cuts the slot", async () => {
    await move(SLOT, 1800);
    for (const [from, to] of [
      [SLOT - 2 * HOUR, SLOT + 2 * HOUR],
      [SLOT - 2 * HOUR, SLOT + 600_000],
      [SLOT + 600_000, SLOT + 2 * HOUR],
    ] as const) {
      const result = await candles(`ETHUSDT 1h --strict ${asked(from, to)}`);
      expectExit(result, 0);
      expect(result.stderr).toBe("");
    }
    await drop("ETHUSDT", SLOT, SLOT + HOUR);
    const cut = await candles(`ETHUSDT 1h --strict ${asked(SLOT - 2 * HOUR, SLOT + 600_000)}`);
    expectExit(cut, 1);
    expect(notesOf(cut)).toMatchObject([{ vanished: 1 }]);
  });

  test("tells them apart from gaps of the log", async () => {
    await drop("ETHUSDT", SLOT, SLOT + 3 * HOUR);
    await change(
      `insert into r3a.ohlcv_gap_log (id, coin_id, "interval", from_ts, to_ts, state, reason)
       select gen_random_uuid(), id, '1h', '${iso(SLOT)}', '${iso(SLOT + HOUR)}', 'confirmed_absent', 'absent'
       from r3a.coin where symbol = 'ETHUSDT'`,
    );
    const result = await candles(`ETHUSDT 1h ${asked(SLOT - HOUR, SLOT + 5 * HOUR)}`);
    expect(notesOf(result)).toMatchObject([{ vanished: 2 }]);
    expect(result.stderr).toContain("1 of 6 candles of this span is missing: 1 gap confirmed absent");
  });

  test("a reader that leaves early hears nothing of them", async () => {
    await drop("BTCUSDT", SLOT, SLOT + 3 * HOUR);
    await change(
      `insert into r3a.ohlcv_partitioned (coin_id, "interval", "timestamp", open, high, low, close, volume)
       select coin_id, "interval", "timestamp" + n * interval '1 ms', open, high, low, close, volume
       from r3a.ohlcv_partitioned, generate_series(1, 900) n
       where "timestamp" >= '${iso(SLOT + 4 * HOUR)}' and coin_id = (select id from r3a.coin where symbol = 'BTCUSDT')`,
    );
    const { child, ended } = startRunner(`candles BTCUSDT 1h --format csv --from ${iso(SINCE)}`.split(" "), {
      DB_URL: world.database.url,
    });
    child.stdout?.once("data", () => child.stdout?.destroy());
    const { code, stderr } = await ended;
    expect([code, stderr]).toEqual([0, expect.not.stringContaining("neither stored")]);
  });
});

test("verify names them, and the command below its table fetches them", async () => {
  await drop("ETHUSDT", SLOT, SLOT + 4 * HOUR);
  const run = await world.run("verify");
  expectExit(run, 1);
  expect(run.stdout).toMatch(/ETHUSDT +1h +vanished /);
  expect(run.stdout).toMatch(/^vanished: .* neither stored nor in the gap log/m);
  await runNamed(run.stdout);
  expectExit(await world.run("verify"), 0);
});

test("a candle that the log calls missing is believed after the command that verify names", async () => {
  await change(
    `insert into r3a.ohlcv_gap_log (id, coin_id, "interval", from_ts, to_ts, state, reason)
     select gen_random_uuid(), id, '1h', '${iso(SLOT)}', '${iso(SLOT + 2 * HOUR)}', 'confirmed_absent', 'absent'
     from r3a.coin where symbol = 'ETHUSDT'`,
  );
  await runNamed((await world.run("verify")).stdout);
  expectExit(await world.run("verify"), 0);
});

test("verify's command puts the exchange's candle in the place of an impossible one", async () => {
  await change(`update r3a.ohlcv_partitioned set high = 'NaN' where "timestamp" = '${iso(SLOT)}'`);
  const { commands } = JSON.parse((await world.run("verify --json")).stdout);
  expect(commands).toHaveLength(2);
  for (const command of commands) await runNamed(command);
  expectExit(await world.run("verify"), 0);
});

test("health names the command that fetches them", async () => {
  await drop("ETHUSDT", END - 9 * HOUR, END - 7 * HOUR);
  const health = async () => {
    const run = await world.run("health --only integrity --json");
    return JSON.parse(run.stdout).checks["integrity:slots"]?.[0] ?? JSON.parse(run.stdout);
  };
  await runNamed(JSON.stringify(await health()));
  expect(JSON.stringify(await health())).not.toContain("--again");
  expectExit(await world.run("verify"), 0);
});
