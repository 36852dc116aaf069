import { afterAll, beforeAll, expect, test } from "vitest";
import { closeDatabase, type Database, openDatabase, withClient } from "../../runner/src/db/connect.ts";
import { openLockSession } from "../../runner/src/db/lock.ts";
import { own } from "../../runner/src/db/session.ts";
import { TryAgain } from "../../runner/src/errors.ts";
import { useDatabase } from "../support/database/database.ts";
import { useOwnServer } from "../support/database/own-server.ts";
import { startWireProxy } from "../support/database/wire-proxy.ts";

/** After a fail-over the address of DB_URL leads to another server, which knows nothing of the locks on the first one. */
const database = useDatabase();
const promoted = useOwnServer();
/** One login of both servers, as after a fail-over. */
const LOGIN = "r3a_elsewhere";

beforeAll(async () => {
  for (const { query } of [database, promoted]) await query(`create role ${LOGIN} login password 'same'`);
  await promoted.query(`create database ${new URL(database.url).pathname.slice(1)}`);
});
afterAll(() => database.query(`drop role ${LOGIN}`));

/** The proxy of an address, and the fail-over of that address. */
async function startAddress() {
  let isOver = false;
  const url = new URL(database.url);
  [url.username, url.password] = [LOGIN, "same"];
  const proxy = await startWireProxy(url.href, () => (isOver ? { target: promoted.url } : {}));
  const failOver = () => {
    isOver = true;
  };
  return { ...proxy, failOver };
}

const ask = "select current_setting('port') as port";
const WAYS: readonly (readonly [name: string, connect: (db: Database) => Promise<unknown>])[] = [
  ["a connection of the pool", (db) => withClient(db, (client) => client.query(ask))],
  ["a connection of its own", (db) => own(db, new AbortController().signal, ({ query }) => query(ask))],
];

test.each(WAYS)("%s that meets another server ends the locked work at once", async (name, connect) => {
  const proxy = await startAddress();
  const db = openDatabase(proxy.url, "elsewhere");
  const locks = await openLockSession(db);
  try {
    // a lock of its own for each case: the server needs a moment to notice that the one before has gone
    expect(await locks.tryLock("series", name)).toBe(true);
    await own(db, new AbortController().signal, ({ query }) => query(ask));
    expect(locks.lost.aborted).toBe(false);
    proxy.failOver();
    await connect(db).catch(() => {});
    expect(locks.lost.reason).toBeInstanceOf(TryAgain);
    expect(locks.lost.reason.message).toContain("leads to another server");
    await expect(locks.tryLock("series", "ETHUSDT:1m")).rejects.toThrow();
  } finally {
    await locks.end();
    await closeDatabase(db);
    await proxy.stop();
  }
});

test("the next run takes its locks on the new server, and goes on", async () => {
  const proxy = await startAddress();
  const db = openDatabase(proxy.url, "next");
  try {
    await (await openLockSession(db)).end();
    proxy.failOver();
    const locks = await openLockSession(db);
    await withClient(db, (client) => client.query(ask));
    expect(await locks.tryLock("series", "BTCUSDT:1m")).toBe(true);
    expect(locks.lost.aborted).toBe(false);
    await locks.end();
  } finally {
    await closeDatabase(db);
    await proxy.stop();
  }
});
