import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { expectExit } from "../support/candle/series.ts";
import { startForgetfulProxy } from "../support/database/forgetful-proxy.ts";
import { startSilentProxy } from "../support/database/silent-proxy.ts";
import { runRunner, startRunner } from "../support/runner.ts";
import { useWorld } from "../support/world.ts";

const world = useWorld();
const LOST = /the connection to the database is lost without a sign/;

/** A command and a word of the statement at which its connection is forgotten. */
const COMMANDS: readonly (readonly [command: string, word: string])[] = [
  ["sync 1h --symbols BTCUSDT", "from r3a.api_budget b"],
  ["sync 15m --symbols BTCUSDT", "copy r3a.ohlcv_partitioned"],
  ["gaps --repair", "from r3a.ohlcv_gap_log"],
  ["verify --symbols BTCUSDT", "pairs as"],
  ["maint", "maint_index_plan"],
  ["refresh-lastts", "last_ts_by_coin_interval"],
  ["vacuum", "pg_stat_all_tables"],
  ["migrate", "information_schema"],
];

test("a network that goes silent at health's first row in the ledger ends that write, and the process with it", async () => {
  const silent = await startSilentProxy(world.database.url, "insert into r3a.run");
  const run = await world.run("health --only integrity,size --json", { DB_URL: silent.url });
  await silent.stop();
  expectExit(run, 0);
  expect(JSON.parse(run.stdout)).toMatchObject({
    databaseUp: true,
    checks: { "size:stored": [{}, {}, {}, {}, {}, {}] },
  });
  expect(run.ms).toBeLessThan(15_000);
  expect(run.stderr).toContain("this run is not in the ledger: no answer within 2 s");
  expect(await world.database.query("select from r3a.run")).toEqual([]);
});

test("a connection that is forgotten without a sign ends each command by hand with 75 and a sentence", async () => {
  expect(await world.run("sync 1h --symbols BTCUSDT")).toMatchObject({ code: 0 });
  const ends = await Promise.all(
    COMMANDS.map(async ([command, word]) => {
      const proxy = await startForgetfulProxy(world.database.url, word);
      const startedAt = performance.now();
      const run = await runRunner(command.split(" "), world.env({ DB_URL: proxy.url }));
      await proxy.stop();
      return { command, code: run.code, stderr: run.stderr, ms: performance.now() - startedAt };
    }),
  );
  for (const { command, code, stderr, ms } of ends) {
    expect([command, code, stderr]).toEqual([command, 75, expect.stringMatching(LOST)]);
    expect(ms).toBeLessThan(60_000);
  }
}, 120_000);

test("a network that swallows everything from some moment on ends a command with 75, and SIGTERM before that with words", async () => {
  const away = await startSilentProxy(world.database.url, "from r3a.api_budget b");
  const run = await runRunner("sync 1h --symbols BTCUSDT".split(" "), world.env({ DB_URL: away.url }));
  await away.stop();
  expect([run.code, run.stderr]).toEqual([
    75,
    expect.stringMatching(/is lost without a sign|the database cannot be reached/),
  ]);

  const silent = await startSilentProxy(world.database.url, "from r3a.api_budget b");
  const { child, ended } = startRunner(
    "sync 1h --symbols BTCUSDT".split(" "),
    world.env({ DB_URL: silent.url }),
  );
  while (child.exitCode === null && !silent.isSilent()) await sleep(20);
  child.kill("SIGTERM");
  const stopped = await ended;
  await silent.stop();
  expect(stopped.code).toBe(143);
  expect(stopped.stderr).toMatch(/stopped by SIGTERM.*under way: .*r3a\.api_budget/);
}, 120_000);
