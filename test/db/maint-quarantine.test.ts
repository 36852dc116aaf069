import { beforeAll, beforeEach, expect, test } from "vitest";
import { withClient } from "../../dev/postgres/with-client.ts";
import { leafAt } from "../../runner/src/partition/layout.ts";
import { makeSeries } from "../support/candle/made-series.ts";
import { useDatabase } from "../support/database/database.ts";
import { rewriteLeaf } from "../support/leaf/swaps.ts";
import { startMaint } from "../support/maint/runs.ts";

const database = useDatabase();
const LEAF = leafAt("1m", Date.UTC(2024, 4));
const HOUR = 3_600_000;

const maint = async (...args: string[]) => {
  const run = await startMaint(database, ["--json", ...args].join(" ")).ended;
  expect(run.code, run.stderr).toBe(0);
  return { ...run, result: JSON.parse(run.stdout) };
};
const notes = () =>
  database.query<{ name: string }>(`select table_name as name from r3a.quarantine order by 1`);
const tables = () =>
  database.query<{ name: string }>(
    `select relname as name from pg_class where relnamespace = to_regnamespace('quarantine') and relkind = 'r' order by 1`,
  );
const age = (name: string, time: string) =>
  database.query(`update r3a.quarantine set moved_at = now() - $2::interval where table_name = $1`, [
    name,
    time,
  ]);

/** A swap moves the table of the leaf away; its name in quarantine comes back. */
async function swap(): Promise<string> {
  const outcome = await rewriteLeaf(database.url, LEAF);
  if (outcome.outcome !== "swapped" || outcome.table === null) throw new Error("the leaf was not swapped");
  return outcome.table;
}

beforeAll(async () => {
  await makeSeries(database.url, [
    { symbol: "BTCUSDT", interval: "1m", from: LEAF.span.from, to: LEAF.span.from + HOUR },
  ]);
  await maint("--max-ops 100");
});

beforeEach(async () => {
  await database.query(`drop schema if exists quarantine cascade`);
  await database.query(`delete from r3a.quarantine`);
});

test("a table goes 14 days after its swap with its note, one that no swap noted is named and stays", async () => {
  const [old, young] = [await swap(), await swap()];
  await database.query(`create table quarantine.by_hand (x int)`);
  await age(old, "14 days 1 minute");
  await age(young, "13 days 23 hours");
  const { result: preview } = await maint("--dry-run");
  expect(preview.actions).toMatchObject([{ op: "drop-quarantined", object: `quarantine.${old}` }]);
  expect(preview.notes).toEqual([expect.stringContaining("quarantine.by_hand is not in r3a.quarantine")]);
  expect(await notes()).toHaveLength(2);

  const run = await maint();
  expect(run.result).toMatchObject({
    steps: [{ op: "drop-quarantined", object: `quarantine.${old}`, outcome: "done" }],
    backlog: 0,
  });
  expect(run.stderr).toContain("quarantine.by_hand is not in r3a.quarantine");
  expect(await notes()).toEqual([{ name: young }]);
  expect(await tables()).toEqual([{ name: "by_hand" }, { name: young }]);
  expect(await database.query(`select from r3a.${LEAF.name}`)).toHaveLength(60);
  expect(
    await database.query(`select outcome from r3a_util.maint_op where object = $1`, [`quarantine.${old}`]),
  ).toEqual([{ outcome: "done" }]);
});

test("a note without a table goes, also where the schema is gone", async () => {
  const name = await swap();
  await database.query(`drop schema quarantine cascade`);
  await age(name, "2 days");
  expect((await maint()).result).toMatchObject({ steps: [{ op: "forget-quarantined", outcome: "done" }] });
  expect(await notes()).toEqual([]);
});

test("a table that a session reads stays with its note, and goes in the next run", async () => {
  const name = await swap();
  await age(name, "15 days");
  await withClient(database.url, async (reader) => {
    await reader.query(`begin; lock table quarantine.${name} in access share mode`);
    const run = await startMaint(database, "--json --budget 4").ended;
    expect(run.stderr).toContain(`quarantine.${name} stayed locked; held by: pid`);
    expect([await notes(), await tables()]).toEqual([[{ name }], [{ name }]]);
    await reader.query("rollback");
  });
  expect((await maint()).result).toMatchObject({ steps: [{ op: "drop-quarantined", outcome: "done" }] });
  expect([await notes(), await tables()]).toEqual([[], []]);
});
