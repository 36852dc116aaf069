import { INTERVALS } from "../contract/intervals.ts";
import type { Database } from "../db/connect.ts";
import {
  type AgeRow,
  type IndexFaultRow,
  listAttachedLeaves,
  listDetaching,
  listIndexFaults,
  listPartitions,
  type PartitionRow,
  readAges,
  readSize,
} from "../db/doctor/catalog.ts";
import { listMisaligned } from "../maint/maint-plan.ts";
import { type Leaf, leafAt } from "../partition/layout.ts";
import { renderNumber } from "../render.ts";
import { DAY_MS } from "../time.ts";
import { byLimit, type Check, type Finding, fail, listSome, pass, skip, warn } from "./check.ts";
import type { OnSchema } from "./schema-lack.ts";

const GB = 1e9;
/** Of the budget, as health has it. */
const SIZE = { warn: 0.7, fail: 0.85 };
/** Autovacuum begins to freeze at 200 million; at 2,100 million the server takes no more writes. */
const AGE = { warn: 600e6, fail: 1_200e6 };

/** The candle table's partitions and indexes, and the room that the database takes. */
export function tableChecks(db: Database, onSchema: OnSchema, sizeBudgetGb: number | null): readonly Check[] {
  const needs = ["database"];
  return [
    onSchema("leaves", async (signal) => {
      const strangers = listMisaligned(await listAttachedLeaves(db, signal));
      return judgePartitions(await listPartitions(db, signal), Date.now(), strangers);
    }),
    onSchema("indexes", async (signal) => judgeIndexes(await listIndexFaults(db, signal))),
    { name: "detach", needs, look: async (signal) => judgeDetaching(await listDetaching(db, signal)) },
    {
      name: "size",
      needs,
      look: async (signal) => judgeSize(await readSize(db, signal), sizeBudgetGb),
    },
    { name: "wraparound", needs, look: async (signal) => judgeAges(await readAges(db, signal)) },
  ];
}

/**
 * The leaves of now and of the period after it must be there: `maint` makes them ahead, so that no sync has to. Of a
 * parent without any leaf nothing was stored yet. `strangers`: sentences of maint about leaves that keep its own from
 * being made.
 */
export function judgePartitions(
  rows: readonly PartitionRow[],
  now: number,
  strangers: readonly string[] = [],
): Finding {
  const byDefault = rows.filter(({ is_default }) => is_default);
  if (byDefault.length > 0)
    return fail(
      `${byDefault.map(({ name }) => name).join(", ")} is a DEFAULT partition: it takes rows that belong into leaves, and keeps these from being made`,
      "move its rows out, detach it and drop it; no DEFAULT partition belongs here",
    );
  if (strangers.length > 0)
    return fail(
      listSome(strangers),
      "move its rows into the leaves of their time, detach it and drop it; until then maint ends with 1",
    );
  const leaves = rows.filter(({ is_leaf }) => is_leaf).map(({ name }) => name);
  const isUsed = ({ parent }: Leaf) => leaves.some((name) => name.startsWith(`${parent}_`));
  const wanted = INTERVALS.flatMap((interval) => {
    const current = leafAt(interval, now);
    return [current, leafAt(interval, current.span.to)];
  });
  const lacking = wanted.filter(
    ({ name }, index) => !leaves.includes(name) && wanted.findIndex((leaf) => leaf.name === name) === index,
  );
  const told = `${renderNumber(leaves.length)} leaves`;
  if (lacking.length === 0) return pass(`${told}, those of now and of the next period among them`);
  const found = `${told}; of now and of the next period these are missing: ${lacking.map(({ name }) => name).join(", ")}`;
  const remedy = "runner maint; does its job r3a-maint run each hour?";
  const isLate = lacking.some((leaf) => isUsed(leaf) && leaf.span.from < now + DAY_MS);
  return isLate ? fail(found, remedy) : warn(found, remedy);
}

export function judgeIndexes(rows: readonly IndexFaultRow[]): Finding {
  const tell = ({ kind, index, of_table }: IndexFaultRow) => `${index} of ${of_table} is ${kind}`;
  const broken = rows.filter(({ is_building }) => !is_building);
  if (broken.length > 0)
    return fail(
      `${renderNumber(broken.length)} not as they should be: ${listSome(broken.map(tell))}`,
      "runner maint --dry-run shows how it mends them; then runner maint",
    );
  if (rows.length > 0) return pass(`${renderNumber(rows.length)} being built: ${listSome(rows.map(tell))}`);
  return pass("every partition has its indexes, all valid");
}

export function judgeDetaching(names: readonly string[]): Finding {
  if (names.length === 0) return pass("no partition is half detached");
  return fail(
    `${names.join(", ")}: a DETACH CONCURRENTLY was cut off, and the next one is refused until it is finished`,
    "runner maint, or: alter table PARENT detach partition NAME finalize",
  );
}

export function judgeSize(bytes: number, budgetGb: number | null): Finding {
  const size = `${(bytes / GB).toFixed(1)} GB`;
  if (budgetGb === null) return skip(`${size}; no DB_SIZE_BUDGET_GB is set to hold it against`);
  return byLimit(
    bytes / (budgetGb * GB),
    SIZE,
    `${size}, ${Math.round((100 * bytes) / (budgetGb * GB))} % of its budget of ${budgetGb} GB`,
    "enlarge the volume and DB_SIZE_BUDGET_GB with it, or sync fewer symbols or intervals",
  );
}

export function judgeAges({ transactions, multixacts }: AgeRow): Finding {
  return byLimit(
    Math.max(transactions, multixacts),
    AGE,
    `the oldest row is ${renderNumber(transactions / 1e6)} million transactions and ${renderNumber(multixacts / 1e6)} million multixacts old; the server stops at 2,100 million`,
    "find what holds vacuum back (checks transactions and locks, replication slots), then: vacuum (freeze) as the owner",
  );
}
