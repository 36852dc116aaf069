import { chmod, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeSeries } from "../support/candle/made-series.ts";
import { DAY, expectExit, MINUTE } from "../support/candle/series.ts";
import { useDatabase } from "../support/database/database.ts";
import { withSession } from "../support/database/empty-database.ts";
import { type RunResult, runRunner, startRunner } from "../support/runner.ts";

const database = useDatabase();
const env = (more: Readonly<Record<string, string>> = {}) => ({ DB_URL: database.url, ...more });
const run = (args: string) => runRunner(args.split(" "), env());
const linesOf = ({ stdout }: RunResult) => (stdout === "" ? [] : stdout.trimEnd().split("\n"));
const JAN = Date.UTC(2026, 0, 1);
const MINUTES = 60_000;
let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "r3a-candles-"));
  await makeSeries(database.url, [
    { symbol: "BTCUSDT", interval: "1m", from: JAN, to: JAN + MINUTES * MINUTE },
    { symbol: "ETHUSDT", interval: "1d", from: JAN, to: JAN + 10 * DAY },
  ]);
}, 120_000);
afterAll(() => rm(folder, { recursive: true }));

test(`of ${MINUTES} rows needs little memory, and comes whole`, async () => {
  const result = await runRunner(
    "candles BTCUSDT 1m --from 2024-01-01".split(" "),
    env({ NODE_OPTIONS: "--max-old-space-size=32" }),
  );
  expectExit(result, 0);
  expect(linesOf(result)).toHaveLength(MINUTES + 1);
  for (const line of [linesOf(result)[1], linesOf(result).at(-1)])
    expect(line).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\dZ( +\d+(\.\d+)?){5}$/);
}, 60_000);

describe("what ends the reading", () => {
  test("a reader that has enough ends it at once, with 0", async () => {
    const { child, ended } = startRunner(
      "candles BTCUSDT 1m --from 2024-01-01 --format csv".split(" "),
      env(),
    );
    child.stdout?.once("data", () => child.stdout?.destroy());
    const { code, stderr } = await ended;
    expect([code, stderr]).toEqual([0, expect.not.stringContaining("error")]);
  });

  test.each(["SIGINT", "SIGTERM"] as const)("%s ends it at once, with 143", async (signal) => {
    const { child, ended } = startRunner("candles BTCUSDT 1m --from 2024-01-01".split(" "), env());
    child.stdout?.once("data", () => child.kill(signal));
    const { code, stdout, stderr } = await ended;
    expect(code).toBe(143);
    expect(stdout.split("\n").length).toBeLessThan(MINUTES);
    expect(JSON.parse(stderr.trimEnd().split("\n").at(-1) ?? "").message).toBe(`[RUN] stopped by ${signal}`);
  });
});

test("a signal ends a statement that waits for a lock, and the server forgets it", async () => {
  const waiting = `select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
  const stderr = await withSession(database.url, async (client) => {
    await client.query("begin; lock table r3a.ohlcv_partitioned in access exclusive mode");
    const { child, ended } = startRunner("candles BTCUSDT 1m".split(" "), env());
    while ((await database.query(waiting)).length === 0) await sleep(20);
    child.kill("SIGINT");
    const stopped = await ended;
    expect([stopped.code, await database.query(waiting)]).toEqual([143, []]);
    return stopped.stderr;
  });
  expect(JSON.parse(stderr).message).toBe("[RUN] stopped by SIGINT");
});

describe("a file", () => {
  test("gets its format from its name, and its name when it is whole", async () => {
    const file = join(folder, "day.csv");
    await writeFile(file, "old");
    await chmod(file, 0o640);
    const result = await run(`candles ETHUSDT 1d --from 20260101-20260103 -o ${file}`);
    expectExit(result, 0);
    expect(result.stdout).toBe("");
    expect(JSON.parse(result.stderr).message).toBe(`2 candles written to ${file}`);
    expect((await readFile(file, "utf8")).split("\n")).toHaveLength(4);
    expect((await stat(file)).mode & 0o777).toBe(0o640);
    expect(await readdir(folder)).toEqual(["day.csv"]);
  });

  test("stays as it was where the run is stopped, and nothing is left beside it", async () => {
    const file = join(folder, "minutes.csv");
    await writeFile(file, "old");
    const args = `candles BTCUSDT 1m --from 2024-01-01 -o ${file}`.split(" ");
    const { child, ended } = startRunner(args, env());
    for (;;) {
      const beside = (await readdir(folder)).find((name) => name.endsWith(".tmp"));
      if (beside !== undefined && (await stat(join(folder, beside)).catch(() => null))?.size) break;
      await sleep(5);
    }
    child.kill("SIGINT");
    expect((await ended).code).toBe(143);
    expect(await readFile(file, "utf8")).toBe("old");
    expect((await readdir(folder)).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  test("that a link leads to is replaced, and the link stays", async () => {
    await writeFile(join(folder, "there.csv"), "old");
    await symlink("there.csv", join(folder, "link.csv"));
    expectExit(await run(`candles ETHUSDT 1d --last 1 -o ${join(folder, "link.csv")}`), 0);
    expect(await readFile(join(folder, "there.csv"), "utf8")).toMatch(/^symbol,/);
  });

  test.each([
    ["nowhere/x.csv", /x\.csv cannot be written: the folder \S+nowhere does not exist; make it first\n/],
    ["day.csv/x.csv", /x\.csv cannot be written: \S+day\.csv is no folder\n/],
    ["", /cannot be written: it is no regular file/],
  ])("%j that cannot be written is exit 64", async (name, message) => {
    const result = await run(`candles ETHUSDT 1d --format csv -o ${join(folder, name)}`);
    expectExit(result, 64);
    expect(result.stderr).toMatch(message);
    expect(result.stderr).not.toContain(".tmp");
  });

  test("- is stdout", async () => {
    expect(linesOf(await run("candles ETHUSDT 1d --last 1 --format csv -o -"))).toHaveLength(2);
  });
});
