import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
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
/** Without EXCHANGE_URL, and with a proxy that nobody runs in front of Binance. */
const OFFLINE = { R3A_DATA: data, SYMBOLS: "BTCUSDT", NODE_USE_ENV_PROXY: "1", HTTPS_PROXY: AWAY };
const runOffline = (command: string) => startProgram(command.split(" "), OFFLINE).ended;

test("without a database a command that reads says how to get one, and asks and makes nothing", async () => {
  for (const command of [CANDLES, "gaps", "health", "verify", "doctor", "db", `${CANDLES} --simulated`]) {
    const { code, stdout, stderr } = await run(command, real.url);
    expect([command, code, stdout]).toEqual([command, 78, ""]);
    expect(stderr).toMatch(
      /DB_URL is not set, and there is no .*local database yet: npm start makes one, or .\/r3a sync/,
    );
  }
  expect(real.requests).toEqual([]);
});

test("without a database the commands for a lost one look at the tiers, and make none", async () => {
  const hot = join(data, "hot");
  mkdirSync(hot);
  const lost = (command: string) =>
    startProgram(command.split(" "), { R3A_DATA: data, BACKUP_HOT: `file://${hot}` }).ended;
  expect(await lost("backup check")).toMatchObject({ code: 0 });
  expect(await lost("backups")).toMatchObject({ stdout: expect.stringContaining("DB_URL is not set") });
  const restored = await lost("restore --all --to postgresql://a:b@127.0.0.1:9/r3a --dry-run");
  expect([restored.code, restored.stderr]).toEqual([75, expect.stringContaining("cannot be reached")]);
  expect(existsSync(kinds[0] ?? "") || existsSync(kinds[1] ?? "")).toBe(false);
  rmSync(hot, { recursive: true });
});

test("a wrong word is a fault of usage before a network, a server or a database is asked for", async () => {
  for (const command of [
    "sync 5m",
    "backfill 1h",
    "plan 1h --to 2020-01-01",
    "gaps --all",
    "candles BTCUSDT 5m",
  ]) {
    const { code, stdout, stderr } = await run(command, real.url);
    expect([command, code, stdout]).toEqual([command, 64, ""]);
    expect(stderr).toMatch(/^arguments are wrong:\n[\s\S]*\nsee \.\/r3a [a-z]+ --help\n$/);
  }
  expect(real.requests).toEqual([]);
  expect(existsSync(kinds[0] ?? "") || existsSync(kinds[1] ?? "")).toBe(false);
});

test("a first command that fetches makes up no candles by itself where the exchange is away: 75", async () => {
  for (const command of ["sync 1h", "backfill 1h --from 2026-01-01", "plan 1h", "gaps --repair", "migrate"]) {
    for (const [name, ended] of [
      ["127.0.0.1:9, which EXCHANGE_URL names,", run(command)],
      ["Binance", runOffline(command)],
    ] as const) {
      const { code, stdout, stderr } = await ended;
      expect([command, code, stdout]).toEqual([command, 75, ""]);
      expect(stderr).toContain(`${name} cannot be reached`);
      expect(stderr).toContain(`./r3a ${command} --simulated`);
    }
  }
  expect(existsSync(kinds[1] ?? "")).toBe(false);
});

test("npm start replaces no exchange that EXCHANGE_URL names", async () => {
  const environment = { R3A_DATA: data, EXCHANGE_URL: AWAY };
  const { code, stdout, stderr } = await startProgram(["dev/start.ts"], environment, process.execPath).ended;
  expect([code, stdout]).toEqual([75, ""]);
  expect(stderr).toMatch(
    /^127\.0\.0\.1:9, which EXCHANGE_URL names, cannot be reached .*without EXCHANGE_URL/,
  );
});

test("a sync of the simulated exchange makes a database of made-up candles, and every result says so", async () => {
  const synced = await run("sync 1h --simulated");
  expect(synced).toMatchObject({ code: 0, stdout: expect.stringMatching(/^SIMULATED: .*\ninterval/) });
  // where it is the only database, a command goes on with it; an exchange that a person names is still not replaced
  expect(await runOffline("sync 1h")).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^SIMULATED: .*\ninterval/),
    stderr: expect.stringMatching(/^Binance cannot be reached .*: going on with the simulated database\n/),
  });
  expect(await run("sync 1h")).toMatchObject({ code: 75 });
  expect(await run("gaps")).toEqual({
    code: 0,
    stdout: `${SIMULATED}no gap is open\n`,
    stderr: "local database (DB_URL is not set)\n",
  });
  const { stdout, stderr } = await run(CANDLES);
  expect(stdout).toMatch(/^symbol,.*,taker_quote,source\nBTCUSDT,.*,simulated\n/);
  expect(stderr).toBe(`local database (DB_URL is not set): ${SIMULATED}`);
  expect((await run("series --json")).stderr).toBe(stderr);
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
  const beside = startProgram(["db"], { R3A_DATA: data, DB_URL: "postgresql://u@127.0.0.1:1/d" });
  await expect.poll(() => beside.printed(), { timeout: 30_000 }).toMatch(/\n$/);
  interrupt(beside);
  expect((await beside.ended).stderr).toContain(
    "DB_URL names another database: without DB_URL ./r3a uses this server while it is up",
  );
  interrupt(db);
  expect(await db.ended).toMatchObject({ code: 0, stderr: expect.stringContaining("Ctrl-C stops it") });
  expect(await isRunning(kinds[1] ?? "")).toBe(false);
});

test("r3a db has the same URL at each start, and the port that a person names", async () => {
  const urlOf = async (command: string) => {
    const db = start(command);
    await expect.poll(() => db.printed(), { timeout: 30_000 }).toMatch(/\n$/);
    const url = db.printed().trim();
    const other = await run(command === "db" ? "db --port 1" : "gaps");
    interrupt(db);
    expect(await db.ended).toMatchObject({ code: 0, stderr: expect.stringContaining(`in ${homes[1]}`) });
    return [url, other] as const;
  };
  const [first, refused] = await urlOf("db");
  expect(refused).toMatchObject({
    code: 75,
    stdout: "",
    stderr: expect.stringContaining(`runs on port ${new URL(first).port} already`),
  });
  expect((await urlOf("db"))[0]).toBe(first);
  const free = createServer().listen(0, "127.0.0.1");
  await once(free, "listening");
  const { port } = free.address() as AddressInfo;
  expect(await run(`db --port ${port}`)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(`port ${port} is taken`),
  });
  expect(await run("db --port x")).toMatchObject({ code: 64 });
  free.close();
  await once(free, "close");
  const [named] = await urlOf(`db --port ${port}`);
  expect(new URL(named).port).toBe(String(port));
  expect((await urlOf("db"))[0]).toBe(named);
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
  expect(stderr).toMatch(/EXCHANGE_URL names, cannot be reached .*\.\/r3a sync 1h --simulated/);
  expect(await runOffline("sync 1h")).toMatchObject({ code: 75, stdout: "" });
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
