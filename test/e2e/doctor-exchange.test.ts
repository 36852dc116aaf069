import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { runDoctor } from "../support/doctor/doctor.ts";
import { useWorld } from "../support/world.ts";

const world = useWorld();
const query = (sql: string) => world.database.query(sql);
const look = (only: string) => runDoctor(world.env(), only);

beforeAll(async () => {
  const since = new Date(Date.now() - 2 * 86_400_000).toISOString();
  const run = await world.run("sync 1h --symbols BTCUSDT", { FALLBACK_START: since });
  expect(run).toMatchObject({ code: 0 });
});
afterEach(() => {
  world.exchange.clearFaults();
  world.exchange.resetWeight();
});

describe("the exchange", () => {
  test("that is away", async () => {
    await world.exchange.stop();
    const { code, of } = await look("exchange,origin");
    await world.exchange.listen();
    expect([code, of("exchange")?.output]).toEqual([
      1,
      expect.stringMatching(/cannot be reached.*ECONNREFUSED/),
    ]);
    expect(of("origin")?.status).toBe("skip");
  });

  test.each([
    ["451", /refuses this region/, /region/],
    ["418", /banned this address/, /wait/],
    ["403", /web firewall/, /wait/],
  ] as const)("that answers with %s", async (kind, output, remedy) => {
    world.exchange.addFault({ kind });
    const { code, of } = await look("exchange");
    expect(code).toBe(1);
    expect(of("exchange")).toMatchObject({
      status: "fail",
      output: expect.stringMatching(output),
      remedy: expect.stringMatching(remedy),
    });
  });

  test.each([
    ["banned_until", 1, "banned (418)"],
    ["firewall_until", 1, "held by the web firewall (403)"],
    ["hold_until", 0, "held (429)"],
  ] as const)("that stopped us (%s) is told, and not asked", async (column, exitCode, word) => {
    await query(`update r3a.api_budget set ${column} = now() + interval '10 min'`);
    const asked = world.exchange.requests.length;
    const { code, of } = await look("budget,exchange");
    await query(`update r3a.api_budget set ${column} = '-infinity'`);
    expect(code, JSON.stringify([of("budget"), of("exchange")])).toBe(exitCode);
    expect(of("budget")).toMatchObject({
      status: exitCode === 1 ? "fail" : "warn",
      output: expect.stringContaining(`default is ${word} for 10 min`),
    });
    expect(of("exchange")?.output).toContain(`not asked, since this address is ${word}`);
    expect(world.exchange.requests.length).toBe(asked);
  });

  test("that is not the one which filled the database", async () => {
    await query("update r3a.origin set exchange = 'binance'");
    const { code, of } = await look("origin");
    await query("update r3a.origin set exchange = 'simulated'");
    expect([code, of("origin")?.output]).toEqual([
      1,
      expect.stringMatching(/filled from binance.*answers as simulated/),
    ]);
  });
});
