import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { expect, test } from "vitest";
import { leafAt } from "../../runner/src/partition/layout.ts";
import { backupSettings } from "../support/backup/each-way.ts";
import { changePage, removeFile, whileStopped } from "../support/damage/files.ts";
import { useQuietServer } from "../support/database/quiet-server.ts";
import { expectResult } from "../support/result-json.ts";
import { runRunner, startRunner } from "../support/runner.ts";

/** Damage in the files of leaves, and a server that crashes: each leaf is named, and none keeps a scrub from the others. */

const server = useQuietServer();
const [JANUARY, FEBRUARY] = [0, 1].map((month) => leafAt("1m", Date.UTC(2024, month)).name) as [
  string,
  string,
];

async function fill(month: number): Promise<void> {
  await server.query("select r3a_util.make_leaf('ohlcv_1m', $1, '{}')", [new Date(Date.UTC(2024, month))]);
  await server.query(
    `insert into r3a.ohlcv_partitioned (coin_id, "interval", "timestamp", open, high, low, close, volume)
     select 1, '1m', $1::timestamptz + n * interval '1 min', 1, 1, 1, 1, 1 from generate_series(0, 4999) n`,
    [new Date(Date.UTC(2024, month))],
  );
}
const keyOf = (leaf: string) => `r3a.${leaf}_pkey`;
async function scrub(exit: number, more: readonly string[] = []) {
  const ended = await runRunner(["scrub", "--json", ...more], { DB_URL: server.url });
  expect([ended.code, ended.stdout]).toEqual([exit, expect.anything()]);
  return expectResult(ended).leaves as readonly {
    readonly leaf: string;
    readonly findings: readonly { readonly detector: string; readonly detail: string }[];
  }[];
}

test("the server's errors name the block, the index and the file, and a good leaf stays clean", async () => {
  for (const month of [0, 1]) await fill(month);
  const found = async (exit: number) => {
    const leaves = await scrub(exit);
    expect(leaves.find(({ leaf }) => leaf === FEBRUARY)?.findings).toEqual([]);
    return leaves.find(({ leaf }) => leaf === JANUARY)?.findings;
  };
  expect(await found(0)).toEqual([]);
  await whileStopped(server, keyOf(JANUARY), (file) => changePage(file, 3, (page) => page.fill(7)));
  expect(await found(1)).toContainEqual({ detector: "index", detail: expect.stringMatching(/block 3/) });
  await server.query(`reindex index ${keyOf(JANUARY)}`);
  expect(await found(0)).toEqual([]);
  await whileStopped(server, `r3a.${JANUARY}`, (file) => changePage(file, 5, (page) => page.fill(7)));
  const ofPage = await found(1);
  expect(ofPage).toContainEqual({
    detector: "unreadable",
    detail: expect.stringMatching(
      /^1 block of \d+ cannot be read: 5; 4,9\d\d rows can be read; .*block 5.*XX001/,
    ),
  });
  // another command meets the damage, and nobody has to look for it
  const open = () => server.query("select leaf, detector from r3a.leaf_damage where state = 'open'");
  await server.query("delete from r3a.leaf_damage");
  const env = { ...(await backupSettings()), DB_URL: server.url };
  expect((await runRunner(["backup"], env)).code).toBe(1);
  expect(await open()).toEqual([{ leaf: JANUARY, detector: "unreadable" }]);
  await whileStopped(server, `r3a.${JANUARY}`, removeFile);
  expect(await found(1)).toContainEqual({
    detector: "file",
    detail: expect.stringMatching(/No such file.*58P01/),
  });
}, 120_000);

test("a server that crashes over a leaf keeps the scrub from no other leaf", async () => {
  const holder = new Client({ connectionString: server.url });
  // the server ends this session too
  holder.on("error", () => {});
  await holder.connect();
  await holder.query(`begin; lock table r3a.${FEBRUARY} in access exclusive mode`);
  const running = startRunner(["scrub", "--json"], { DB_URL: server.url });
  const waiting = () =>
    server.query<{ pid: number }>(
      "select pid from pg_stat_activity where application_name like 'r3a scrub%' and wait_event_type = 'Lock'",
    );
  let found = await waiting();
  for (const end = Date.now() + 60_000; found.length === 0 && Date.now() < end; found = await waiting())
    await sleep(20);
  process.kill(found[0]?.pid ?? Number.NaN, "SIGKILL");
  const ended = await running.ended;
  expect([ended.code, ended.stderr]).toEqual([1, expect.stringContaining("leaf_damaged")]);
  expect(expectResult(ended).leaves).toMatchObject([
    {
      leaf: FEBRUARY,
      findings: [
        { detector: "unreadable", detail: expect.stringMatching(/^a process of the server crashed/) },
      ],
    },
    { leaf: JANUARY, findings: [{ detector: "file" }] },
  ]);
  expect(
    await server.query("select leaf from r3a.leaf_damage where state = 'open' and detail like 'a process%'"),
  ).toEqual([{ leaf: FEBRUARY }]);
}, 120_000);
