import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { takeLeaf } from "../../runner/src/db/leaf/guard.ts";
import { messageOf } from "../../runner/src/errors.ts";
import { leafAt } from "../../runner/src/partition/layout.ts";
import { makeSeries } from "../support/candle/made-series.ts";
import { useDatabase } from "../support/database/database.ts";
import { withSession } from "../support/database/empty-database.ts";
import { ownClient, rewriteLeaf } from "../support/leaf/swaps.ts";

const database = useDatabase();
const leaf = leafAt("1m", Date.UTC(2024, 4));
const table = `r3a.${leaf.name}`;
const at = (minute: number) => new Date(leaf.span.from + minute * 60_000).toISOString();

/** The rows of the leaf by the root, the numbers of its tables, and what lies in quarantine. */
const stateOf = async () => ({
  rows: await database.query(
    `select t::text as row from r3a.ohlcv_partitioned t order by coin_id, "timestamp"`,
  ),
  oid: await database.query(`select to_regclass('${table}')::oid as oid`),
  moved: await database.query("select table_name from r3a.quarantine order by 1"),
});
const INDEXES = `
  select i.relname as name, x.indisvalid as valid, (select inhparent::regclass::text from pg_inherits where inhrelid = i.oid) as upper
  from pg_index x join pg_class i on i.oid = x.indexrelid where x.indrelid = '${table}'::regclass order by 1`;

beforeAll(async () => {
  await makeSeries(database.url, [
    { symbol: "BTCUSDT", interval: "1m", from: leaf.span.from, to: leaf.span.from + 3_600_000 },
  ]);
});

beforeEach(async () => {
  await database.query("delete from r3a.recovery_hold");
});

describe("nothing is changed", () => {
  const reopen = `select r3a_util.reopen_leaf('${leaf.name}', array[1], array['1m'], array[timestamptz '${at(0)}'], array[timestamptz '${at(1)}'])`;
  test.each([
    [
      "a writer reopened the leaf",
      reopen,
      { outcome: "changed", why: `${leaf.name} was written to: it is open again` },
    ],
    [
      "a person holds the recovery",
      "insert into r3a.recovery_hold (reason) values ('look first')",
      { outcome: "held", why: "look first" },
    ],
    [
      "a failover lost the state",
      `delete from r3a.leaf_state`,
      { outcome: "changed", why: expect.stringContaining("the server that knew of this one is gone") },
    ],
  ])("where %s", async (_what, statement, outcome) => {
    const before = await stateOf();
    const ended = rewriteLeaf(database.url, leaf, {
      beforeSwap: async () => {
        await database.query(statement);
      },
    });
    expect(await ended).toEqual(outcome);
    expect(await stateOf()).toEqual(before);
  });

  test("where another run took the leaf, or the work after the swap fails", async () => {
    const before = await stateOf();
    const taken = rewriteLeaf(database.url, leaf, {
      beforeSwap: async () => {
        await ownClient(database.url, (other) => takeLeaf(other, leaf, { state: "restoring", runId: null }));
      },
    });
    expect(await taken).toMatchObject({
      outcome: "changed",
      why: expect.stringContaining("another run has taken"),
    });
    const failed = rewriteLeaf(database.url, leaf, {
      finish: async () => Promise.reject(new Error("no state")),
    });
    await expect(failed).rejects.toThrow("no state");
    expect(await stateOf()).toEqual(before);
  });

  test("while a reader holds the leaf: the error names it, and the swap goes on once it is done", async () => {
    const before = await stateOf();
    await withSession(database.url, async (reader) => {
      await reader.query(`begin; set application_name = 'slow reader'; select from ${table} limit 1`);
      const ended = rewriteLeaf(database.url, leaf, { patienceMs: 1_500 });
      await expect(ended.catch((error) => Promise.reject(new Error(messageOf(error))))).rejects.toThrow(
        /could not be swapped in \d s: .*slow reader.*Nothing was changed/,
      );
      expect(await stateOf()).toEqual(before);
      const later = rewriteLeaf(database.url, leaf);
      // the swap must have met the reader
      const waits = `select from pg_stat_activity where datname = current_database() and application_name <> 'slow reader' and query like 'rollback%'`;
      await expect.poll(() => database.query(waits), { timeout: 40_000, interval: 20 }).not.toEqual([]);
      await reader.query("commit");
      expect(await later).toMatchObject({ outcome: "swapped" });
    });
    const after = await stateOf();
    expect(after.rows).toEqual(before.rows);
    expect(after.oid).not.toEqual(before.oid);
  });
});

test("an index that somebody adds to the leaf or to its parent meanwhile is there after the swap, attached", async () => {
  await rewriteLeaf(database.url, leaf, {
    beforeSwap: async () => {
      await database.query(`create index by_volume on ${table} (volume)`);
      await database.query(`create index on only r3a.ohlcv_1m (close)`);
    },
  });
  expect(await database.query(INDEXES)).toEqual([
    { name: "by_volume", valid: true, upper: null },
    { name: `${leaf.name}_close_idx`, valid: true, upper: "r3a.ohlcv_1m_close_idx" },
    { name: `${leaf.name}_pkey`, valid: true, upper: "r3a.ohlcv_1m_pkey" },
    { name: `${leaf.name}_timestamp_idx`, valid: true, upper: "r3a.ohlcv_1m_timestamp_idx" },
  ]);
  await database.query("drop index r3a.ohlcv_1m_close_idx");
});

test("rows that come in the transaction of the swap are there after it, though the leaf is guarded", async () => {
  const { rows } = await stateOf();
  const scratch = `r3a_scratch.${leaf.name}`;
  await rewriteLeaf(database.url, leaf, {
    prepare: async (client) => {
      await client.query(`delete from ${scratch} where "timestamp" = '${at(3)}'`);
      await client.query(`insert into ${scratch} select 1, '1m', '${at(90)}', 1, 1, 1, 1, 1`);
    },
  });
  expect((await stateOf()).rows).toHaveLength(rows.length);
  await expect(database.query(`delete from ${table}`)).rejects.toThrow("is sealed");
});

describe("a leaf that is", () => {
  test.each([
    ["gone", `drop table ${table}`, null],
    ["detached", `alter table r3a.ohlcv_1m detach partition ${table}`, "a table"],
  ])("%s has its place again", async (_what, statement, moved) => {
    await database.query(statement);
    const swapped = await rewriteLeaf(database.url, leaf);
    expect(swapped).toMatchObject({ outcome: "swapped", table: moved === null ? null : expect.any(String) });
    expect(await database.query(INDEXES)).toHaveLength(2);
    expect(await database.query(`select r3a_util.leaf_partitions() as leaf`)).toEqual(
      expect.arrayContaining([{ leaf: expect.stringContaining(table) }]),
    );
  });
});
