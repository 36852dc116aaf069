import { readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { RESULTS } from "../../dev/docs/results/schemas.ts";
import { REGISTRY } from "../../runner/src/commands/registry.ts";
import { COMMANDS, type CommandName } from "../../runner/src/contract/commands.ts";
import { expectExit, HOUR, iso, MINUTE } from "../support/candle/series.ts";
import { withSession } from "../support/database/empty-database.ts";
import { jobOf, OURS, ownedBy, podOf, STATUS } from "../support/kubernetes/janitor-objects.ts";
import { startApi } from "../support/kubernetes/scripted-api.ts";
import { useLegacyDatabases } from "../support/legacy/build.ts";
import { stripIndexes } from "../support/maint/damage.ts";
import { openLeafOf } from "../support/maint/runs.ts";
import { expectResult, type Result } from "../support/result-json.ts";
import { type RunResult, runRunner } from "../support/runner.ts";
import { testTiersEachWay } from "../support/tiers-each-way.ts";
import { useWorld } from "../support/world.ts";

/** Every command that takes --json, in every form that it has, with something to say: each result has its schema. */

const END = Date.parse("2024-05-10T12:00:00Z");
const SINCE = END - 600 * MINUTE;
const world = useWorld({ clock: { fixedMs: END + 30_000 } });
const makeLegacy = useLegacyDatabases();
const seen: Result[] = [];

function take(run: RunResult, exit = 0): Result {
  expectExit(run, exit);
  const result = expectResult(run);
  seen.push(result);
  return result;
}

const run = async (args: string, exit = 0, more: Readonly<Record<string, string>> = {}) =>
  take(await world.run(`${args} --json`, { FALLBACK_START: iso(SINCE), ...more }), exit);

beforeAll(async () => {
  const slots = [SINCE + HOUR, SINCE + 3 * HOUR];
  world.exchange.addFault({ kind: "drop-rows", symbol: "BTCUSDT", interval: "1m", slots });
});
afterEach(() => world.exchange.resetWeight());

describe("series", () => {
  const span = `--from ${iso(SINCE)} --to ${iso(END)}`;

  test("sync and backfill, what they did and what they would do", async () => {
    expect(await run("sync 1m --symbols BTCUSDT,ETHUSDT --dry-run")).toMatchObject({ dryRun: true });
    const done = await run("sync 1m --symbols BTCUSDT,ETHUSDT");
    expect(done).toMatchObject({ intervals: [{ interval: "1m", symbols: 2, gapsOpen: 2 }] });
    expect(await run("sync 1m", 0, { SYNC_INTERVALS: "1h" })).toHaveProperty("skipped");
    expect(await run(`backfill 1h --symbols BTCUSDT ${span} --dry-run`)).toMatchObject({
      dryRun: true,
      series: [{ from: iso(SINCE).replace(".000Z", "Z"), candles: 10, fault: null }],
    });
    expect(await run(`backfill 1h --symbols BTCUSDT ${span}`)).toMatchObject({ intervals: [{ added: 10 }] });
  });

  test("a sync of which a series fails prints what it did", async () => {
    world.exchange.addFault({ kind: "garbage", symbol: "SOLUSDT" });
    const failed = await world.run("sync 4h --symbols SOLUSDT --json", { FALLBACK_START: iso(SINCE) });
    expect(failed.code).not.toBe(0);
    seen.push(expectResult(failed));
    expect(seen.at(-1)).toMatchObject({ intervals: [{ failed: 1 }] });
  });

  test("plan", async () => {
    expect(await run("plan 1m --symbols BTCUSDT,BNBUSDT")).toMatchObject({ series: [{}, {}] });
    expect(await run(`plan 15m --symbols BTCUSDT ${span}`)).not.toHaveProperty("dryRun");
    expect(await run("plan 1m", 0, { SYNC_INTERVALS: "1h" })).toHaveProperty("skipped");
  });

  test("candles, with all columns and with some", async () => {
    const { candles } = await run("candles BTCUSDT 1m --last 3");
    expect(candles).toHaveLength(3);
    expect(Object.keys((candles as object[])[0] ?? {})).toContain("takerQuote");
    await run("candles BTCUSDT 1m --last 3 --numbers");
    expect(await run("candles BTCUSDT 1m --last 1 --columns close_time,trades")).toMatchObject({
      candles: [{ closeTime: iso(END - 1), trades: expect.any(Number) }],
    });
  });

  test("verify, without findings and with some", async () => {
    expect(await run("verify --intervals 1h")).toMatchObject({ findings: [], faults: 0 });
    await world.database.query(
      `delete from r3a.ohlcv_partitioned where "timestamp" = $1 and "interval" = '1m'`,
      [iso(SINCE + 5 * HOUR)],
    );
    const at = iso(SINCE + 5 * HOUR).replace(".000Z", "Z");
    expect((await run("verify", 1)).findings).toContainEqual(
      expect.objectContaining({ symbol: "ETHUSDT", kind: "vanished", from: at, candles: 1 }),
    );
  });

  test("gaps, listed, asked for again and planned", async () => {
    const { gaps } = await run("gaps");
    expect(gaps).toMatchObject([
      { symbol: "BTCUSDT", state: "open", evidence: { before: expect.any(String), error: null } },
      { candles: 1 },
    ]);
    expect(await run("gaps --state confirmed_absent")).toMatchObject({ gaps: [], listed: 0 });
    expect(await run("gaps --repair --all --dry-run")).toMatchObject({ dryRun: true, asked: 2 });
    expect(await run("gaps --repair")).toMatchObject({ asked: 0, open: 2 });
    world.exchange.clearFaults();
    expect(await run("gaps --repair --all")).toMatchObject({ results: { filled: 2 }, open: 0 });
    await run("gaps --state repaired");
  });

  test("series and runs, of one run too", async () => {
    expect((await run("series")).series).not.toEqual([]);
    const { runs } = await run("runs");
    const failed = (runs as { runId: string; outcome: string }[]).find(
      ({ outcome }) => outcome === "failure",
    );
    expect(await run(`runs ${failed?.runId}`)).toMatchObject({ run: { items: [{ outcome: "failure" }] } });
  });
});

describe("upkeep", () => {
  const whileLocked = (scope: string, work: () => Promise<unknown>) =>
    withSession(world.database.url, async (other) => {
      await other.query("select r3a_util.acquire_lock($1, 'global')", [scope]);
      await work();
    });

  test("migrate", async () => {
    expect(await run("migrate")).toMatchObject({ applied: [] });
    expect(await run("migrate --dry-run")).toMatchObject({ dryRun: true, pending: [] });
    const { statements } = await run("migrate --dry-run --roles");
    expect((statements as string[]).length).toBeGreaterThan(5);
  });

  test("maint, of leaves and indexes, done, failed and left to others", async () => {
    const kindsOf = ({ actions }: Result) => new Set((actions as { kind: string }[]).map(({ kind }) => kind));
    expect(kindsOf(await run("maint --dry-run"))).toContain("leaf");
    await whileLocked("maint", async () => expect(await run("maint")).toHaveProperty("skipped"));
    expect((await run("maint")).steps).toContainEqual(
      expect.objectContaining({ outcome: "done", error: null, durationMs: expect.any(Number) }),
    );
    await stripIndexes(world.database, 2);
    expect(kindsOf(await run("maint --dry-run"))).toContain("index");
    const leaf = await openLeafOf(world.database, "r3a.ohlcv_1m");
    await world.database.query(
      `insert into ${leaf} (coin_id, "interval", "timestamp", open, high, low, close, volume)
       select 7, '1m', date_trunc('minute', now()), 1, 1, 1, 1, 1 from generate_series(1, 2)`,
    );
    const failed = (await run("maint", 1)).steps;
    await world.database.query(`delete from ${leaf} where coin_id = 7`);
    expect(failed).toContainEqual(expect.objectContaining({ op: "build", outcome: "failed" }));
  });

  test("vacuum, done, cut and left to others", async () => {
    expect(await run("vacuum --dry-run")).toMatchObject({ dryRun: true });
    await whileLocked("vacuum", async () => expect(await run("vacuum")).toHaveProperty("skipped"));
    await withSession(world.database.url, async (other) => {
      await other.query("begin; lock table pg_statistic in share mode");
      const { steps } = await run("vacuum --budget 3", 1);
      expect(steps).toContainEqual(expect.objectContaining({ outcome: "failed" }));
    });
    expect(await run("vacuum --vacuum")).toHaveProperty("steps");
  });

  test("refresh-lastts", async () => {
    await world.database.query(
      `update r3a_util.last_ts_by_coin_interval set last_ts = case "interval" when '1m' then 'infinity'::timestamptz else last_ts + interval '1 hour' end`,
    );
    expect(await run("refresh-lastts --dry-run")).toMatchObject({ dryRun: true });
    await whileLocked("refresh-lastts", async () =>
      expect(await run("refresh-lastts")).toHaveProperty("skipped"),
    );
    expect((await run("refresh-lastts")).changes).toContainEqual(
      expect.objectContaining({ kind: "lowered", from: "infinity" }),
    );
  });

  test("migrate-layout, its plan, its work and nothing to do", async () => {
    const old = await makeLegacy({
      coins: ["BTCUSDT", "ETHUSDT"],
      firstMonth: "2024-01",
      months: 1,
      intervals: ["1h", "1d"],
    });
    const move = async (more = "") => take(await old.run(`migrate-layout --json${more}`));
    expect(await move(" --dry-run")).toMatchObject({ dryRun: true, stage: "old" });
    expect(await move()).toMatchObject({ isComplete: true, leaves: 4 });
    expect(await move()).toMatchObject({ isComplete: true, leaves: 0 });
    expect(await move(" --dry-run")).toMatchObject({ dryRun: true, stage: "none" });
  });
});

testTiersEachWay({ world, ms: END, run, seen });

describe("reports", () => {
  let api: Awaited<ReturnType<typeof startApi>>;
  beforeAll(async () => {
    const pods = [
      podOf("a", STATUS.failed, OURS),
      podOf("b", STATUS.imagePull, ownedBy("Job", "j")),
      ...["c", "d", "e"].map((name) => podOf(name, STATUS.running)),
    ];
    api = await startApi({ pods, jobs: [jobOf("j", { metadata: OURS })], cronJobs: [] });
  });
  afterAll(() => api.stop());

  test("janitor, of a scan, of a delete and with a brake", async () => {
    const janitor = (...args: readonly string[]) => runRunner(["janitor", "--json", ...args], api.env);
    expect(take(await janitor("--dry-run"))).toMatchObject({ dryRun: true, remove: 2 });
    expect(take(await janitor("--mode", "delete"))).not.toHaveProperty("dryRun");
    const braked = await janitor("--mode", "delete", "--max-deletes", "1");
    expect(expectResult(braked).brake).toContain("more than the 1 of --max-deletes");
  });

  test("health, of a database that is there and of one that is not", async () => {
    const report = await run("health", 1);
    expect(report).toMatchObject({ databaseUp: true, checks: { "freshness:age": expect.any(Array) } });
    const byFormat = await world.run("health --format json");
    expect(Object.keys(expectResult(byFormat))).toEqual(Object.keys(report));
    const away = await run("health", 1, { DB_URL: "postgresql://nobody:secret@127.0.0.1:1/none" });
    expect(away).toMatchObject({ databaseUp: false });
  });

  test("doctor", async () => {
    const env = { HOME: "/nowhere", DB_URL: "postgresql://nobody:secret@127.0.0.1:1/none" };
    expect(await run("doctor", 1, env)).toMatchObject({ status: "fail" });
  });
});

describe("no result is left out", () => {
  const optionsOf = async (name: CommandName): Promise<readonly string[]> => {
    const command = new Command(name);
    (await REGISTRY[name].load()).define(command);
    return command.options.flatMap(({ long }) => long ?? []);
  };

  test("every command with --json has a schema and was held against it, a dry run too", async () => {
    const all = await Promise.all(COMMANDS.map(async (name) => ({ name, options: await optionsOf(name) })));
    const withJson = all.filter(({ options }) => options.includes("--json"));
    expect(withJson.map(({ name }) => name)).toEqual(COMMANDS.filter((name) => name in RESULTS));
    expect(new Set(seen.map(({ command }) => command))).toEqual(new Set(withJson.map(({ name }) => name)));
    const files = await readdir(fileURLToPath(new URL("../../docs/json", import.meta.url)));
    expect(files.toSorted()).toEqual(withJson.map(({ name }) => `${name}.schema.json`).toSorted());
    const dry = withJson.filter(({ options }) => options.includes("--dry-run"));
    expect(dry.length).toBeGreaterThan(5);
    expect(
      dry.filter(({ name }) => !seen.some(({ command, dryRun }) => command === name && dryRun === true)),
    ).toEqual([]);
  });
});
