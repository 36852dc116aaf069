import { Client } from "pg";
import { expect, test } from "vitest";
import { deadlineInWait } from "../support/deadline.ts";
import { useWorld } from "../support/world.ts";

const world = useWorld();

/** A psql session that somebody forgot in the middle of a transaction. */
async function withForgotten<T>(statement: string, work: () => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: world.database.url, application_name: "forgotten psql" });
  await client.connect();
  try {
    await client.query(`begin; ${statement}`);
    return await work();
  } finally {
    await client.end();
  }
}

const SYNC = "sync 1h --symbols BTCUSDT,ETHUSDT";
const HOLDER = /pid \d+ \(forgotten psql\), idle in transaction, for \d+ s/;

const FORGOTTEN: readonly (readonly [what: string, statement: string, command: string, lock: RegExp])[] = [
  [
    "the budget's row",
    "select * from r3a.api_budget for update",
    SYNC,
    /a row of r3a\.api_budget is held by/,
  ],
  [
    "the lock of the coins",
    "select pg_advisory_xact_lock(r3a_util.lock_key('universe', 'coins'))",
    "sync 1h --symbols SOLUSDT",
    /the lock universe:coins is held by/,
  ],
  [
    "a table of candles",
    "lock table r3a.ohlcv_1h in access exclusive mode",
    SYNC,
    /the table r3a\.ohlcv_1h.* is held by/,
  ],
  ["the ledger", "lock table r3a.run in access exclusive mode", SYNC, /the table r3a\.run is held by/],
];

test("a sync that meets a forgotten transaction ends soon with 75 and says which lock it is and who holds it", async () => {
  expect(await world.run(SYNC)).toMatchObject({ code: 0 });
  for (const [what, statement, command, lock] of FORGOTTEN) {
    // 124 would be the deadline
    const run = await withForgotten(statement, () => world.run(`${command} --deadline 30`));
    expect([what, run.code, run.stderr]).toEqual([what, 75, expect.stringMatching(lock)]);
    expect([what, run.stderr]).toEqual([what, expect.stringMatching(HOLDER)]);
    expect([what, run.stderr]).toEqual([what, expect.stringMatching(/pg_terminate_backend/)]);
    expect(await world.run(command)).toMatchObject({ code: 0 });
  }
}, 180_000);

test("a deadline that comes before the end of the wait names statement, lock and holder too", async () => {
  const { ms } = await world.run(SYNC);
  const deadlineS = deadlineInWait(ms);
  const run = await withForgotten("select * from r3a.api_budget for update", () =>
    world.run(`${SYNC} --deadline ${deadlineS}`),
  );
  expect(run.code, run.stderr).toBe(124);
  expect(run.stderr).toMatch(/the deadline of \d+ s passed/);
  expect(run.stderr).toMatch(HOLDER);
});

test("a health that meets the held ledger waits for no lock: the rest is measured, and nothing is written", async () => {
  const before = await world.database.query("select from r3a.run");
  const run = await withForgotten("lock table r3a.run in access exclusive mode", () =>
    world.run("health --json", { SYMBOLS: "BTCUSDT" }),
  );
  expect(run.code).toBe(1);
  const { checks, databaseUp } = JSON.parse(run.stdout);
  expect(databaseUp).toBe(true);
  expect(checks["activity:age"][0].output).toContain("could not be measured: no answer within 5 s");
  expect(checks["integrity:faults"].map(({ status }: { status: string }) => status)).not.toContain("error");
  expect(run.stderr).toContain("this run is not in the ledger: no answer within 2 s");
  expect(await world.database.query("select from r3a.run")).toEqual(before);
});
