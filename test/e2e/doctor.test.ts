import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { isFailure } from "../../runner/src/status.ts";
import { whileReadOnly, withSession } from "../support/database/empty-database.ts";
import { startTcpProxy } from "../support/database/tcp-proxy.ts";
import { runDoctor } from "../support/doctor/doctor.ts";
import { useWorld } from "../support/world.ts";

const world = useWorld();
const query = (sql: string, values: readonly unknown[] = []) => world.database.query(sql, values);
const ENV = { SYMBOLS: "BTCUSDT" };
const look = (only: string, env: Readonly<Record<string, string>> = {}) =>
  runDoctor(world.env({ ...ENV, ...env }), only);

beforeAll(async () => {
  for (const interval of ["1m", "15m", "1h", "4h", "1d"]) {
    const since = new Date(Date.now() - 2 * 86_400_000).toISOString();
    const run = await world.run(`sync ${interval}`, { ...ENV, FALLBACK_START: since });
    expect(run).toMatchObject({ code: 0 });
  }
});
afterEach(() => {
  world.exchange.resetWeight();
});

const dbUrl = (change: Partial<URL>) => ({ DB_URL: Object.assign(new URL(world.database.url), change).href });

test("a database that a sync has just filled has nothing to fail for, and changes nothing by being looked at", async () => {
  const before = await query("select xmin::text, * from r3a.run order by started_at");
  const { code, checks } = await runDoctor(world.env(ENV));
  expect(checks.filter(({ status }) => isFailure(status))).toEqual([]);
  expect(code).toBe(0);
  const noteworthy = checks.filter(({ status }) => status === "warn").map(({ name }) => name);
  // the leaves of the next period are maint's work, and 15 of the intervals' checks are about the 60 largest
  expect(noteworthy).toEqual(["health", "health integrity leaves"]);
  expect(checks.find(({ name }) => name === "exchange")?.output).toMatch(
    /answers as simulated, \d+ of 6,000 weight/,
  );
  expect(await query("select xmin::text, * from r3a.run order by started_at")).toEqual(before);
});

test("for a person it prints a block for each check, without colour", async () => {
  const { code, stdout } = await world.run("doctor", { ...ENV, HOME: "/nowhere" });
  expect(code).toBe(0);
  expect(stdout).toMatch(/^✓ pass {3}db-url +DB_URL has the right form\n/);
  expect(stdout).toMatch(
    /\n! warn {3}health integrity leaves +.*run maint.*ohlcv_1m_.*\n +-> docs\/operations\.md/,
  );
  expect(stdout).toMatch(/- skip {3}cluster: no cluster is configured/);
  expect(stdout).toMatch(/\d+ passed, 1 warned, 0 failed, \d+ skipped\n$/);
  expect(stdout).not.toContain("\u001b");
});

test("wrong settings are findings and not exit 78, and no secret is shown", async () => {
  const { code, of } = await runDoctor({
    DB_URL: "postgresql://u:4711/canary@h/d",
    UNIVERSE_SIZE: "0",
    SYNC_INTERVALS: "2m",
  });
  expect(code).toBe(1);
  expect(of("db-url")).toMatchObject({
    status: "fail",
    remedy:
      "set DB_URL to postgresql://HOST:5432/DATABASE with USER:PASSWORD@ before the host; of a password, @ : / ? # and % are written as %40 %3A %2F %3F %23 %25",
  });
  expect(of("settings")?.output).toMatch(
    /SYNC_INTERVALS must be one of.*UNIVERSE_SIZE must be a whole number/,
  );
  expect(of("database")).toMatchObject({ status: "skip", output: "needs db-url, see there" });
  expect(JSON.stringify([of("db-url"), of("settings")])).not.toMatch(/canary|4711/);
});

test("an unknown check and a wrong namespace are exit 64, both named", async () => {
  const { code, stderr } = await world.run("doctor --only database,databse --namespace A_b");
  expect(code).toBe(64);
  expect(stderr).toMatch(/--only must be a list of db-url, .*, not "databse"/);
  expect(stderr).toMatch(/--namespace must be the name of a namespace/);
});

describe("a database that is away is one failure, found at its own step", () => {
  test.each<[string, () => Record<string, string>, RegExp, RegExp]>([
    [
      "a host that does not resolve",
      () => dbUrl({ host: "nowhere.invalid:5432" }),
      /nowhere\.invalid:5432 does not resolve/,
      /correct the host/,
    ],
    [
      "a port that refuses",
      () => dbUrl({ host: "127.0.0.1:1" }),
      /nothing answers at 127\.0\.0\.1:1.*ECONNREFUSED/,
      /start the server/,
    ],
    [
      "a socket that is not there",
      () => dbUrl({ search: "?host=/nowhere" }),
      /nothing answers at \/nowhere: .*ENOENT/,
      /start the server/,
    ],
    [
      "a server without TLS",
      () => dbUrl({ search: "?sslmode=verify-full" }),
      /^no safe connection to 127\.0\.0\.1:\d+: the server at 127\.0\.0\.1 offers no TLS$/,
      /ssl = on/,
    ],
    [
      "no password",
      () => dbUrl({ password: "" }),
      /it asks for a password, and DB_URL has none/,
      /add the password/,
    ],
    [
      "a wrong password",
      () => dbUrl({ password: "canary-4711" }),
      /refuses the login.*password.*28P01/,
      /correct the password/,
    ],
    [
      "a database that is not there",
      () => dbUrl({ pathname: "/nowhere" }),
      /"nowhere" does not exist \(3D000\)/,
      /correct the name of the database/,
    ],
  ])("%s", async (_, env, output, remedy) => {
    const { code, checks, of } = await runDoctor(world.env(env()));
    expect(code).toBe(1);
    expect(of("database")).toMatchObject({
      status: "fail",
      output: expect.stringMatching(output),
      remedy: expect.stringMatching(remedy),
    });
    expect(checks.filter(({ status }) => status === "fail").map(({ name }) => name)).toEqual(["database"]);
    expect(checks.filter(({ output }) => output === "needs database, see there").length).toBeGreaterThan(10);
    expect(of("exchange")?.status).toBe("pass");
    expect(JSON.stringify(checks)).not.toContain("canary");
  });

  test("a server that takes the connection and then says nothing ends the check, and hides no other", async () => {
    const mute = await startTcpProxy(world.database.url, () => {});
    const { code, of } = await runDoctor(world.env({ DB_URL: mute.url }));
    await mute.stop();
    expect(code).toBe(1);
    expect(of("database")?.output).toMatch(/refuses the login: .*timeout|could not be checked within 5 s/);
    expect(of("exchange")?.status).toBe("pass");
  });
});

test("a table that somebody has locked ends its checks with the server's words, and its holder is named", async () => {
  await withSession(world.database.url, async (holder) => {
    await holder.query("set application_name = 'holder'");
    await holder.query("begin; lock table r3a.run in access exclusive mode");
    const waiter = openWaiter(world.database.url, "select from r3a.run");
    await expect
      .poll(() =>
        query("select from pg_stat_activity where application_name = 'waiter' and wait_event_type = 'Lock'"),
      )
      .toHaveLength(1);
    const { of } = await look("locks,budget,health,blocked");
    expect(of("blocked")?.output).toMatch(
      /waiter \(pid \d+\) waits .* for a lock of \d+ holder, idle in transaction/,
    );
    await holder.query("rollback");
    await waiter;
    const lacking = {
      status: "error",
      output: expect.stringMatching(/no answer within 4 s; somebody may hold/),
    };
    expect(of("health activity runs")).toMatchObject(lacking);
    expect(of("health")).toMatchObject({
      status: "error",
      output: expect.stringMatching(/^\d+ of \d+ results of health pass$/),
    });
    expect(of("budget")?.status).toBe("pass");
  });
});

const openWaiter = (url: string, statement: string) =>
  withSession(url, async (client) => {
    await client.query("set application_name = 'waiter'");
    await client.query(statement);
  });

test("a server that takes no writes", async () => {
  const { of } = await whileReadOnly(world.database.url, () => look("server"));
  expect(of("server")).toMatchObject({
    status: "fail",
    output: expect.stringMatching(/nothing can be written/),
  });
});

test("a clock of ours that is two minutes ahead", async () => {
  const shift = "data:text/javascript,globalThis.now=Date.now;Date.now=()=>now()+120000";
  const { code, of } = await look("clock-database,clock-exchange", { NODE_OPTIONS: `--import ${shift}` });
  expect(code).toBe(1);
  for (const whose of ["database", "exchange"])
    expect(of(`clock-${whose}`)).toMatchObject({
      status: "fail",
      output: expect.stringMatching(`2 min ahead of the ${whose}'s`),
    });
});
