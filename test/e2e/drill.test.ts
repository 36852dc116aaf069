import { expect, test } from "vitest";
import { useDrilledTier } from "../support/drill/drilled-tier.ts";

const { world, server, env, runJson, left } = useDrilledTier();

/** Two symbols, 30 hours of 15m and 1h. */
const ROWS = 2 * (120 + 30);
const LEDGER = `select tier, verdict, golden, rto_s, whole_s, rpo_s, damaged, faults from r3a.drill order by finished_at`;

test("a plan names the tier whose turn it is, and changes nothing", async () => {
  const plan = await runJson("drill --dry-run", 0, { BACKUP_IDENTITY: "" });
  expect(plan).toMatchObject({ dryRun: true, tier: "hot", leaves: 2, rows: ROWS, left: [] });
  expect([await left(), await world.database.query(LEDGER)]).toEqual([[], []]);
});

test("the newest backup of each tier by turns is restored, compared and dropped, and the ledger keeps it", async () => {
  // a drill that was killed left its database; one that is no drill's is nobody's business
  await server.query("create database r3a_drill_0123456789ab");
  await server.query("create database r3a_drill_mine");
  const first = await runJson("drill", 0);
  expect(first).toMatchObject({
    verdict: "passed",
    tier: "hot",
    leaves: 2,
    rows: ROWS,
    golden: 80,
    faults: [],
  });
  expect(first.damage?.reason).toContain(first.damage?.key);
  expect(await left()).toEqual(["r3a_drill_mine"]);
  const second = await world.run("drill", env);
  expect([second.code, second.stdout]).toEqual([0, expect.stringMatching(/^the drill of warm PASSED: /)]);
  expect(second.stdout).toMatch(/^RTO: the hot set was there after \d+ s \(warm promises 30 min\)/m);
  expect(await world.database.query(LEDGER)).toMatchObject([
    { tier: "hot", verdict: "passed", golden: 80, damaged: first.damage?.key, faults: [] },
    { tier: "warm", verdict: "passed", rto_s: expect.any(String), whole_s: expect.any(String) },
  ]);
  expect(
    await world.database.query("select outcome, exit_code from r3a.run where command = 'drill'"),
  ).toEqual([
    { outcome: "success", exit_code: 0 },
    { outcome: "success", exit_code: 0 },
  ]);
  for (const secret of [env.BACKUP_IDENTITY ?? "?", new URL(env.DRILL_DB_URL ?? "").password])
    expect(`${second.stdout}${second.stderr}`).not.toContain(secret);
});

test("the server of DB_URL is refused, and so is one that cannot be reached", async () => {
  const same = await world.run("drill", { ...env, DRILL_DB_URL: world.database.url });
  expect([same.code, same.stderr]).toEqual([78, expect.stringContaining("--accept-same-server")]);
  const away = await world.run("drill --dry-run", { ...env, DRILL_DB_URL: "postgresql://a:b@127.0.0.1:1/x" });
  expect([away.code, away.stderr]).toEqual([75, expect.stringContaining("(DRILL_DB_URL)")]);
});
