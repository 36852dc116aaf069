import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { useEmptyDatabases, withSession } from "../support/database/empty-database.ts";
import { runRunner, startRunner } from "../support/runner.ts";

const emptyDatabase = useEmptyDatabases();

/** The same database behind a port on which nobody listens yet; `open` lets connections through. */
async function closedDoor(url: string): Promise<{ url: string; open: () => Promise<() => void> }> {
  const { hostname, port } = new URL(url);
  const reserved = createServer().listen(0, "127.0.0.1");
  await once(reserved, "listening");
  const { port: own } = reserved.address() as AddressInfo;
  reserved.close();
  await once(reserved, "close");
  const behind = new URL(url);
  behind.host = `127.0.0.1:${own}`;
  return {
    url: behind.href,
    async open() {
      const server = createServer((client) => {
        const socket = connect(Number(port), hostname);
        for (const [from, to] of [
          [client, socket],
          [socket, client],
        ] as const)
          from.on("error", () => to.destroy()).pipe(to);
      });
      server.listen(own, "127.0.0.1");
      await once(server, "listening");
      return () => void server.close();
    },
  };
}

test("migrate --wait tries again until the database is there", async () => {
  const door = await closedDoor(await emptyDatabase());
  const { ended } = startRunner(["migrate", "--wait", "40"], { DB_URL: door.url });
  await sleep(2_500);
  const close = await door.open();
  const { code, stdout, stderr } = await ended;
  close();
  expect([code, stdout]).toEqual([0, expect.stringContaining("applied ")]);
  expect(stderr).toContain("[RUN] trying again: ");
});

test("migrate --wait ends with 75 when the time is over, and without it at once", async () => {
  const { url } = await closedDoor(await emptyDatabase());
  const waited = await runRunner(["migrate", "--wait", "2"], { DB_URL: url });
  expect([waited.code, waited.ms > 2_000]).toEqual([75, true]);
  const { code, stderr } = await runRunner(["migrate"], { DB_URL: url });
  expect([code, stderr]).toEqual([75, expect.not.stringContaining("trying again")]);
});

test("migrate --wait does not wait for what no time mends", async () => {
  const url = new URL(await emptyDatabase());
  url.pathname = "/nosuchdb";
  const { code, stderr, ms } = await runRunner(["migrate", "--wait", "30"], { DB_URL: url.href });
  expect([code, stderr]).toEqual([78, expect.stringContaining('database "nosuchdb" does not exist')]);
  expect(ms).toBeLessThan(20_000);
});

test("migrate waits for a session that holds a table, says who that is, and ends well", async () => {
  const url = await emptyDatabase();
  const applied = await runRunner(["migrate"], { DB_URL: url });
  expect(applied.code).toBe(0);
  const { ended } = await withSession(url, async (holder) => {
    await holder.query("delete from r3a.migration where name >= '000004'");
    await holder.query("set application_name = 'forgotten psql'; begin");
    await holder.query("lock table r3a.ohlcv_gap_log in access exclusive mode");
    const running = startRunner(["migrate", "--wait", "120"], { DB_URL: url });
    await sleep(8_000);
    return running;
  });
  const { code, stdout, stderr } = await ended;
  expect([code, stderr]).toEqual([
    0,
    expect.stringMatching(
      /trying again: .*the table r3a\.ohlcv_gap_log is held by pid \d+ \(forgotten psql\), idle in transaction/,
    ),
  ]);
  expect(stdout).toMatch(/^applied 000004_gaps\n/);
  expect(stdout).toMatch(/applied 000012_old_layout\n$/);
}, 60_000);

test("migrate that waits for a table ends at its deadline, and says who holds the table", async () => {
  const url = await emptyDatabase();
  expect((await runRunner(["migrate"], { DB_URL: url })).code).toBe(0);
  const { code, stderr } = await withSession(url, async (holder) => {
    await holder.query("delete from r3a.migration where name >= '000004'");
    await holder.query("set application_name = 'forgotten psql'; begin; lock table r3a.ohlcv_gap_log");
    return runRunner(["migrate", "--wait", "120", "--deadline", "9"], { DB_URL: url });
  });
  expect([code, stderr]).toEqual([124, expect.stringMatching(/held by pid \d+ \(forgotten psql\)/)]);
}, 60_000);
