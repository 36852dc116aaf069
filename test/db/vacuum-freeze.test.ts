import pino from "pino";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Database, openDatabase } from "../../runner/src/db/connect.ts";
import { ensureLeaf } from "../../runner/src/db/leaves.ts";
import { vacuumTables } from "../../runner/src/maint/vacuum-tables.ts";
import { leafAt } from "../../runner/src/partition/layout.ts";
import { createProgress } from "../../runner/src/progress.ts";
import { useDatabase } from "../support/database/database.ts";
import { withSession } from "../support/database/empty-database.ts";

const database = useDatabase();
const signal = new AbortController().signal;
let db: Database;

beforeAll(() => {
  db = openDatabase(database.url, "freeze");
});
afterAll(() => db.pool.end());

/** A sealed leaf that autovacuum leaves alone. */
async function makeLeaf(ms: number): Promise<string> {
  const leaf = leafAt("1m", ms);
  await ensureLeaf(db, leaf);
  await database.query(`alter table r3a.${leaf.name} set (autovacuum_enabled = false)`);
  return `r3a.${leaf.name}`;
}

/** What `--vacuum` froze, and how each ended. */
async function freeze(): Promise<readonly string[]> {
  const { outcomes } = await vacuumTables(
    db,
    { analyzeOnly: false, until: performance.now() + 60_000 },
    { log: pino({ level: "silent" }), progress: createProgress("vacuum", null), signal },
  );
  return outcomes
    .filter(({ action }) => action === "freeze")
    .map(({ table, outcome }) => `${table} ${outcome}`);
}

const FILL = (leaf: string, from: string) => `
  insert into ${leaf} (coin_id, "interval", "timestamp", open, high, low, close, volume)
  select 1, '1m', '${from}'::timestamptz + n * interval '1 minute', 1, 1, 1, 1, 1 from generate_series(0, 999) n`;

/** Pages as writers leave them who extend a leaf together and do not need all: how many is chance, so we add them. */
async function addUnfilled(leaf: string): Promise<void> {
  const [file] = await database.query<{ path: string }>("select pg_relation_filepath($1::regclass) as path", [
    leaf,
  ]);
  // the server runs it in its data directory
  await database.query(
    `copy (select 1) to program 'cat > /dev/null; head -c 65536 /dev/zero >> ${file?.path}'`,
  );
}

test("a leaf with pages that nobody filled is frozen once, and again after a repair", async () => {
  const leaf = await makeLeaf(Date.UTC(2022, 0, 1));
  await database.query(FILL(leaf, "2022-01-01Z"));
  await addUnfilled(leaf);
  await database.query(FILL(leaf, "2022-01-02Z"));
  await database.query("select pg_stat_force_next_flush()");
  expect(await freeze()).toEqual([`${leaf} done`]);
  const unseen = "select relpages - relallvisible as pages from pg_class where oid = $1::regclass";
  expect(await database.query(unseen, [leaf])).toEqual([{ pages: 8 }]);
  expect(await freeze()).toEqual([]);
  await database.query(`delete from ${leaf} where "timestamp" < '2022-01-01 08:00Z'`);
  await database.query("select pg_stat_force_next_flush()");
  expect(await freeze()).toEqual([`${leaf} done`]);
  expect(await freeze()).toEqual([]);
});

test("rows that an old transaction kept from being frozen are frozen by the first run after it", async () => {
  const leaf = await makeLeaf(Date.UTC(2021, 0, 1));
  await withSession(database.url, async (reader) => {
    await reader.query("begin isolation level repeatable read");
    await reader.query("select count(*) from r3a.coin");
    await database.query(FILL(leaf, "2021-01-01Z"));
    await database.query("select pg_stat_force_next_flush()");
    expect(await freeze()).toEqual([`${leaf} incomplete`]);
    expect(await freeze()).toEqual([`${leaf} incomplete`]);
  });
  expect(await freeze()).toEqual([`${leaf} done`]);
  expect(await freeze()).toEqual([]);
});
