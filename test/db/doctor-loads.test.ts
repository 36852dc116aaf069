import { expect, test } from "vitest";
import { openDatabase } from "../../runner/src/db/connect.ts";
import { listTransactions, readLoads } from "../../runner/src/db/doctor/sessions.ts";
import { judgeConnections, judgeLockSlots } from "../../runner/src/doctor/session.ts";
import { withSession } from "../support/database/empty-database.ts";
import { useOwnServer } from "../support/database/own-server.ts";

const server = useOwnServer();
const signal = new AbortController().signal;

test("a lock table and connections that are nearly used up are failures, by the server's own settings", async () => {
  for (const [name, value] of [
    ["superuser_reserved_connections", 80],
    ["max_locks_per_transaction", 10],
    ["max_prepared_transactions", 5],
  ])
    await server.query(`alter system set ${name} = ${value}`);
  await server.halt();
  await server.start();
  const db = openDatabase(server.url, "doctor");
  const before = await readLoads(db, signal);
  expect(before).toMatchObject({ locksEach: 10, slots: 1050, most: 20 });
  expect([judgeLockSlots(before).status, judgeConnections(before).status]).toEqual(["pass", "pass"]);

  await withSession(server.url, async (client) => {
    await client.query("select pg_advisory_lock(n) from generate_series(1, 850) n");
    expect(judgeLockSlots(await readLoads(db, signal))).toMatchObject({
      status: "fail",
      output: expect.stringMatching(/8\d\d of about 1,050 slots of the lock table are in use \(8\d %\)/),
    });
  });
  const hold = async (left: number): Promise<void> => {
    if (left > 0) return withSession(server.url, () => hold(left - 1));
    const loads = await readLoads(db, signal);
    expect(judgeConnections(loads)).toMatchObject({
      status: "fail",
      output: "19 of 20 connections are in use",
    });
  };
  const { connections } = await readLoads(db, signal);
  await hold(19 - connections);
  await server.query("begin; select pg_advisory_xact_lock(1); prepare transaction 'forgotten'");
  expect(await listTransactions(db, signal)).toMatchObject([
    { pid: 0, application: "prepared transaction forgotten", isIdle: true },
  ]);
  await server.query("rollback prepared 'forgotten'");
  await db.pool.end();
});
