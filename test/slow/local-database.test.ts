import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { afterAll, expect, test } from "vitest";
import { isRunning } from "../../dev/postgres/data.ts";
import { homeOf } from "../../dev/postgres/place.ts";
import { usePlainExchange } from "../support/exchange/plain-exchange.ts";
import { interrupt, startProgram } from "../support/program.ts";

/** What `./r3a` uses where DB_URL is not set. The tests stand in the order of a first day. */

const data = mkdtempSync(join(tmpdir(), "r3a-local-"));
const kinds = ["binance", "simulated"].map((kind) => join(data, kind));
const homes = kinds.map(homeOf);
afterAll(() => {
  for (const path of [...homes, data]) rmSync(path, { recursive: true, force: true });
});

/** It does not say that it is simulated, so it counts as the real one; each of its candles has the price 1. */
const real = usePlainExchange(["BTCUSDT"], Date.now() - 10 * 3_600_000);
const CANDLES = "candles BTCUSDT 1h --last 2 --format csv";
const SIMULATED = "SIMULATED: made-up candles of the simulated exchange, not a market's\n";
const AWAY = "http://127.0.0.1:9";

const start = (command: string, exchangeUrl = AWAY) =>
  startProgram(command.split(" "), { R3A_DATA: data, EXCHANGE_URL: exchangeUrl, SYMBOLS: "BTCUSDT" });
const run = (command: string, exchangeUrl?: string) => start(command, exchangeUrl).ended;

test("without a database a command that reads says how to get one, and asks and makes nothing", async () => {
  for (const command of [CANDLES, "gaps", "health", "verify", "doctor", "db", `${CANDLES} --simulated`]) {
    const { code, stdout, stderr } = await run(command, real.url);
    expect([command, code, stdout]).toEqual([command, 78, ""]);
    expect(stderr).toMatch(
      /DB_URL is not set, and there is no .*local database yet: npm start makes one, or r3a sync/,
    );
  }
  expect(real.requests).toEqual([]);
});

test("a first sync without a network makes a database of made-up candles, and every result says so", async () => {
  const synced = await run("sync 1h");
  expect(synced).toMatchObject({ code: 0, stdout: expect.stringMatching(/^SIMULATED: .*\ninterval/) });
  expect(synced.stderr).toContain("using the simulated exchange");
  expect(await run("gaps")).toMatchObject({ code: 0, stdout: `${SIMULATED}no gap is open\n` });
  const { stdout, stderr } = await run(CANDLES);
  expect(stdout).toMatch(/^symbol,.*,taker_quote,source\nBTCUSDT,.*,simulated\n/);
  expect(stderr).toBe(
    `local database (DB_URL is not set): made-up candles of the simulated exchange\n${SIMULATED}`,
  );
});

test("r3a db prints a URL, commands use the same server, and Ctrl-C stops it", async () => {
  const db = start("db");
  await expect.poll(() => db.printed(), { timeout: 30_000 }).toMatch(/\n$/);
  const url = db.printed().trim();
  expect(url).toMatch(/^postgresql:\/\/postgres:\w+@127\.0\.0\.1:\d+\/r3a_simulated$/);
  const client = new Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query("select count(*)::int > 100 as filled from r3a.ohlcv_partitioned");
  expect(rows).toEqual([{ filled: true }]);
  await client.end();
  expect(await run("gaps")).toMatchObject({ code: 0 });
  expect(await isRunning(kinds[1] ?? "")).toBe(true);
  // by its URL the same database marks its results too
  const named = await startProgram(["gaps"], { DB_URL: url }).ended;
  expect(named).toEqual({ code: 0, stdout: `${SIMULATED}no gap is open\n`, stderr: "" });
  expect(await run("db reset --yes")).toMatchObject({
    code: 75,
    stderr: expect.stringContaining("a program uses the server"),
  });
  interrupt(db);
  expect(await db.ended).toMatchObject({ code: 0, stderr: expect.stringContaining("Ctrl-C stops it") });
  expect(await isRunning(kinds[1] ?? "")).toBe(false);
});

test("candles of Binance get a database of their own, which is read whatever the network is like", async () => {
  expect(await run("sync 1h", real.url)).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^interval/),
  });
  const asked = real.requests.length;
  const online = await run(CANDLES, real.url);
  expect(online.stdout).toMatch(/^symbol,.*,taker_quote,source\nBTCUSDT,.*,1,1,1,1,5,.*,rest\n/);
  expect(await run(CANDLES)).toEqual(online);
  expect(real.requests).toHaveLength(asked);
  expect((await run(`${CANDLES} --simulated`)).stderr).toContain("SIMULATED");
});

test("made-up candles are not put beside real ones where Binance is away: 75, unless they are asked for", async () => {
  const { code, stdout, stderr } = await run("sync 1h");
  expect([code, stdout]).toEqual([75, ""]);
  expect(stderr).toMatch(/Binance cannot be reached .*real candles.*--simulated/);
  expect(await run("sync 1h --simulated")).toMatchObject({ code: 0 });
});

test("Ctrl-C during a local command stores what is done, ends with 143, and stops the server", async () => {
  const started = start("backfill 1m --from 2020-01-01 --simulated");
  await expect.poll(() => isRunning(kinds[1] ?? ""), { timeout: 30_000 }).toBe(true);
  await sleep(3_000);
  interrupt(started);
  const { code, stderr } = await started.ended;
  expect([code, stderr]).toEqual([
    143,
    expect.stringContaining("stopped by SIGINT; what was done is stored"),
  ]);
  expect(await isRunning(kinds[1] ?? "")).toBe(false);
});

test("r3a db reset asks first, and deletes what it names", async () => {
  expect(await run("db reset")).toMatchObject({
    code: 64,
    stderr: expect.stringContaining("--yes is missing"),
  });
  expect(await run("db reset --simulated --yes")).toMatchObject({ code: 0 });
  expect(await run(CANDLES)).toMatchObject({ code: 0 });
  const { code, stderr } = await run("db reset --yes");
  expect([code, stderr]).toEqual([0, expect.stringContaining("deleted")]);
  expect(await run(CANDLES)).toMatchObject({ code: 78 });
  expect(await run("db reset")).toMatchObject({
    code: 0,
    stderr: expect.stringContaining("nothing to delete"),
  });
});
