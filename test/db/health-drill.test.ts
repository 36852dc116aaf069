import { afterEach, beforeEach, expect, test } from "vitest";
import { DAY_MS } from "../../runner/src/time.ts";
import { NOW, resultFor, useSyncedDatabase } from "../support/health/synced-database.ts";

const { database, measure } = useSyncedDatabase();

const at = (daysAgo: number) => `to_timestamp(${(NOW - daysAgo * DAY_MS) / 1000})`;

function addDrill(tier: string, daysAgo: number, verdict: string, fault = "") {
  return database.query(`
    insert into r3a.drill (run_id, tier, begun_at, finished_at, verdict, faults)
    values (gen_random_uuid(), '${tier}', ${at(daysAgo)}, ${at(daysAgo)}, '${verdict}', '${fault === "" ? "{}" : `{${fault}}`}')`);
}
const drilled = async () => resultFor(await measure(), "backup drill");

beforeEach(() =>
  database.query(`
    insert into r3a.backup (run_id, kind, snapshot_at, outcome, tiers)
    values (gen_random_uuid(), 'daily', ${at(0)}, 'complete', '{hot}')`),
);
afterEach(() => database.query("truncate r3a.backup, r3a.drill"));

test("where no drill was ever made, health says so", async () => {
  expect(await drilled()).toMatchObject({
    status: "skip",
    output: expect.stringContaining("no drill was ever made"),
  });
});

test("the last drill that passed counts, of whatever tier, and warns from 8 days on and fails from 16", async () => {
  await addDrill("hot", 20, "passed");
  expect(await drilled()).toMatchObject({ status: "fail", observed: 20 * 86_400 });
  await addDrill("cold", 9, "passed");
  expect(await drilled()).toMatchObject({
    status: "warn",
    criteria: { warn: 8 * 86_400, fail: 16 * 86_400 },
    output: expect.stringContaining("the last drill that passed is 9.0 d old: run drill"),
  });
  await addDrill("warm", 2, "passed");
  await addDrill("hot", 1, "open", "the exchange is away");
  expect(await drilled()).toMatchObject({ status: "pass", at: NOW - 2 * DAY_MS });
});

test("a drill that failed fails until one of the same tier passes", async () => {
  await addDrill("cold", 3, "failed", "no key fits");
  await addDrill("hot", 1, "passed");
  expect(await drilled()).toMatchObject({
    status: "fail",
    output: expect.stringContaining("the last drill of cold failed"),
    names: ["cold 2024-06-17T12:10:00Z: no key fits"],
  });
  await addDrill("cold", 0.5, "passed");
  expect(await drilled()).toMatchObject({ status: "pass" });
});

test("where every drill was left open, none has proved anything", async () => {
  await addDrill("hot", 1, "open", "the exchange is away");
  expect(await drilled()).toMatchObject({ status: "fail", names: ["hot: the exchange is away"] });
});
