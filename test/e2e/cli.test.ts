import { describe, expect, test } from "vitest";
import { REGISTRY } from "../../runner/src/commands/registry.ts";
import { COMMANDS } from "../../runner/src/contract/commands.ts";
import { runRunner } from "../support/runner.ts";

/** Nobody listens here: whatever connects fails with 75, so 64 and 78 prove that nothing was touched. */
const NOWHERE = "127.0.0.1:1";
const CANARY = "canary-4711";
const DB_URL = `postgresql://r3a:${CANARY}@${NOWHERE}/market`;
const ENV = { DB_URL, EXCHANGE_URL: `http://${NOWHERE}` };

const run = (args: string, env: Readonly<Record<string, string>> = ENV) =>
  runRunner(args === "" ? [] : args.split(" "), env);

/** The faults that stderr lists, one a line; the run printed nothing else. */
async function faultsOf(args: string, env: Readonly<Record<string, string>> = ENV) {
  const { code, stdout, stderr } = await run(args, env);
  expect(stdout).toBe("");
  expect(stderr).not.toContain(CANARY);
  const [head, ...lines] = stderr.trimEnd().split("\n");
  // a wrong argument, but no wrong setting, is followed by the way to the help
  const hint = code === 64 ? lines.pop() : undefined;
  expect(hint).toBe(code === 64 ? `see r3a ${args.split(" ")[0]} --help` : undefined);
  return { code, head, faults: lines.map((fault) => fault.replace(/^ {2}- /, "")) };
}

describe("help", () => {
  test("of the program names every command with its summary, and exits 0", async () => {
    const { code, stdout, stderr } = await run("--help", {});
    expect([code, stderr]).toEqual([0, ""]);
    for (const name of COMMANDS) {
      expect(stdout).toMatch(
        new RegExp(`^  ${name} .*${REGISTRY[name].summary.split(" ").slice(0, 4).join(" ")}`, "m"),
      );
    }
    expect(stdout).toContain("Examples:\n  r3a migrate\n");
  });

  test.each(COMMANDS)("of %s shows its options and examples that begin with it", async (name) => {
    const { examples } = await REGISTRY[name].load();
    const { code, stdout, stderr } = await run(`${name} --help`, {});
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(new RegExp(`^Usage: r3a ${name} `));
    expect(stdout).toContain(REGISTRY[name].summary.slice(0, 30));
    expect(examples.length).toBeGreaterThan(0);
    for (const example of examples) {
      expect(example.split(" ")[0]).toBe(name);
      expect(stdout).toContain(`\n  r3a ${example}`);
      for (const option of example.match(/--[a-z-]+/g) ?? []) expect(stdout).toContain(`\n  ${option}`);
    }
  });

  test("is the same by the word help", async () => {
    const [byWord, byOption] = await Promise.all([run("help gaps", {}), run("gaps --help", {})]);
    expect(byWord).toMatchObject({ code: 0, stdout: byOption.stdout });
  });
});

describe("exit 64", () => {
  test.each([
    ["", /Usage: r3a/],
    ["synchronise 1m", /unknown command 'synchronise'/],
    ["sycn 1m", /Did you mean sync\?/],
    ["list", /^error: unknown command 'list'\n\(Did you mean series\?\)\nsee r3a --help\n$/],
    ["repair", /Did you mean gaps --repair\?/],
    ["constructor", /^error: unknown command 'constructor'\nsee r3a --help\n$/],
    ["sync 1m --tpo 20", /unknown option '--tpo'.*\n.*Did you mean --top\?/],
    ["sync", /missing required argument 'interval'/],
    ["sync 1m --top", /option '--top <n>' argument missing/],
    ["sync 1m 1h", /too many arguments/],
    ["candles BTCUSDT", /missing required argument 'interval'/],
    ["migrate --symbols BTCUSDT", /unknown option '--symbols'/],
    ["--json sync 1m", /unknown option '--json'/],
    ["toString", /unknown command 'toString'/],
  ])("r3a %s", async (args, message) => {
    const { code, stdout, stderr } = await run(args);
    expect(stderr).toMatch(message);
    expect([code, stdout]).toEqual([64, ""]);
  });

  test("repeats no secret that was given as an argument", async () => {
    const { code, stderr } = await run(`sync 1m --db ${DB_URL}`);
    expect(code).toBe(64);
    expect(stderr).not.toContain(CANARY);
  });
});

describe("faults", () => {
  test("of arguments and settings of a sync come together, arguments first", async () => {
    const env = { DB_URL: `mysql://root:${CANARY}@db/x`, WEIGHT_LIMIT: "80", FALLBACK_START: "2024-02-30" };
    expect(
      await faultsOf("sync 5m --top -3 --symbols a.b --every 0 --shard 3/2 --deadline soon", env),
    ).toEqual({
      code: 64,
      head: "arguments are wrong:",
      faults: [
        expect.stringContaining('INTERVAL must be one of 1m, 15m, 1h, 4h, 1d (case matters), not "5m"'),
        expect.stringContaining("--top must be a whole number from 1 to 2000"),
        expect.stringContaining('--symbols has what is not a symbol: "A.B"'),
        expect.stringContaining('--shard must be I/N with I from 0 to N-1, not "3/2"'),
        expect.stringContaining("--every must be a whole number"),
        expect.stringContaining('--deadline must be a whole number from 1 to 604800, not "soon"'),
        expect.stringContaining("DB_URL must look like postgresql://"),
        expect.stringContaining("WEIGHT_LIMIT must be a share above 0 and up to 1"),
        expect.stringContaining("FALLBACK_START is not a day of the calendar"),
      ],
    });
  });

  test.each<[string, string[]]>([
    ["sync 1M", ["INTERVAL must be one of"]],
    ["sync 1m --top 5 --symbols BTCUSDT", ["--top and --symbols exclude each other"]],
    ["sync 1m --top=-5", ["--top must be a whole number from 1 to 2000"]],
    ["sync 1m --deadline 0", ["--deadline must be"]],
    ["backfill 1m --symbols BTCUSDT", ["--from is missing"]],
    [
      "backfill 2m --from 2024-02-30 --to tomorrow --source ftp --shard 1/1 --top 0 --deadline -1",
      [
        "INTERVAL",
        "--top",
        "--shard",
        "--from is not a day",
        "--to must be",
        "--source must be one of auto, rest",
        "--deadline",
      ],
    ],
    [
      "backfill 1m --from 2024-03-01 --to 2024-02-29",
      ["--from 2024-03-01T00:00:00Z is not before --to 2024-02-29T00:00:00Z"],
    ],
    ["backfill 1m --from 2024-03-01 --to 2024-03-01", ["--from 2024-03-01T00:00:00Z is not before --to"]],
    ["backfill 1m --from 2199-01-01", ["--from 2199-01-01T00:00:00Z is not before --to"]],
    ["plan 5m --top -1", ["INTERVAL", "--top"]],
    ["plan 1m --from 2024-02-30 --to garbage", ["--from is not a day", "--to must be"]],
    ["plan 1m --to garbage", ["--to must be", "--from is missing"]],
    [
      "verify --intervals 1m,2m --symbols a.b --from 2024-1-1",
      ["--symbols", "--intervals must be one of", "--from must be"],
    ],
    ["verify --from 2024-02-29 --to 2024-02-29", ["--from 2024-02-29T00:00:00Z is not before --to"]],
    [
      "gaps --state closed --intervals 5m --all --deadline 1.5",
      ["--intervals", "--state must be a list of open", "--all belongs to --repair", "--deadline"],
    ],
    ["gaps --from 2024-03-01 --to 2024-02-29", ["--from 2024-03-01T00:00:00Z is not before --to"]],
    ["gaps --repair --symbols a.b", ["--symbols"]],
    [
      "candles a.b 7m --last 0 --format xml --from x --to y",
      [
        "SYMBOL",
        "INTERVAL",
        "--from",
        "--to",
        "--last must be",
        "--format must be one of table, csv, ndjson, json",
      ],
    ],
    [
      "candles BTCUSDT 1h --from 2024-03-01 --to 2024-02-29",
      ["--from 2024-03-01T00:00:00Z is not before --to"],
    ],
    ["migrate --deadline x", ["--deadline"]],
    ["wait-db --timeout 0 --deadline x", ["--timeout must be", "--deadline"]],
  ])("r3a %s: exit 64, all of them", async (args, beginnings) => {
    const { code, head, faults } = await faultsOf(args);
    expect([code, head]).toEqual([64, "arguments are wrong:"]);
    expect(faults.map((fault, index) => fault.slice(0, beginnings[index]?.length))).toEqual(beginnings);
  });

  test("of settings alone are exit 78", async () => {
    const env = {
      DB_URL: `postgresql://r3a:${CANARY}@db:port/x`,
      EXCHANGE_URL: `https://me:${CANARY}/x@mirror`,
      UNIVERSE_SIZE: "0",
    };
    const { code, head, faults } = await faultsOf("sync 1m", env);
    expect([code, head]).toEqual([78, "settings are wrong:"]);
    expect(faults.map((fault) => fault.split(" ")[0])).toEqual(["DB_URL", "EXCHANGE_URL", "UNIVERSE_SIZE"]);
  });

  // the janitor needs no database, backups lists without it, of the doctor it is one finding among others, and drill needs more
  const needDatabase = COMMANDS.filter((name) => !["janitor", "backups", "doctor", "drill"].includes(name));
  test.each(
    needDatabase.map((name) => [
      name,
      {
        sync: " 1m",
        backfill: " 1m --from 2024-01-01",
        plan: " 1m",
        candles: " BTCUSDT 1h",
        backup: " --dry-run",
        seal: " --dry-run",
        restore: " --to-schema beside --dry-run",
      }[String(name)] ?? "",
    ]),
  )("r3a %s without DB_URL is exit 78", async (name, args) => {
    expect(await faultsOf(`${name}${args}`, {})).toEqual({
      code: 78,
      head: "settings are wrong:",
      faults: ["DB_URL is not set"],
    });
  });

  test("of a shard that Kubernetes gives are faults like others", async () => {
    const { code, faults } = await faultsOf("sync 1m", {
      ...ENV,
      R3A_SHARDS: "3",
      JOB_COMPLETION_INDEX: "3",
    });
    expect([code, faults]).toEqual([78, ["JOB_COMPLETION_INDEX 3 is not below R3A_SHARDS 3"]]);
  });
});

test("a sync of an interval that is not in SYNC_INTERVALS says so and exits 0 without a connection", async () => {
  const { code, stdout, stderr } = await run("sync 1m", { ...ENV, SYNC_INTERVALS: "1h,1d" });
  expect([code, stdout]).toEqual([0, ""]);
  for (const command of ["sync", "plan"]) {
    const asJson = await run(`${command} 1m --json`, { ...ENV, SYNC_INTERVALS: "1h,1d" });
    const skipped = "1m is not in SYNC_INTERVALS; nothing to do";
    expect([asJson.code, JSON.parse(asJson.stdout)]).toEqual([0, { version: 1, command, skipped }]);
  }
  expect(JSON.parse(stderr)).toMatchObject({
    "log.level": "info",
    "event.name": "interval_off",
    job_name: "sync",
    message: expect.stringContaining("1m is not in SYNC_INTERVALS"),
  });
});

test.each(["candles BTCUSDT 1h", "gaps"])(
  "r3a %s exits 75 where nobody answers at DB_URL, and shows no secret",
  async (args) => {
    const { code, stdout, stderr } = await run(args);
    expect([code, stdout]).toEqual([75, ""]);
    expect(stderr).toContain("the database cannot be reached (DB_URL)");
    expect(stderr).not.toContain(CANARY);
    for (const line of stderr.trimEnd().split("\n")) {
      expect(JSON.parse(line)).toHaveProperty("@timestamp");
      expect(JSON.parse(line)).not.toHaveProperty("error.stack_trace");
    }
  },
);
