import { afterAll, beforeAll, expect, test } from "vitest";
import { type Database, openDatabase } from "../../runner/src/db/connect.ts";
import { findPooler, readServer } from "../../runner/src/db/doctor/reach.ts";
import { withReader } from "../../runner/src/db/doctor/reader.ts";
import { listHolders, probeLock } from "../../runner/src/db/doctor/sessions.ts";
import { listBudgets } from "../../runner/src/db/doctor/stored.ts";
import { useDatabase } from "../support/database/database.ts";
import { withSession } from "../support/database/empty-database.ts";
import { startTransactionPooler } from "../support/database/transaction-pooler.ts";

const database = useDatabase();
const signal = new AbortController().signal;
let db: Database;

beforeAll(() => {
  db = openDatabase(database.url, "doctor");
});
afterAll(() => db.pool.end());

test("the weight of this minute, and what is left of each hold and ban, are told by address", async () => {
  await database.query(`insert into r3a.api_budget (egress_key, minute, used, hold_until, firewall_until, banned_until) values
    ('held', date_trunc('minute', now()), 7, now() + interval '1 h', '-infinity', '-infinity'),
    ('walled', now() - interval '1 h', 8, '-infinity', now() + interval '2 h', now() - interval '1 h'),
    ('banned', '-infinity', 9, '-infinity', '-infinity', now() + interval '3 h')`);
  const rows = await listBudgets(db, signal);
  const hours = (ms: number) => Math.round(ms / 3_600_000) + 0; // -0 is 0
  expect(
    rows.map((row) => [
      row.egress_key,
      row.used,
      hours(row.hold_ms),
      hours(row.firewall_ms),
      hours(row.banned_ms),
    ]),
  ).toEqual([
    ["banned", 0, 0, 0, 3],
    ["held", expect.toBeOneOf([0, 7]), 1, 0, 0],
    ["walled", 0, 0, 2, 0],
  ]);
});

test("the server says of itself that it is here, in UTF8, and takes writes", async () => {
  expect(await readServer(db, signal)).toMatchObject({
    encoding: "UTF8",
    is_standby: false,
    is_read_only: false,
  });
});

test("a lock is taken and given back on one session, and nobody holds it afterwards", async () => {
  expect(await probeLock(db, signal)).toEqual({ acquired: true, released: true });
  await withSession(database.url, async (client) => {
    await client.query("select r3a_util.acquire_lock('doctor', 'probe')");
    expect(await probeLock(db, signal)).toEqual({ acquired: false, released: false });
  });
});

test("a statement that hangs is cut with its connection, and the pool goes on", async () => {
  const stop = new AbortController();
  const reading = withReader(db, stop.signal, (client) => client.query("select pg_sleep(60)"));
  const isAsleep = () =>
    database.query(
      "select from pg_stat_activity where query like '%pg_sleep(60)%' and pid <> pg_backend_pid() and state = 'active' and datname = current_database()",
    );
  await expect.poll(async () => (await isAsleep()).length).toBe(1);
  stop.abort();
  // not the four seconds that a statement has: the connection is cut
  await expect(reading).rejects.toBe(stop.signal.reason);
  expect(await listHolders(db, signal)).toEqual([]);
  await expect.poll(async () => (await isAsleep()).length, { timeout: 20_000 }).toBe(0);
});

test("a pooler in transaction mode is found out, and a direct connection is none", async () => {
  expect((await findPooler(db, signal)).pids).toHaveLength(1);
  const pooler = await startTransactionPooler(database.url);
  const behind = openDatabase(pooler.url, "doctor");
  try {
    expect((await findPooler(behind, signal)).pids.length).toBeGreaterThan(1);
  } finally {
    await behind.pool.end();
    await pooler.stop();
  }
});
