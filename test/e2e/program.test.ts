import { expect, test } from "vitest";
import { VERSION } from "../../runner/src/contract/version.ts";
import { interrupt, ROOT, startProgram } from "../support/program.ts";
import { useWorld } from "../support/world.ts";

/** `./r3a` as a person types it: pipes, signals and exit codes are those of the command. */

const world = useWorld({ symbols: 5, latencyMs: 20 });
const run = (command: string, env: Readonly<Record<string, string>> = world.env({ LOG_LEVEL: "warn" })) =>
  startProgram(command.split(" "), env).ended;
const shell = (script: string) =>
  startProgram(["-c", script], world.env({ LOG_LEVEL: "warn" }), "/bin/sh").ended;
/** Nothing may be asked for: whoever connects here is refused. */
const NOWHERE = { EXCHANGE_URL: "http://127.0.0.1:1", R3A_DATA: "/nonexistent" };

test("--version and --help need no database, no server and no network", async () => {
  expect(await run("--version", NOWHERE)).toEqual({ code: 0, stdout: `r3a ${VERSION}\n`, stderr: "" });
  const { code, stdout, stderr } = await run("--help", NOWHERE);
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).toMatch(
    /^Usage: \.\/r3a [\s\S]*\nEnvironment:\n {2}DB_URL [\s\S]*\nExit codes:\n {2}0 [\s\S]* 143 [\s\S]*docs\/operations\.md[\s\S]*\n {2}\.\/r3a db reset/,
  );
  for (const line of stdout.split("\n")) expect(line.length, line).toBeLessThanOrEqual(80);
  expect(await run("sync --help", NOWHERE)).toMatchObject({ code: 0, stderr: "" });
  // without arguments the same help goes to stderr, with the form of DB_URL and without its value
  const bare = await startProgram([], { ...NOWHERE, DB_URL: "postgresql://me:canary@127.0.0.1:1/d" }).ended;
  expect([bare.code, bare.stdout]).toEqual([64, ""]);
  expect(bare.stderr).toContain("postgresql://user:password@host:5432/database");
  expect(bare.stderr).not.toContain("canary");
});

test("a wrong word ends with 64 and the way to the help", async () => {
  const wrong = { ...NOWHERE, DB_URL: "postgresql://u@127.0.0.1:1/d" };
  for (const [command, hint] of [
    ["sycn 1m", "see ./r3a --help"],
    ["sync 1m --tpo 3", "see ./r3a sync --help"],
    ["sync 5m", "see ./r3a sync --help"],
    ["gaps --simulated", "(npm run exchange), and name its address in EXCHANGE_URL"],
  ] as const) {
    const { code, stdout, stderr } = await run(command, wrong);
    expect([command, code, stdout]).toEqual([command, 64, ""]);
    expect(stderr.trimEnd().split("\n").at(-1)).toContain(hint);
  }
});

test("messages name the program as it was started, so that their commands can be copied", async () => {
  for (const [script, name] of [
    ["./r3a sync 5m", "./r3a"],
    [`cd / && '${ROOT}r3a' sync 5m`, `${ROOT}r3a`],
    [`cd / && PATH='${ROOT}':$PATH && r3a sync 5m`, "r3a"],
  ] as const)
    expect((await shell(script)).stderr).toContain(`\nsee ${name} sync --help\n`);
  expect((await run("db --help", NOWHERE)).stdout).toMatch(
    /^Usage: \.\/r3a db [\s\S]*\n {2}\.\/r3a db reset\n/,
  );
});

test("stdout carries the result alone, and a reader that has enough ends the command with 0", async () => {
  expect(await run("migrate")).toMatchObject({ code: 0 });
  expect(await run("sync 1h --symbols BTCUSDT", world.env({ FALLBACK_START: "2026-01-01" }))).toMatchObject({
    code: 0,
  });
  const { code, stdout, stderr } = await run("candles BTCUSDT 1h --last 3 --format csv");
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout.trimEnd().split("\n")).toHaveLength(4);
  const csv = "./r3a candles BTCUSDT 1h --from 2026-01-01 --format csv";
  const piped = await shell(`{ ${csv}; echo "exit $?" >&2; } | head -2`);
  expect(piped.stderr).toBe("exit 0\n");
  expect(piped.stdout.split("\n")[0]).toMatch(/^symbol,interval,timestamp,open,/);
});

test.each(["SIGTERM", "SIGINT"] as const)(
  "%s ends the command with 143, once, from whoever it comes",
  async (signal) => {
    const started = startProgram(["sync", "1m", "--top", "5"], world.env({ FALLBACK_START: "2020-01-01" }));
    const running = () =>
      world.database.query("select 1 from r3a.run where outcome = 'running' and command = 'sync'");
    await expect.poll(async () => (await running()).length, { timeout: 30_000 }).toBe(1);
    if (signal === "SIGINT") interrupt(started);
    else started.child.kill(signal);
    const { code, stderr } = await started.ended;
    expect([code, stderr]).toEqual([143, expect.stringContaining(`stopped by ${signal}`)]);
  },
);
