import { createServer } from "node:net";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { runDoctor } from "../support/doctor.ts";
import { withSession } from "../support/empty-database.ts";
import { useWorld } from "../support/world.ts";

const world = useWorld();
const query = (sql: string, values: readonly unknown[] = []) => world.database.query(sql, values);
const look = (only: string, env: Readonly<Record<string, string>> = {}) => runDoctor(world.env(env), only);

beforeAll(async () => {
  for (const interval of ["1m", "15m", "1h", "4h", "1d"]) {
    const since = new Date(Date.now() - 2 * 86_400_000).toISOString();
    const run = await world.run(`sync ${interval} --symbols BTCUSDT`, { FALLBACK_START: since });
    expect(run).toMatchObject({ code: 0 });
  }
});
afterEach(() => {
  world.exchange.clearFaults();
  world.exchange.resetWeight();
  world.exchange.set({ clock: { offsetMs: 0 } });
});

const dbUrl = (change: Partial<URL>) => ({ DB_URL: Object.assign(new URL(world.database.url), change).href });

test("a database that a sync has just filled has nothing to fail for, and changes nothing by being looked at", async () => {
  const before = await query("select xmin::text, * from r3a.run order by started_at");
  const { code, checks } = await runDoctor(world.env());
  expect(checks.filter(({ status }) => status === "fail")).toEqual([]);
  expect(code).toBe(0);
  const noteworthy = checks.filter(({ status }) => status === "warn").map(({ name }) => name);
  // the leaves of the next period are maint's work
  expect(noteworthy).toEqual(["leaves"]);
  expect(checks.find(({ name }) => name === "exchange")?.found).toMatch(
    /answers as simulated, \d+ of 6,000 weight/,
  );
  expect(await query("select xmin::text, * from r3a.run order by started_at")).toEqual(before);
});

test("for a person it prints a block for each check, without colour", async () => {
  const { code, stdout } = await world.run("doctor", { HOME: "/nowhere" });
  expect(code).toBe(0);
  expect(stdout).toMatch(/^✓ pass {2}db-url +DB_URL has the right form\n/);
  expect(stdout).toMatch(/\n! warn {2}leaves +.*ohlcv_1m_.*\n +-> runner maint/);
  expect(stdout).toMatch(/- skip {2}cluster: no cluster is configured/);
  expect(stdout).toMatch(/\d+ passed, 1 warned, 0 failed, \d+ skipped\n$/);
  expect(stdout).not.toContain("\u001b");
});

test("wrong settings are findings and not exit 78, and no secret is shown", async () => {
  const { code, of } = await runDoctor({
    DB_URL: "mysql://u:canary-4711@h/d",
    UNIVERSE_SIZE: "0",
    SYNC_INTERVALS: "2m",
  });
  expect(code).toBe(1);
  expect(of("db-url")).toMatchObject({ status: "fail", remedy: expect.stringContaining("postgresql://") });
  expect(of("settings")?.found).toMatch(
    /SYNC_INTERVALS must be one of.*UNIVERSE_SIZE must be a whole number/,
  );
  expect(of("database")).toMatchObject({ status: "skip", found: "needs db-url, see there" });
  expect(JSON.stringify([of("db-url"), of("settings")])).not.toContain("canary");
});

test("an unknown check and a wrong namespace are exit 64, both named", async () => {
  const { code, stderr } = await world.run("doctor --only database,databse --namespace A_b");
  expect(code).toBe(64);
  expect(stderr).toMatch(/--only must be of db-url, .*, not "databse"/);
  expect(stderr).toMatch(/--namespace must be the name of a namespace/);
});

describe("a database that is away is one failure, found at its own step", () => {
  test.each<[string, () => Record<string, string>, RegExp]>([
    [
      "a host that does not resolve",
      () => dbUrl({ host: "nowhere.invalid:5432" }),
      /nowhere\.invalid:5432 does not resolve/,
    ],
    [
      "a port that refuses",
      () => dbUrl({ host: "127.0.0.1:1" }),
      /nothing answers at 127\.0\.0\.1:1.*ECONNREFUSED/,
    ],
    ["a wrong password", () => dbUrl({ password: "canary-4711" }), /does not let us in.*password.*28P01/],
    [
      "a database that is not there",
      () => dbUrl({ pathname: "/nowhere" }),
      /"nowhere" does not exist \(3D000\)/,
    ],
  ])("%s", async (_, env, found) => {
    const { code, checks, of } = await runDoctor(world.env(env()));
    expect(code).toBe(1);
    expect(of("database")).toMatchObject({ status: "fail", found: expect.stringMatching(found) });
    expect(checks.filter(({ status }) => status === "fail").map(({ name }) => name)).toEqual(["database"]);
    expect(checks.filter(({ found }) => found === "needs database, see there").length).toBeGreaterThan(15);
    expect(of("exchange")?.status).toBe("pass");
    expect(JSON.stringify(checks)).not.toContain("canary");
  });

  test("a server that takes the connection and then says nothing ends the check, and hides no other", async () => {
    const mute = createServer(() => {});
    await new Promise<void>((resolve) => mute.listen(0, "127.0.0.1", resolve));
    const address = mute.address();
    const port = typeof address === "object" ? address?.port : 0;
    const { code, of } = await runDoctor(world.env(dbUrl({ host: `127.0.0.1:${port}` })));
    mute.close();
    expect(code).toBe(1);
    expect(of("database")?.found).toMatch(/does not let us in: .*timeout|could not be checked within 5 s/);
    expect(of("exchange")?.status).toBe("pass");
  });
});

test("a table that somebody has locked ends its checks with the server's words, and the lock is named", async () => {
  await withSession(world.database.url, async (holder) => {
    await holder.query("begin; lock table r3a.run in access exclusive mode");
    const { of } = await look("runs,running,gaps");
    expect(of("runs")).toMatchObject({ status: "fail", found: expect.stringMatching(/lock timeout/) });
    expect(of("gaps")?.status).toBe("pass");
  });
});

test("a server that takes no writes", async () => {
  const [{ name = "" } = {}] = await world.database.query<{ name: string }>(
    "select current_database() as name",
  );
  await query(`alter database ${name} set default_transaction_read_only = on`);
  const { of } = await look("server");
  await withSession(world.database.url, async (client) => {
    await client.query("set default_transaction_read_only = off");
    await client.query(`alter database ${name} reset default_transaction_read_only`);
  });
  expect(of("server")).toMatchObject({
    status: "fail",
    found: expect.stringMatching(/nothing can be written/),
  });
});

test("a clock of ours that is two minutes ahead", async () => {
  const shift = "data:text/javascript,globalThis.now=Date.now;Date.now=()=>now()+120000";
  const { code, of } = await look("clock-database,clock-exchange", { NODE_OPTIONS: `--import ${shift}` });
  expect(code).toBe(1);
  for (const whose of ["database", "exchange"])
    expect(of(`clock-${whose}`)).toMatchObject({
      status: "fail",
      found: expect.stringMatching(`2 min ahead of the ${whose}'s`),
    });
});

describe("the exchange", () => {
  test("that is away", async () => {
    await world.exchange.stop();
    const { code, of } = await look("exchange,origin");
    await world.exchange.listen();
    expect([code, of("exchange")?.found]).toEqual([
      1,
      expect.stringMatching(/cannot be reached.*ECONNREFUSED/),
    ]);
    expect(of("origin")?.status).toBe("skip");
  });

  test.each([
    ["451", /refuses this region/, /region/],
    ["418", /banned this address/, /wait/],
    ["403", /web firewall/, /wait/],
  ] as const)("that answers with %s", async (kind, found, remedy) => {
    world.exchange.addFault({ kind });
    const { code, of } = await look("exchange");
    expect(code).toBe(1);
    expect(of("exchange")).toMatchObject({
      status: "fail",
      found: expect.stringMatching(found),
      remedy: expect.stringMatching(remedy),
    });
  });

  test("that banned us is told, and not asked", async () => {
    await query("update r3a.api_budget set banned_until = now() + interval '10 min'");
    const asked = world.exchange.requests.length;
    const { code, of } = await look("budget,exchange");
    await query("update r3a.api_budget set banned_until = '-infinity'");
    expect(code).toBe(1);
    expect(of("budget")).toMatchObject({
      status: "fail",
      found: expect.stringMatching(/default is banned \(418\) for 10 min/),
    });
    expect(of("exchange")?.found).toMatch(/^not asked, since this address is banned/);
    expect(world.exchange.requests.length).toBe(asked);
  });

  test("that is not the one which filled the database", async () => {
    await query("update r3a.origin set exchange = 'binance'");
    const { code, of } = await look("origin");
    await query("update r3a.origin set exchange = 'simulated'");
    expect([code, of("origin")?.found]).toEqual([
      1,
      expect.stringMatching(/filled from binance.*answers as simulated/),
    ]);
  });
});
