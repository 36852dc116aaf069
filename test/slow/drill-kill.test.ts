import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { useDrilledTier } from "../support/drill/drilled-tier.ts";
import { ask, COMMIT, type KillWire, startKillWire } from "../support/kill-wire.ts";

const drilled = useDrilledTier();
const { world, server, env, runJson, left } = drilled;
const SESSIONS = `
  select application_name from pg_stat_activity
  where application_name ~ '^r3a drill' and (datname = current_database() or datname ~ '^r3a_drill_')`;

/** `isScratch`: the wire before the server for drills shows the moment, and not that before production. */
const POINTS = [
  { ...ask("its row among the runs", "after", "insert into r3a.run ("), isScratch: false },
  { ...ask("the lock of its database", "after", "pg_try_advisory_lock"), isScratch: true },
  { ...ask("its database", "after", "create database"), isScratch: true },
  { ...ask("the schema", "after", "create schema r3a_restore"), isScratch: true },
  { ...ask("the first leaf", "after", "delete from r3a_restore.leaf", COMMIT), isScratch: true },
  { ...ask("the end of the restore", "after", "drop schema r3a_restore"), isScratch: true },
  {
    ...ask("the end of its database", "before", "drop schema r3a_restore", "drop database"),
    isScratch: true,
  },
  { ...ask("its verdict", "before", "insert into r3a.drill ("), isScratch: false },
  { ...ask("its verdict", "after", "insert into r3a.drill ("), isScratch: false },
];

let [production, scratch]: (KillWire | undefined)[] = [];
beforeAll(async () => {
  production = await startKillWire(world.database.url);
  scratch = await startKillWire(server.urlOf("postgres"));
});
afterAll(async () => {
  await production?.stop();
  await scratch?.stop();
});

async function waitForSessions(): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    const found = [...(await world.database.query(SESSIONS)), ...(await server.query(SESSIONS))];
    if (found.length === 0) return;
    if (tries === 600) throw new Error(`sessions of a killed drill are left: ${JSON.stringify(found)}`);
    await sleep(50);
  }
}

test("kill -9 at each of its steps: the next drill drops what is left and has its own verdict", async () => {
  for (const point of POINTS) {
    const wire = point.isScratch ? scratch : production;
    if (production === undefined || scratch === undefined || wire === undefined) throw new Error("no wire");
    const wired = { ...env, DB_URL: production.url, DRILL_DB_URL: scratch.url };
    const drill = world.start("drill --tier hot", wired);
    let isReached = false;
    wire.arm(point, () => {
      isReached = true;
      drill.child.kill("SIGKILL");
    });
    const { signal, stderr } = await drill.ended;
    wire.disarm();
    expect([point.name, isReached, signal, isReached ? "" : stderr]).toEqual([
      point.name,
      true,
      "SIGKILL",
      "",
    ]);
    await waitForSessions();
    expect((await left()).length).toBeLessThanOrEqual(1);
  }
  expect(await world.database.query("select verdict from r3a.drill")).toHaveLength(1);
  expect(await runJson("drill --tier hot", 0)).toMatchObject({ verdict: "passed", faults: [] });
  expect(await left()).toEqual([]);
  expect(await world.database.query("select verdict from r3a.drill")).toHaveLength(2);
}, 600_000);
