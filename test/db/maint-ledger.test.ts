import { expect, test } from "vitest";
import { openDatabase } from "../../runner/src/db/connect.ts";
import { closeRun } from "../../runner/src/db/runs.ts";
import { DAY_MS } from "../../runner/src/time.ts";
import { useDatabase } from "../support/database/database.ts";
import { startMaint } from "../support/maint/runs.ts";

const database = useDatabase();

/** An id as a run of that age has it. */
function idOf(ageDays: number, n: number): string {
  const hex = Math.floor(Date.now() - ageDays * DAY_MS)
    .toString(16)
    .padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-${String(n).padStart(12, "0")}`;
}

async function addRun(ageDays: number, n: number, outcome: string, heartbeatAge: string): Promise<string> {
  const id = idOf(ageDays, n);
  await database.query(
    `insert into r3a.run (run_id, command, started_at, heartbeat_at, outcome)
     values ($1, 'sync', now() - make_interval(secs => $2), now() - $3::interval, $4)`,
    [id, (ageDays * DAY_MS) / 1000, heartbeatAge, outcome],
  );
  await database.query(
    `insert into r3a.run_item (run_id, coin_id, "interval", outcome, pages, added, repaired, revised, gaps, ms)
     values ($1, 1, '1m', 'success', 1, 1, 0, 0, 0, 1)`,
    [id],
  );
  return id;
}

test("runs whose process is gone are closed and counted, and the ledgers forget what is old", async () => {
  const gone = await addRun(1, 1, "running", "6 minutes");
  const alive = await addRun(1, 2, "running", "1 minute");
  const young = await addRun(34, 3, "success", "34 days");
  const month = await addRun(37, 4, "success", "37 days");
  const year = await addRun(402, 5, "success", "402 days");
  await database.query(
    `insert into r3a_util.maint_op (at, run_id, op, object, attempt, outcome)
     values (now() - interval '37 days', $1, 'build', 'old', 1, 'failed'), (now(), $1, 'build', 'new', 1, 'failed')`,
    [young],
  );
  const run = await startMaint(database, "--json").ended;
  expect(run.code, run.stderr).toBe(0);
  expect(JSON.parse(run.stdout).backlog).toBe(0);
  const runs = await database.query(
    `select run_id, outcome, finished_at is not null as finished from r3a.run where command = 'sync' order by run_id`,
  );
  expect(runs).toEqual([
    { run_id: month, outcome: "success", finished: false },
    { run_id: young, outcome: "success", finished: false },
    { run_id: gone, outcome: "aborted", finished: true },
    { run_id: alive, outcome: "running", finished: false },
  ]);
  const items = await database.query<{ run_id: string }>(`select run_id from r3a.run_item order by 1`);
  expect(items.map(({ run_id }) => run_id)).toEqual([young, gone, alive]);
  expect(year).not.toBe(month);
  expect(
    await database.query(`select n::int from r3a.job_counter where command = 'sync' and outcome = 'aborted'`),
  ).toEqual([{ n: 1 }]);
  const ops = await database.query(`select object from r3a_util.maint_op where op = 'build'`);
  expect(ops).toEqual([{ object: "new" }]);
  // what has just been kept is not due again
  expect(JSON.parse((await startMaint(database, "--json").ended).stdout)).toMatchObject({ steps: [] });
});

test("a process that wakes up after maint has closed its run does not count it a second time", async () => {
  const runId = await addRun(1, 9, "aborted", "1 minute");
  const countOf = () =>
    database.query(`select n::int from r3a.job_counter where command = 'sync' and outcome = 'success'`);
  const before = await countOf();
  const db = openDatabase(database.url, "woken");
  const run = {
    runId,
    command: "sync",
    args: "",
    origin: null,
    deadlineS: null,
    host: "a",
    pid: 1,
    version: "0",
  };
  await closeRun(db, run, { items: [], outcome: "success", exitCode: 0, rateLimitHits: 0, error: null });
  await db.pool.end();
  expect(await countOf()).toEqual(before);
  expect(await database.query("select outcome from r3a.run where run_id = $1", [runId])).toEqual([
    { outcome: "aborted" },
  ]);
});
