import { beforeAll, expect, test } from "vitest";
import { expectExit, HOUR, iso } from "../support/candle/series.ts";
import { useWorld } from "../support/world.ts";

const END = Date.parse("2024-05-10T12:00:00Z");
const world = useWorld({ clock: { fixedMs: END + 30_000 } });
const env = { FALLBACK_START: iso(END - 9 * HOUR), SYMBOLS: "BTCUSDT,ETHUSDT" };

type Run = { runId: string; command: string; arguments: string; outcome: string; origin: string | null };
const runsOf = async (args: string) => {
  const { code, stdout, stderr } = await world.run(`runs --json ${args}`.trim());
  expect([code, stderr]).toEqual([0, ""]);
  return (JSON.parse(stdout) as { version: 1; command: "runs"; runs: readonly Run[] }).runs;
};

beforeAll(async () => {
  expectExit(await world.run("sync 1h", { ...env, R3A_RUN_ORIGIN: "sync-1h" }), 0);
  expectExit(await world.run("refresh-lastts", env), 0);
  expectExit(await world.run("sync 4h --symbols BTCUSDT,NOSUCHUSDT", env), 1);
});

test("the newest runs come first, each as it can be typed again", async () => {
  expect((await runsOf("")).map(({ command, arguments: args, origin }) => [command, args, origin])).toEqual([
    ["sync", "4h --symbols BTCUSDT,NOSUCHUSDT", null],
    ["refresh-lastts", "", null],
    ["sync", "1h", "sync-1h"],
  ]);
  const { stdout } = await world.run("runs");
  const [head, failed, error, ...rest] = stdout.trimEnd().split("\n");
  expect(head).toMatch(/^started {14}outcome {2,}took {2,}candles {2}by {7}command$/);
  expect(failed).toMatch(
    /^20\d\d-\d\d-\d\d \d\d:\d\d:\d\d {2}partial .* hand {5}sync 4h --symbols BTCUSDT,NOSUCHUSDT$/,
  );
  expect(error).toMatch(/^ {2}[0-9a-f-]{36}: .*NOSUCHUSDT/);
  expect(rest).toEqual([
    expect.stringMatching(/success .* hand {5}refresh-lastts$/),
    expect.stringMatching(/success .* 18 {2}sync-1h {2}sync 1h$/),
  ]);
});

test("--failed, --command and --last narrow the list", async () => {
  expect((await runsOf("--failed")).map(({ outcome }) => outcome)).toEqual(["partial"]);
  expect((await runsOf("--command refresh-lastts")).map(({ command }) => command)).toEqual([
    "refresh-lastts",
  ]);
  expect(await runsOf("--last 1")).toHaveLength(1);
  expect(await world.run("runs --command refresh-lastts --failed")).toMatchObject({
    code: 0,
    stdout: "no such runs\n",
  });
});

test("one run is shown with what it did to each series, the failed ones first", async () => {
  const [run] = await runsOf("--failed");
  const { code, stdout } = await world.run(`runs ${run?.runId}`);
  expect(code).toBe(0);
  expect(stdout).toContain("command  r3a sync 4h --symbols BTCUSDT,NOSUCHUSDT\n");
  expect(stdout).toMatch(/outcome {2}partial \(exit 1\)/);
  expect(stdout).toMatch(/\nBTCUSDT {2,}4h {8}success /);
  const { stdout: json } = await world.run(`runs ${run?.runId} --json`);
  expect(JSON.parse(json)).toMatchObject({ version: 1, command: "runs", run: { runId: run?.runId } });
});

test("faults of the arguments are 64, all together", async () => {
  const { code, stderr } = await world.run("runs 123 --failed --command snyc --last 0");
  expect(code).toBe(64);
  for (const words of ["RUN-ID must be the id of a run", "--command must be one of", "--last"])
    expect(stderr).toContain(words);
  const unknown = await world.run("runs 01234567-89ab-7def-8123-456789abcdef");
  expect([unknown.code, unknown.stderr]).toEqual([
    64,
    expect.stringContaining("the ledger has no run 01234567"),
  ]);
});
