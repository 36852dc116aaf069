import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { splitArguments } from "../../runner/src/db/runs.ts";
import { expectExit, HOUR, iso } from "../support/candle/series.ts";
import { useWorld } from "../support/world.ts";

const END = Date.parse("2024-05-10T12:00:00Z");
const world = useWorld({ clock: { fixedMs: END + 30_000 } });
const env = { FALLBACK_START: iso(END - 50 * HOUR), UNIVERSE_SIZE: "2" };

type Run = { id: string; command: string; arguments: string; origin: string | null };
const lastRun = async () => {
  const [run] = await world.database.query<Run>(
    "select run_id as id, command, arguments, origin from r3a.run where command <> 'ranking' order by started_at desc limit 1",
  );
  if (run === undefined) throw new Error("the ledger has no run");
  return run;
};

/** Each command that leaves a row: what is typed, and what the row must say. */
const SPAN = "--from 2024-05-10T07:00:00Z --to 2024-05-10T12:00:00Z";
const CASES: readonly (readonly [readonly string[], string | RegExp])[] = [
  [["sync", "1h"], "1h"],
  [["sync", "1h", "--symbols", "btc/usdt,ETHUSDT"], "1h --symbols BTCUSDT,ETHUSDT"],
  [["sync", "1h", "--top", "1", "--shard", "0/2", "--deadline", "50"], "1h --shard 0/2 --top 1"],
  [
    ["backfill", "1h", "--symbols", "BTCUSDT", "--again", ...SPAN.split(" ")],
    `1h --again ${SPAN} --symbols BTCUSDT`,
  ],
  [["backfill", "1d", "--from", "2024-05-08"], /^1d --from 2024-05-08T00:00:00Z --to 20\S+Z --top 2$/],
  [
    ["sync", "1h", "--symbols", "BTCUSDT", "--accept-exchange", "it's me; ok"],
    "1h --symbols BTCUSDT --accept-exchange 'it'\\''s me; ok'",
  ],
  [
    [
      ...["backfill", "1h", "--symbols", "btc/usdt", ...SPAN.split(" "), "--source", "rest"],
      ...["--accept-exchange", "it's me; ok", "--deadline", "50"],
    ],
    `1h ${SPAN} --source rest --symbols BTCUSDT --accept-exchange 'it'\\''s me; ok'`,
  ],
  [
    ["gaps", "--repair", "--accept-exchange", '$HOME `id` "x"'],
    "--repair --accept-exchange '$HOME `id` \"x\"'",
  ],
  [["gaps", "--repair"], "--repair"],
  [
    ["gaps", "--repair", "--all", "--intervals", "1h", "--symbols", "BTCUSDT"],
    "--repair --all --intervals 1h --symbols BTCUSDT",
  ],
  [["verify"], ""],
  [
    ["verify", "--symbols", "BTCUSDT", "--intervals", "1h,1d", "--from", "2024-05-09"],
    "--symbols BTCUSDT --intervals 1h,1d --from 2024-05-09T00:00:00Z",
  ],
  [["maint"], "--max-ops 300"],
  [
    ["maint", "--max-ops", "3", "--budget", "60", "--transaction-age", "9"],
    "--max-ops 3 --budget 60 --transaction-age 9",
  ],
  [["vacuum"], "--analyze-only"],
  [["vacuum", "--vacuum", "--budget", "60"], "--vacuum --budget 60"],
  [["refresh-lastts"], ""],
  [["refresh-lastts", "--lookback", "1 day"], "--lookback '1 day'"],
  [["health", "--only", "freshness,size", "--strict"], "--only freshness,size --strict"],
];

test.each(CASES)(
  "the ledger's row of %j repeats it",
  async (words, expected) => {
    const first = await world.runWords(words, { ...env, R3A_RUN_ORIGIN: "sync-1m" });
    const row = await lastRun();
    expect([row.command, row.arguments]).toEqual([
      words[0],
      typeof expected === "string" ? expected : expect.stringMatching(expected),
    ]);
    expect(row.origin).toBe("sync-1m");
    const split = execFileSync("sh", ["-c", `printf '%s\\n' ${row.arguments}`], { encoding: "utf8" });
    expect(split.split("\n").filter((word) => word !== "")).toEqual(splitArguments(row.arguments));
    const again = await world.runWords([row.command, ...splitArguments(row.arguments)], env);
    expect(again.code).toBe(first.code);
    const second = await lastRun();
    expect(second).toEqual({ ...row, id: second.id, origin: null });
    expect(second.id).not.toBe(row.id);
  },
  60_000,
);

test("an origin that is no name of a job is exit 78, and doctor reports it", async () => {
  const bad = { ...env, R3A_RUN_ORIGIN: "Sync 1m" };
  const run = await world.run("sync 1h", bad);
  expectExit(run, 78);
  expect(run.stderr).toContain('R3A_RUN_ORIGIN must be the name of a job such as sync-1m, not "Sync 1m"');
  const doctor = await world.run("doctor --only settings", bad);
  expect([doctor.code, doctor.stdout]).toEqual([1, expect.stringContaining("R3A_RUN_ORIGIN must be")]);
});
