import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { startForgetfulProxy } from "../support/database/forgetful-proxy.ts";
import { startRunner } from "../support/runner.ts";
import { useWorld } from "../support/world.ts";

const world = useWorld();

test("a connection that is forgotten costs sync --every one cycle: the next ones work, and each that ended touches the file", async () => {
  expect(await world.run("sync 1h --symbols BTCUSDT")).toMatchObject({ code: 0 });
  const folder = await mkdtemp(join(tmpdir(), "r3a-heartbeat-"));
  const file = join(folder, "beat");
  const proxy = await startForgetfulProxy(world.database.url, "from r3a.api_budget b");
  const env = world.env({ DB_URL: proxy.url, R3A_HEARTBEAT_FILE: file });
  const { child, ended } = startRunner("sync 1h --symbols BTCUSDT --every 3 --deadline 20".split(" "), env);
  const finished = `select count(*)::int as n from r3a.run where outcome = 'success' and command = 'sync' and deadline_s = 20`;
  const until = performance.now() + 70_000;
  while (((await world.database.query<{ n: number }>(finished))[0]?.n ?? 0) < 2) {
    expect(performance.now()).toBeLessThan(until);
    await sleep(300);
  }
  child.kill("SIGTERM");
  const run = await ended;
  await proxy.stop();
  expect([0, 143]).toContain(run.code);
  expect(run.stderr).toMatch(/this cycle failed.*is lost without a sign/);
  expect(Date.now() - Date.parse((await readFile(file, "utf8")).trim())).toBeLessThan(30_000);
  await rm(folder, { recursive: true });
  const lines = run.stderr.trim().split("\n");
  expect(lines.filter((line) => (line.match(/"run_id"/g) ?? []).length > 1)).toEqual([]);
  const ids = lines.flatMap((line) => (JSON.parse(line) as { run_id?: string }).run_id ?? []);
  expect(new Set(ids).size).toBeGreaterThan(1);
}, 120_000);

test("an exchange that refuses for one cycle of sync --every costs that cycle alone", async () => {
  world.exchange.addFault({ kind: "451" });
  const { child, ended } = world.start("sync 1d --symbols BTCUSDT --every 2 --deadline 30");
  const runsThat = (outcome: string) =>
    world.database.query("select from r3a.run where deadline_s = 30 and outcome = $1", [outcome]);
  await expect.poll(() => runsThat("failure"), { timeout: 30_000 }).not.toEqual([]);
  world.exchange.clearFaults();
  await expect.poll(() => runsThat("success"), { timeout: 30_000 }).not.toEqual([]);
  child.kill("SIGTERM");
  const run = await ended;
  expect([0, 143]).toContain(run.code);
  expect(run.stderr).toContain("cycle_failed");
}, 90_000);

test("an error text that holds DB_URL is in the ledger without it", async () => {
  await world.database.query(
    `create function r3a.tell() returns trigger language plpgsql as $$
     begin raise exception 'cannot write by way of %', '${world.database.url}'; end $$`,
  );
  await world.database.query(
    "create trigger tell before insert on r3a.ohlcv_partitioned for each row execute function r3a.tell()",
  );
  expect(await world.run("sync 1m --symbols BTCUSDT", { FALLBACK_START: "2026-01-01" })).toMatchObject({
    code: 1,
  });
  const told = await world.database.query<{ error: string }>(
    "select error from r3a.run_item where error is not null union all select error_summary from r3a.run where error_summary is not null",
  );
  expect(told.length).toBeGreaterThan(0);
  for (const { error } of told) expect(error).not.toContain(new URL(world.database.url).password);
  expect(told.some(({ error }) => error.includes("[REDACTED]"))).toBe(true);
});
