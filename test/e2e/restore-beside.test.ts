import { describe, expect, test } from "vitest";
import { expectExit } from "../support/candle/series.ts";
import { LEAF, MADE, useBackedLeaf } from "../support/restore/backed-leaf.ts";
import { runRunner } from "../support/runner.ts";

const { database, env, truth, at, rowsOf, run, runJson, newest } = useBackedLeaf();

/** As results have a time: without the milliseconds. */
const seconds = (iso: string) => iso.replace(".000", "");

describe("a leaf that was damaged by hand", () => {
  test("is restored beside the live one as the newest backup has it, and the damage is shown", async () => {
    const live = await rowsOf(`r3a.${LEAF.name}`);
    await database.query(`create table kept as select * from r3a.${LEAF.name}`);
    await database.query(
      `update r3a.${LEAF.name} set close = close * 10 where coin_id = 2 and "timestamp" < $1`,
      [at(3)],
    );
    await database.query(
      `delete from r3a.${LEAF.name} where coin_id = 1 and "timestamp" >= $1 and "timestamp" < $2`,
      [at(120), at(180)],
    );
    const result = await runJson(`--leaf ${LEAF.name} --compare`, 1);
    expect(result.leaves).toMatchObject([
      {
        ...{
          leaf: LEAF.name,
          outcome: "restored",
          rows: live.length,
          from: { tier: "hot", manifest: newest() },
        },
        differences: [
          { symbol: "BTCUSDT", missing: 60, added: 0, changed: 0 },
          {
            ...{ symbol: "ETHUSDT", missing: 0, added: 0, changed: 3 },
            first: [
              { timestamp: at(0).replace(".000", ""), kind: "changed", columns: [{ name: "close" }] },
              {},
              {},
            ],
          },
        ],
      },
    ]);
    expect(result.leaves[0]?.differences).toMatchObject([
      { from: seconds(at(120)), last: seconds(at(179)) },
      { from: seconds(at(0)), last: seconds(at(2)) },
    ]);
    expect(result.refused).toEqual([]);
    expect(await rowsOf(`beside.${LEAF.name}`)).toEqual(truth.get(MADE[2]));
    await database.query("drop schema beside cascade");
    const { stdout } = await run(`--leaf ${LEAF.name} --compare`);
    expect(stdout).toMatch(
      new RegExp(
        [
          "compared with what is restored \\(restored -> live\\):",
          ` {2}BTCUSDT 1m lacks 60 rows, ${seconds(at(120))} to ${seconds(at(179))}`,
          ` {4}${seconds(at(120))} missing\n[^]* {4}and 57 more rows, the last of ${seconds(at(179))}`,
          ` {2}ETHUSDT 1m has 3 rows with other values, [^]*close [0-9.]+ -> [0-9.]+\n$`,
        ].join("\n"),
      ),
    );
    for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
    expect(
      await database.query(
        "select distinct command, outcome, exit_code from r3a.run where command = 'restore'",
      ),
    ).toEqual([{ command: "restore", outcome: "findings", exit_code: 1 }]);
    await database.query(`truncate r3a.${LEAF.name}`);
    await database.query(`insert into r3a.${LEAF.name} select * from kept`);
  });

  test("has a table with key and bounds, as the live leaf", async () => {
    expectExit(await run(`--leaf ${LEAF.name} --compare`), 0);
    const found = await database.query<{ def: string }>(
      `select pg_get_constraintdef(oid) as def from pg_constraint where conrelid = 'beside.${LEAF.name}'::regclass and contype in ('p', 'c')`,
    );
    const all = found.map(({ def }) => def).join("\n");
    expect(all).toContain('PRIMARY KEY (coin_id, "interval", "timestamp")');
    expect(all).toMatch(/"interval" = '1m'.*2024-01-01.*2024-02-01/);
  });

  test("is restored as of an earlier time, and of some symbols alone", async () => {
    await runJson(`--leaf ${LEAF.name} --at ${MADE[1]}`);
    expect(await rowsOf(`beside.${LEAF.name}`)).toEqual(truth.get(MADE[1]));
    await database.query("drop schema beside cascade");
    await runJson(`--leaf ${LEAF.name} --at 2024-02-01T02:10:00`);
    expect(await rowsOf(`beside.${LEAF.name}`)).toEqual(truth.get(MADE[0]));
    await database.query("drop schema beside cascade");
    const some = await runJson("--symbols sol/usdt,XRPUSDT --from 2024-01-01 --to 2024-02-01 --compare");
    expect(some.leaves).toMatchObject([{ leaf: LEAF.name, rows: 660, differences: [] }]);
    expect(await database.query(`select distinct coin_id from beside.${LEAF.name} order by 1`)).toEqual([
      { coin_id: 3 },
      { coin_id: 4 },
    ]);
    await database.query("drop schema beside cascade");
    const none = await runJson("--symbols SOLUSDT --from 2024-03-01", 1);
    expect(none.leaves).toEqual([]);
  });

  test("has a plan that changes nothing, needs no key, and names the objects in their order", async () => {
    const plan = await runJson(`--leaf ${LEAF.name} --dry-run`, 0, { BACKUP_IDENTITY: "" });
    expect(plan).toMatchObject({
      dryRun: true,
      leaves: [{ outcome: "planned", from: { tier: "hot", manifest: newest() } }],
    });
    expect(plan.leaves[0]?.objects.map(({ kind }) => kind)).toEqual(["base", "base", "delta", "delta"]);
    expect(await database.query("select from pg_namespace where nspname = 'beside'")).toEqual([]);
    const text = await run("--dry-run", { BACKUP_IDENTITY: "" });
    expect([text.code, text.stdout]).toEqual([0, expect.stringContaining("would be restored")]);
  });
});

describe("settings and arguments", () => {
  test.each([
    ["--leaf r3a.x", 64, /--leaf "r3a\.x" is no name of a leaf, such as ohlcv_1m_2026_01$/m],
    ["--leaf ohlcv_1m_2024_01 --from 2024-01-01", 64, /exclude each other/],
    ["--tier lukewarm", 64, /--tier must be one of hot, warm, cold/],
    ["--tier cold", 78, /BACKUP_COLD is not set/],
  ])("%s is exit %i", async (args, code, words) => {
    const ended = await run(args);
    expect([ended.code, ended.stderr]).toEqual([code, expect.stringMatching(words)]);
  });

  test.each(["public", "r3a", "r3a_restore", "pg_temp", "information_schema", "Upper", "a;b"])(
    "the schema %s is refused",
    async (schema) => {
      const ended = await runRunner(["restore", "--to-schema", schema], env);
      expect([ended.code, ended.stderr]).toEqual([64, expect.stringContaining("--to-schema must be a")]);
    },
  );

  test("a schema with a table is refused before anything is read", async () => {
    await database.query("create schema beside; create table beside.mine (id int)");
    const ended = await run(`--leaf ${LEAF.name}`);
    expect([ended.code, ended.stderr]).toEqual([78, expect.stringContaining("has mine already")]);
  });

  test("without a tier there is nothing to restore from, exit 78", async () => {
    const ended = await run("", { BACKUP_HOT: "", BACKUP_WARM: "" });
    expect([ended.code, ended.stderr]).toEqual([78, expect.stringContaining("nothing to restore from")]);
  });
});
