import { afterEach, describe, expect, test } from "vitest";
import { expectExit, expectWhole, gapsOf, HOUR, iso, MINUTE } from "../support/candle/series.ts";
import { usePlainExchange } from "../support/exchange/plain-exchange.ts";
import { useWorld } from "../support/world.ts";

const END = Date.parse("2024-05-10T12:00:00Z");
const SINCE = END - 2500 * MINUTE;
const world = useWorld({ clock: { fixedMs: END + 30_000 } });
const env = (more: Readonly<Record<string, string>> = {}) => ({ FALLBACK_START: iso(SINCE), ...more });
/** As results have a time: without the milliseconds. */
const seconds = (ms: number) => iso(ms).replace(".000Z", "Z");
const count = async (sql: string) =>
  (await world.database.query<{ n: number }>(`select count(*)::int as n from ${sql}`))[0]?.n;

afterEach(() => {
  world.exchange.set({ clock: { fixedMs: END + 30_000 } });
  world.exchange.clearFaults();
  world.exchange.resetWeight();
});

/** Every row version of every table but the request budget, which a plan uses too. */
async function takeFingerprint(): Promise<Readonly<Record<string, string>>> {
  const tables = await world.database.query<{ name: string }>(
    `select c.oid::regclass::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname in ('r3a', 'r3a_util') and c.relkind = 'r' and c.oid <> 'r3a.api_budget'::regclass order by 1`,
  );
  const rows = tables.map(async ({ name }) => {
    const sum = `select coalesce(md5(string_agg(xmin::text || ctid::text, ',' order by ctid)), '') || ' ' || count(*) as sum`;
    const [row] = await world.database.query<{ sum: string }>(`${sum} from ${name}`);
    return [name, row?.sum ?? ""] as const;
  });
  return Object.fromEntries(await Promise.all(rows));
}

describe("plan", () => {
  const plan = async (args: string, more = {}) => {
    const run = await world.run(`plan ${args} --json`, env(more));
    expectExit(run, 0);
    return JSON.parse(run.stdout);
  };

  test("says windows, requests, weight and minutes of a first sync", async () => {
    const series = { from: seconds(SINCE), to: seconds(END), candles: 2500, requests: 3, fault: null };
    expect(await plan("1m --symbols BTCUSDT,ETHUSDT")).toEqual({
      version: 1,
      command: "plan",
      interval: "1m",
      series: [
        { symbol: "BTCUSDT", ...series },
        { symbol: "ETHUSDT", ...series },
      ],
      candles: 5000,
      requests: 6,
      weight: 12,
      minutes: 12 / (0.8 * 6000),
    });
  });

  test("says what a backfill asks for, within the background's share of the weight", async () => {
    const from = END - 1001 * HOUR;
    expect(await plan(`1h --symbols BTCUSDT --from ${iso(from)} --to ${iso(END)}`)).toMatchObject({
      series: [{ symbol: "BTCUSDT", from: seconds(from), to: seconds(END), candles: 1001, requests: 2 }],
      weight: 4,
      minutes: 0.001111,
    });
  });

  test("says the overlap and what is new of a series that is stored, and the table for people too", async () => {
    expectExit(await world.run("sync 1m --symbols BNBUSDT", env()), 0);
    world.exchange.set({ clock: { fixedMs: END + 10 * MINUTE + 30_000 } });
    const from = END - 5 * MINUTE;
    expect(await plan("1m --symbols BNBUSDT")).toMatchObject({
      series: [{ from: seconds(from), to: seconds(END + 10 * MINUTE), candles: 15, requests: 1 }],
    });
    const forPeople = await world.run("plan 1m --symbols BNBUSDT", env());
    expect(forPeople.stdout).toContain("15 candles at most, 1 request, weight 2");
  });
});

test("a dry run of any command changes nothing", async () => {
  world.exchange.addFault({ kind: "drop-rows", symbol: "SOLUSDT", slots: [SINCE + HOUR] });
  expectExit(await world.run("sync 1m --symbols SOLUSDT", env()), 0);
  world.exchange.set({ clock: { fixedMs: END + 3 * HOUR } });
  const before = await takeFingerprint();
  const commands = [
    "sync 1m --symbols SOLUSDT,XRPUSDT --dry-run",
    "sync 1h --dry-run",
    "sync 1h --top 3 --dry-run",
    "plan 1m --symbols SOLUSDT,DOGEUSDT",
    "plan 4h --top 2 --from 2024-01-01",
    "backfill 1d --symbols SOLUSDT --from 2024-01-01 --dry-run",
    "gaps --repair --dry-run",
    "gaps --repair --all --dry-run --json",
    "migrate --dry-run",
    "gaps",
    "candles SOLUSDT 1m",
    "wait-db",
  ];
  for (const command of commands) expectExit(await world.run(command, env()), 0);
  expect(await takeFingerprint()).toEqual(before);
  const repair = await world.run("gaps --repair --dry-run --json", env());
  expect(JSON.parse(repair.stdout)).toMatchObject({
    version: 1,
    dryRun: true,
    asked: 1,
    gaps: [{ symbol: "SOLUSDT", interval: "1m", candles: 1 }],
    intervals: [{ interval: "1m", candles: 1, requests: 1 }],
  });
  expect((await world.run("gaps --repair --dry-run", env())).stdout).toMatch(
    /^SOLUSDT 1m \S+ \.\. \S+, 1 candle: would be asked for\n1 gap would be asked for\n1 candle at most, 1 request, weight 2: /,
  );
});

describe("gaps", () => {
  test("lists by state, symbol and span, for people and as JSON", async () => {
    const slots = [SINCE + 2 * HOUR, SINCE + 5 * HOUR];
    world.exchange.addFault({ kind: "drop-rows", symbol: "ADAUSDT", slots });
    expectExit(await world.run("sync 1m --symbols ADAUSDT", env()), 0);
    const list = async (args: string) =>
      JSON.parse((await world.run(`gaps --symbols ada/usdt --json${args}`)).stdout).gaps;
    const all = await list("");
    expect(all).toMatchObject([
      { symbol: "ADAUSDT", interval: "1m", candles: 1, state: "open", reason: "absent", attempts: 1 },
      { symbol: "ADAUSDT", from: iso(SINCE + 5 * HOUR).replace(".000Z", "Z") },
    ]);
    expect(await list(` --from ${iso(SINCE + 3 * HOUR)}`)).toEqual([all[1]]);
    expect(await list(` --to ${iso(SINCE + 3 * HOUR)}`)).toEqual([all[0]]);
    expect(await list(" --state confirmed_absent,repaired")).toEqual([]);
    expect(await list(" --intervals 1h")).toEqual([]);
    const forPeople = await world.run("gaps --symbols ADAUSDT");
    expect(forPeople.stdout).toContain("absent in 1 answer");

    world.exchange.clearFaults();
    expectExit(await world.run("gaps --repair --all --symbols ADAUSDT", env()), 0);
    expect(await gapsOf(world, "ADAUSDT", "1m")).toEqual([]);
    expect(await list(" --state repaired")).toHaveLength(2);
    await expectWhole(world, "ADAUSDT", "1m", SINCE);
    expect((await world.run("gaps --symbols ADAUSDT")).stdout).toBe("no gap is open in this selection\n");
  });
});

describe("candles", () => {
  test("prints the newest, a span, and nothing else on stdout", async () => {
    expectExit(await world.run("sync 1h --symbols TRXUSDT", env()), 0);
    const opens = async (args: string) => {
      const run = await world.run(`candles trx/usdt 1h --format ndjson${args}`);
      expectExit(run, 0);
      return run.stdout
        .trimEnd()
        .split("\n")
        .map((line) => Date.parse(JSON.parse(line).timestamp));
    };
    expect(await opens(" --last 2")).toEqual([END - 2 * HOUR, END - HOUR]);
    expect(await opens("")).toHaveLength(20);
    const span = ` --from ${iso(END - 5 * HOUR)} --to ${iso(END - 2 * HOUR)}`;
    expect(await opens(span)).toEqual([END - 5 * HOUR, END - 4 * HOUR, END - 3 * HOUR]);
    expect(await opens(`${span} --last 1`)).toEqual([END - 3 * HOUR]);
    const csv = (await world.run("candles TRXUSDT 1h --last 1 --format csv")).stdout.split("\n");
    expect(csv).toHaveLength(3);
    const table = await world.run("candles TRXUSDT 1h --last 1");
    const [, cells = ""] = table.stdout.split("\n");
    const truth = world.truth("TRXUSDT", "1h", END - HOUR, END)[0]?.slice(1, 6);
    expect(cells.split(/ +/).slice(1).map(Number)).toEqual(truth?.map(Number));
    expectExit(await world.run("candles NOPEUSDT 1h"), 64);
  });
});

test("migrate changes nothing a second time, and wait-db says whether the database is ready", async () => {
  const before = await takeFingerprint();
  const run = await world.run("migrate --json");
  expectExit(run, 0);
  expect(JSON.parse(run.stdout)).toEqual({ version: 1, command: "migrate", applied: [], statements: [] });
  expect((await world.run("migrate")).stdout).toBe("the schema is up to date\n");
  expect(await takeFingerprint()).toEqual(before);
  expectExit(await world.run("wait-db"), 0);
  const nowhere = "postgresql://nobody@127.0.0.1:1/nothing";
  expectExit(await world.run("wait-db --timeout 1", { DB_URL: nowhere }), 75);
  expectExit(await world.run("sync 1m --deadline 9", { DB_URL: nowhere }), 75);
});

describe("a database of another exchange", () => {
  const candles = "r3a.ohlcv_partitioned";
  const real = usePlainExchange(["LINKUSDT"], SINCE);

  test("is refused with 78, whichever of the two is the real one, and nothing is written", async () => {
    expectExit(await world.run("sync 1h --symbols AVAXUSDT", env()), 0);
    expect(await world.database.query("select exchange from r3a.origin")).toEqual([
      { exchange: "simulated" },
    ]);
    const before = [await count(candles), await count("r3a.coin"), await count("r3a.series")];
    const commands = [
      "sync 1h --symbols LINKUSDT",
      "backfill 1h --symbols LINKUSDT --from 2024-05-01",
      "gaps --repair",
    ];
    for (const command of commands) {
      const run = await world.run(command, env({ EXCHANGE_URL: real.url }));
      expectExit(run, 78);
      expect(run.stderr).toContain(
        "EXCHANGE_URL answers as binance, but DB_URL is a database filled from simulated",
      );
    }
    await world.database.query("update r3a.origin set exchange = 'binance'");
    for (const command of [...commands, "plan 1h --symbols LINKUSDT"])
      expectExit(await world.run(command, env()), 78);
    await world.database.query("update r3a.origin set exchange = 'simulated'");
    expect([await count(candles), await count("r3a.coin"), await count("r3a.series")]).toEqual(before);
  });
});
