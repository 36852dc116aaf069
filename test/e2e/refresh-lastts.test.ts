import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, expect, test } from "vitest";
import { openDatabase } from "../../runner/src/db/connect.ts";
import { ensureLeaf } from "../../runner/src/db/leaves.ts";
import { storePages } from "../../runner/src/db/store.ts";
import { leafAt } from "../../runner/src/partition/layout.ts";
import { addTestCoins, makeCandles, makePage } from "../support/candle/candle-rows.ts";
import { expectExit, iso, MINUTE } from "../support/candle/series.ts";
import { useDatabase } from "../support/database/database.ts";
import { withSession } from "../support/database/empty-database.ts";
import { lastRun } from "../support/last-run.ts";
import { runRunner, startRunner } from "../support/runner.ts";

const database = useDatabase();
const newest = Math.floor(Date.now() / MINUTE) * MINUTE - 10 * MINUTE;
const old = Date.UTC(2023, 4, 1);
const env = () => ({ DB_URL: database.url, LOG_LEVEL: "info" });
const run = (args: string, more: Readonly<Record<string, string>> = {}) =>
  runRunner(["refresh-lastts", ...args.split(" ").filter((word) => word !== "")], { ...env(), ...more });

const TABLE = `select c.symbol, l."interval", l.last_ts from r3a_util.last_ts_by_coin_interval l
  join r3a.coin c on c.id = l.coin_id order by 1`;
const spoil = async () => {
  await database.query(`
    truncate r3a_util.last_ts_by_coin_interval;
    insert into r3a_util.last_ts_by_coin_interval select id, '1m', now() + interval '1 day' from r3a.coin where symbol in ('AUSDT', 'EMPTY');
    insert into r3a_util.last_ts_by_coin_interval select id, '1m', '2020-01-01' from r3a.coin where symbol = 'STOPPED'`);
};
/** What `spoil` makes wrong, and right. */
const CHANGES = [
  { symbol: "AUSDT", kind: "lowered", to: iso(newest).replace(".000", "") },
  { symbol: "BUSDT", kind: "added", to: iso(newest).replace(".000", "") },
  { symbol: "EMPTY", kind: "removed", to: null },
  { symbol: "STOPPED", kind: "raised", to: iso(old).replace(".000", "") },
];
const RIGHT = ["AUSDT", "BUSDT", "STOPPED"].map((symbol) => ({
  symbol,
  interval: "1m",
  last_ts: new Date(symbol === "STOPPED" ? old : newest),
}));
const bySymbol = (stdout: string) => {
  const { changes } = JSON.parse(stdout) as { changes: { symbol: string }[] };
  return changes.toSorted((a, b) => (a.symbol < b.symbol ? -1 : 1));
};

beforeAll(async () => {
  const [a, b, , stopped] = await addTestCoins(database, ["AUSDT", "BUSDT", "EMPTY", "STOPPED"]);
  const db = openDatabase(database.url, "test");
  for (const ms of [newest, old]) await ensureLeaf(db, leafAt("1m", ms));
  const store = (coinId = 0, ms = 0) =>
    storePages(db, [makePage(coinId, makeCandles("1m", ms, 1))], { runId: null });
  await store(a, newest);
  await store(b, newest);
  await store(stopped, old);
  await db.pool.end();
});

test("--dry-run says what would change and changes nothing; the run changes just that, the next one nothing", async () => {
  await spoil();
  const before = await database.query(TABLE);
  const preview = await run("--dry-run --json");
  expectExit(preview, 0);
  expect(bySymbol(preview.stdout)).toMatchObject(CHANGES);
  expect(await database.query(TABLE)).toEqual(before);
  expect(await lastRun(database)).toBeUndefined();

  const done = await run("--json");
  expectExit(done, 0);
  expect(bySymbol(done.stdout)).toEqual(bySymbol(preview.stdout));
  expect(done.stderr).toContain("[MAINT] 4 of 4 last timestamps did not match");
  expect(await database.query(TABLE)).toEqual(RIGHT);
  expect(await lastRun(database)).toMatchObject({
    command: "refresh-lastts",
    outcome: "success",
    exit_code: 0,
  });
  expect((await run("")).stdout).toBe("3 last timestamps match the stored candles\n");
});

test("a person sees the changes as a table", async () => {
  await spoil();
  const { stdout } = await runRunner(["refresh-lastts", "--lookback", "1 day"], env());
  expect(stdout).toMatch(/STOPPED +1m +raised +2020-01-01T00:00:00Z +2023-05-01T00:00:00Z/);
  expect(stdout).toContain("4 of 4 corrected");
});

test.for([
  ["infinity", "infinity"],
  ["-infinity", "-infinity"],
  ["290000-07-01", "year 290000"],
  ["0044-03-15 BC", "-000043-03-15T00:00:00Z"],
] as const)("a value of %s is shown as text, corrected, and the run succeeds", async ([value, shown]) => {
  await database.query("truncate r3a_util.last_ts_by_coin_interval");
  expectExit(await run(""), 0);
  await database.query(
    `update r3a_util.last_ts_by_coin_interval set last_ts = $1::timestamptz from r3a.coin c
     where c.id = coin_id and symbol = 'AUSDT'`,
    [value],
  );
  const kind = /^(-inf|0)/.test(value) ? "raised" : "lowered";
  const change = { symbol: "AUSDT", kind, from: shown, to: iso(newest).replace(".000", "") };
  const preview = await run("--dry-run --json");
  expectExit(preview, 0);
  expect(bySymbol(preview.stdout)).toMatchObject([change]);
  expect((await run("--dry-run")).stdout).toContain(` ${shown} `);
  const done = await run("--json");
  expectExit(done, 0);
  expect(bySymbol(done.stdout)).toMatchObject([change]);
  expect(await lastRun(database)).toMatchObject({ outcome: "success" });
  expect(await database.query(TABLE)).toEqual(RIGHT);
});

test("a psql session with the lock keeps the run out, which ends with 0; and the lock of a run keeps psql out", async () => {
  await spoil();
  const before = await database.query(TABLE);
  await withSession(database.url, async (psql) => {
    await psql.query("select r3a_util.acquire_lock('refresh-lastts', 'global')");
    const kept = await run("");
    expectExit(kept, 0);
    expect(kept.stdout).toContain(
      "another holder is at work on refresh-lastts: a session without a name (pid ",
    );
    expect(await database.query(TABLE)).toEqual(before);
  });
  await withSession(database.url, async (ddl) => {
    await ddl.query("begin");
    await ddl.query(`lock table r3a.${leafAt("1m", old).name} in access exclusive mode`);
    const runner = startRunner(["refresh-lastts"], env());
    const holder =
      "select from r3a_util.lock_holder where scope = 'refresh-lastts' and application_name like 'r3a refresh-lastts%'";
    while (runner.child.exitCode === null && (await database.query(holder)).length === 0) await sleep(10);
    const ask = "select r3a_util.acquire_lock('refresh-lastts', 'global') as held";
    expect(await database.query(ask)).toEqual([{ held: false }]);
    await ddl.query("commit");
    expectExit(await runner.ended, 0);
  });
  expect(await database.query(TABLE)).toEqual(RIGHT);
});

test("a leaf that somebody holds ends the run with 75 after the lock timeout, and SIGTERM ends it before with 143", async () => {
  await withSession(database.url, async (ddl) => {
    await ddl.query("begin");
    await ddl.query(`lock table r3a.${leafAt("1m", old).name} in access exclusive mode`);
    const refused = await run("");
    expectExit(refused, 75);
    expect(refused.stderr).toContain("lock timeout");
    const runner = startRunner(["refresh-lastts"], env());
    const waits =
      "select from pg_stat_activity where application_name like 'r3a refresh-lastts%' and wait_event_type = 'Lock'";
    while (runner.child.exitCode === null && (await database.query(waits)).length === 0) await sleep(10);
    runner.child.kill("SIGTERM");
    expectExit(await runner.ended, 143);
    expect(await lastRun(database)).toMatchObject({ outcome: "aborted", exit_code: 143 });
  });
});

test("every fault of arguments and settings is listed", async () => {
  const wrong = await run("--lookback soon --deadline 0", { REFRESH_LOOKBACK: "long", DB_URL: "" });
  expectExit(wrong, 64);
  for (const name of ["--lookback", "--deadline", "REFRESH_LOOKBACK", "DB_URL"])
    expect(wrong.stderr).toContain(name);
});
