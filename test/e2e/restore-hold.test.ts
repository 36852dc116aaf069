import { expect, test } from "vitest";
import { expectExit } from "../support/candle/series.ts";
import { useDatabase } from "../support/database/database.ts";
import { expectResult } from "../support/result-json.ts";
import { runRunner } from "../support/runner.ts";

/** The kill switch of the recovery is a row in the database, so that it holds for every run on every machine. */

const database = useDatabase();
const run = (...words: readonly string[]) => runRunner(["restore", ...words], { DB_URL: database.url });
const held = () => database.query("select reason, held_by <> '' as named from r3a.recovery_hold");

test("a hold is kept with its reason until it is ended", async () => {
  const first = await run("--hold", "the disk is being replaced", "--json");
  expectExit(first, 0);
  expect(expectResult(first)).toMatchObject({ hold: "the disk is being replaced" });
  expect(await held()).toEqual([{ reason: "the disk is being replaced", named: true }]);
  expectExit(await run("--hold", "the controller is being replaced"), 0);
  expect(await held()).toMatchObject([{ reason: "the controller is being replaced" }]);
  const plan = await runRunner(["seal", "--dry-run"], { DB_URL: database.url });
  expectExit(plan, 0);
  expect(plan.stdout.replace(/\s+/g, " ")).toContain("nothing is swapped: the controller is being replaced");
  const ended = await run("--resume");
  expectExit(ended, 0);
  expect(ended.stdout).toContain("they were not: the controller is being replaced");
  expect(await held()).toEqual([]);
  const again = await run("--resume", "--json");
  expect([again.code, expectResult(again)]).toMatchObject([0, { hold: null }]);
  const runs = `select arguments as args, exit_code from r3a.run where command = 'restore' order by started_at`;
  expect(await database.query(runs)).toMatchObject([
    { args: "--hold 'the disk is being replaced'", exit_code: 0 },
    {},
    { args: "--resume", exit_code: 0 },
    {},
  ]);
});

test.each([
  [["--hold", "short"], /--hold must be a sentence/],
  [
    ["--hold", "a sentence that says why", "--leaf", "ohlcv_1m_2026_01"],
    /--hold and --leaf exclude each other/,
  ],
  [["--resume", "--all", "--dry-run"], /--resume and --all, --dry-run exclude each other/],
])("%s is exit 64", async (words, message) => {
  const ended = await run(...words);
  expect([ended.code, ended.stderr]).toEqual([64, expect.stringMatching(message)]);
});
