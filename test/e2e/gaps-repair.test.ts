import { afterEach, expect, test } from "vitest";
import { expectExit, HOUR, iso } from "../support/candle/series.ts";
import { withSession } from "../support/database/empty-database.ts";
import { useWorld } from "../support/world.ts";

/** What `gaps` and `gaps --repair` say of each gap. */
const END = Date.parse("2024-05-10T12:00:00Z");
const world = useWorld({ clock: { fixedMs: END + 30_000 } });
const env = { FALLBACK_START: iso(END - 50 * HOUR), LOG_LEVEL: "warn" };
const at = (hour: number) => END - 50 * HOUR + hour * HOUR;
const time = (ms: number) => iso(ms).replace(".000Z", "Z");
const short = (ms: number) => time(ms).replace(/:00Z$/, "Z");
const drop = (symbol: string, ...hours: readonly number[]) =>
  world.exchange.addFault({ kind: "drop-rows", symbol, slots: hours.map(at) });
const setClock = (hours: number) => world.exchange.set({ clock: { fixedMs: END + 30_000 + hours * HOUR } });
const countCandles = async () => (await world.database.query("select from r3a.ohlcv_partitioned")).length;
const repair = (args = "") => world.run(`gaps --repair${args}`, env);
/** Sentences of a terminal's width as one line each. */
const unfold = (text: string) => {
  for (const line of text.split("\n")) expect(line.length, line).toBeLessThanOrEqual(80);
  return text.replaceAll(/\n {2}(?!to fill it)/g, " ");
};

afterEach(async () => {
  setClock(0);
  world.exchange.clearFaults();
  await world.database.query(
    "truncate r3a.coin, r3a.universe_member, r3a.series, r3a.ohlcv_gap_log, r3a.ohlcv_partitioned, r3a_util.last_ts_by_coin_interval cascade",
  );
});

test("a repair says why nothing is due and until when, and what became of each gap", async () => {
  expect((await repair()).stdout).toBe("no series is stored yet\n");
  expect((await world.run("gaps")).stdout).toBe("no series is stored yet\n");
  drop("BTCUSDT", 3, 10, 11, 12);
  drop("ETHUSDT", 5);
  expectExit(await world.run("sync 1h --symbols BTCUSDT,ETHUSDT", env), 0);
  const due = time(END + 30_000 + HOUR);
  for (const args of ["", " --dry-run"]) {
    const idle = await repair(args);
    expectExit(idle, 0);
    expect(idle.stdout).toMatch(
      new RegExp(`^3 gaps are open, none is due before ${due.slice(0, 17)}\\S+; --all asks now\n$`),
    );
  }
  expect(unfold((await world.run("gaps --symbols ETHUSDT")).stdout)).toMatch(
    /^ETHUSDT 1h 2024-05-08T15:00Z \.\. 2024-05-08T16:00Z, 1 candle: absent in 1 answer, next check at \S+\n$/,
  );

  world.exchange.clearFaults();
  drop("BTCUSDT", 3, 11);
  setClock(2);
  const planned = await repair(" --dry-run");
  expect(planned.stdout).toContain(
    `BTCUSDT 1h ${short(at(10))} .. ${short(at(13))}, 3 candles: would be asked for\n`,
  );
  expect(planned.stdout).toMatch(
    /\n3 gaps would be asked for\n5 candles at most|\n3 gaps would be asked for\n/,
  );
  const run = await repair();
  expectExit(run, 0);
  expect(unfold(run.stdout).trimEnd().split("\n")).toEqual([
    expect.stringMatching(
      new RegExp(
        `^BTCUSDT 1h ${short(at(3))} \\.\\. \\S+, 1 candle: absent again, confirmed, next check at \\S+$`,
      ),
    ),
    expect.stringMatching(
      /^BTCUSDT 1h \S+ \.\. \S+, 3 candles: partly filled \(2 of 3\), next check at \S+$/,
    ),
    expect.stringMatching(/^ETHUSDT 1h \S+ \.\. \S+, 1 candle: filled$/),
    "3 gaps to ask for: 1 filled, 1 partly filled, 1 still missing",
    expect.stringMatching(/^no gap is open, the next check is due at \S+$/),
  ]);
  expect((await repair()).stdout).toMatch(
    /^no gap is open\nexplained gaps are asked for again from \S+ on; --all asks now\n$/,
  );
});

test("a repair tells a series that is busy from one that failed, in JSON too", async () => {
  drop("BTCUSDT", 3);
  drop("ETHUSDT", 5);
  expectExit(await world.run("sync 1h --symbols BTCUSDT,ETHUSDT", env), 0);
  world.exchange.clearFaults();
  world.exchange.addFault({ kind: "500", path: "/api/v3/klines", symbol: "ETHUSDT" });
  await withSession(world.database.url, async (psql) => {
    await psql.query("select r3a_util.acquire_lock('series', 'BTCUSDT:1h')");
    const run = await repair(" --all --json");
    expect([run.code, JSON.parse(run.stdout)]).toEqual([
      75,
      expect.objectContaining({
        version: 1,
        command: "gaps",
        asked: 2,
        results: { filled: 0, partly: 0, missing: 0, failed: 1, busy: 1, notAsked: 0 },
        open: 2,
        notRequested: 0,
        inBackup: 0,
        gaps: [
          expect.objectContaining({ symbol: "BTCUSDT", candles: 1, missing: 1, result: "busy" }),
          expect.objectContaining({
            symbol: "ETHUSDT",
            result: "failed",
            error: expect.stringContaining("500"),
          }),
        ],
      }),
    ]);
  });
});

test("a selection of which nothing is stored is not called whole, and a name that is not stored is 64", async () => {
  expect((await world.run("verify")).stdout).toBe("no series is stored yet\n");
  expectExit(await world.run("sync 1h --symbols BTCUSDT", env), 0);
  for (const command of ["gaps", "gaps --repair", "gaps --repair --dry-run", "verify"]) {
    for (const [name, said] of [
      ["BTCUSD", "nothing is stored of BTCUSD; did you mean BTCUSDT?"],
      ["FOOBARUSDT", "nothing is stored of FOOBARUSDT; sync or backfill it first"],
    ] as const) {
      const unknown = await world.run(`${command} --symbols BTCUSDT,${name}`, env);
      expect([command, unknown.code, unknown.stdout]).toEqual([command, 64, ""]);
      expect(unknown.stderr).toContain(said);
    }
    const none = await world.run(`${command} --intervals 4h`, env);
    expect([command, none.code, none.stdout]).toEqual([command, 0, "nothing is stored of this selection\n"]);
  }
  for (const command of ["gaps --to 2020-01-01", "verify --to 2020-01-01", "series --intervals 4h"])
    expect(await world.run(command)).toMatchObject({
      code: 0,
      stdout: "nothing is stored of this selection\n",
    });
  expect((await world.run("gaps --state repaired,confirmed_absent")).stdout).toBe(
    "no gap is in the state confirmed_absent or repaired\n",
  );
});

test("a gap that nobody asked for is nowhere open, and each place names what fills it", async () => {
  const far = `--from ${iso(END - 400 * HOUR)} --to ${iso(END - 300 * HOUR)}`;
  expectExit(await world.run(`backfill 1h --symbols BTCUSDT ${far}`, env), 0);
  const apart = `--from ${iso(END - 9 * HOUR)} --to ${iso(END)}`;
  const summary = await world.run(`backfill 1h --symbols BTCUSDT ${apart}`, env);
  expect(summary.stdout).toContain(
    "no gap is open\n1 gap was never asked for: r3a gaps --state not_requested",
  );
  expect((await world.run("gaps")).stdout).toBe(
    "no gap is open\n1 gap was never asked for: r3a gaps --state not_requested\n",
  );
  expect((await repair()).stdout).toMatch(/^no gap is open\n1 gap was never asked for: r3a gaps --state/);
  expect((await world.run("verify")).stdout).toContain("1 gap was never asked for");
  const health = await world.run("health --only integrity", { ...env, SYMBOLS: "BTCUSDT" });
  expect(health.stdout).toMatch(/pass +integrity gaps +no gap is open; 1 gap was never asked for/);
  const prom = await world.run("health --only integrity --format prom", { ...env, SYMBOLS: "BTCUSDT" });
  expect(prom.stdout).toContain('ohlcv_gaps{state="open"} 0\nohlcv_gaps{state="not_requested"} 1\n');

  const stored = await countCandles();
  expect((await repair(" --all --dry-run")).stdout).not.toContain("would be asked for");
  expect((await repair(" --all --json")).stdout).toContain('"asked":0');
  expect(await countCandles()).toBe(stored);

  const listed = await world.run("gaps --state not_requested");
  const [, command = ""] = /\n {2}to fill it: (.*)\n$/.exec(listed.stdout) ?? [];
  expect(command).toBe(`r3a backfill 1h --symbols BTCUSDT --from 2024-04-28 --to ${short(END - 9 * HOUR)}`);
  expectExit(await world.run(command.replace("r3a ", ""), env), 0);
  expect((await world.run("gaps")).stdout).toBe("no gap is open\n");
  expect((await world.run("gaps --state not_requested")).stdout).toBe("every gap was asked for\n");
});

test.each(["gaps --repair --all", "gaps --repair", "sync 1h --symbols BTCUSDT"])(
  "%s stores nothing of what nobody asked for between two gaps of one request",
  async (command) => {
    world.exchange.addFault({
      kind: "drop-rows",
      symbol: "BTCUSDT",
      slots: [END - 301 * HOUR, END - 9 * HOUR],
    });
    for (const [from, to] of [
      [400, 300],
      [9, 0],
    ] as const) {
      const span = `--from ${iso(END - from * HOUR)} --to ${iso(END - to * HOUR)}`;
      expectExit(await world.run(`backfill 1h --symbols BTCUSDT ${span}`, env), 0);
    }
    const readLog = async () =>
      (await world.run("gaps --state open,not_requested,confirmed_absent,repaired --json")).stdout
        .split("\n")
        .filter((line) => line.startsWith('{"id"'))
        .map((line) => JSON.parse(line.replace(/,$/, "")))
        .map(({ state, from, candles }) => [state, from, candles]);
    const unasked = ["not_requested", time(END - 300 * HOUR), 291];
    expect(await readLog()).toEqual([
      ["open", time(END - 301 * HOUR), 1],
      unasked,
      ["open", time(END - 9 * HOUR), 1],
    ]);
    world.exchange.clearFaults();
    setClock(command.startsWith("sync") ? 0 : 2);
    // a sync takes a few gaps along, those without any answer
    if (command.startsWith("sync"))
      await world.database.query(
        "update r3a.ohlcv_gap_log set reason = 'failed', next_check_at = $1 where state = 'open'",
        [new Date(END)],
      );
    const stored = await countCandles();
    if (command.startsWith("gaps"))
      expect((await world.run(`${command} --dry-run`, env)).stdout).toContain(
        "\n2 candles at most, 2 requests",
      );
    expectExit(await world.run(command, env), 0);
    expect(await countCandles()).toBe(stored + 2);
    expect(await readLog()).toEqual([
      ["repaired", time(END - 301 * HOUR), 1],
      unasked,
      ["repaired", time(END - 9 * HOUR), 1],
    ]);
  },
);
