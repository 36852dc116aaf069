import pino from "pino";
import { beforeAll, expect, test } from "vitest";
import { openDatabase } from "../../runner/src/db/connect.ts";
import { type StepOutcome, vacuumTables } from "../../runner/src/maint/vacuum-tables.ts";
import { createProgress } from "../../runner/src/progress.ts";
import { useDatabase } from "../support/database/database.ts";

const database = useDatabase();

/** As `role`, where there is one. */
async function run(budgetMs: number, role?: string) {
  const lines: { level: number; msg: string }[] = [];
  const log = pino({ level: "info" }, { write: (line: string) => lines.push(JSON.parse(line)) });
  const options = role === undefined ? "" : `?options=${encodeURIComponent(`-c role=${role}`)}`;
  const db = openDatabase(`${database.url}${options}`, "steps");
  try {
    const request = { analyzeOnly: true, until: performance.now() + budgetMs };
    const progress = createProgress("vacuum", null);
    const { signal } = new AbortController();
    const { outcomes } = await vacuumTables(db, request, { log, progress, signal });
    return { outcomes, lines };
  } finally {
    await db.pool.end();
  }
}
const brief = (outcomes: readonly StepOutcome[]) =>
  outcomes.map(({ table, outcome }) => `${table} ${outcome}`);

beforeAll(async () => {
  await database.query(`do $$ declare t regclass; begin
    for t in select oid from pg_class where relkind = 'r' and relnamespace in ('r3a'::regnamespace, 'r3a_util'::regnamespace)
    loop execute format('alter table %s set (autovacuum_enabled = false)', t); end loop; end $$`);
  await run(60_000);
});

const makeTable = async (name: string, indexed: string | null = null) => {
  await database.query(`create table ${name} (n int) with (autovacuum_enabled = false)`);
  if (indexed !== null) await database.query(`create index on ${name} (${indexed})`);
  await database.query(`insert into ${name} select generate_series(1, 100)`);
};

test("a step that is cut although it had most of the budget is a failure, also as the second one", async () => {
  // ANALYZE computes what is indexed: with this, for as long as we like
  await database.query(`create function public.slow(n int) returns int language plpgsql immutable as
    $$ begin if current_setting('application_name') = 'r3a steps' then perform pg_sleep(1); end if; return n; end $$`);
  await makeTable("r3a.a_quick");
  for (const name of ["r3a.b_slow", "r3a.c_slow"]) await makeTable(name, "public.slow(n)");
  // the second step has most of the budget unless the plan and the first one take a third of it
  const { outcomes } = await run(9_000);
  expect(brief(outcomes)).toEqual(["r3a.a_quick done", "r3a.b_slow failed", "r3a.c_slow cut"]);
  await database.query("drop table r3a.a_quick, r3a.b_slow, r3a.c_slow");
});

test("a table of another owner in the schema is skipped with a warning that names the table and its owner", async () => {
  await database.query(`do $$ begin create role r3a_app; exception when duplicate_object then null; end $$`);
  await database.query(`grant all on schema r3a, r3a_util to r3a_app`);
  await database.query(`do $$ declare t regclass; begin
    for t in select oid from pg_class where relkind in ('r', 'p') and relnamespace in ('r3a'::regnamespace, 'r3a_util'::regnamespace)
    loop execute format('alter table %s owner to r3a_app', t); end loop; end $$`);
  for (const name of ["r3a.others", "r3a.own"]) await makeTable(name);
  await database.query("alter table r3a.own owner to r3a_app");
  const { outcomes, lines } = await run(60_000, "r3a_app");
  expect(brief(outcomes)).toEqual(["r3a.others skipped", "r3a.own done"]);
  const [me] = await database.query<{ name: string }>("select current_user as name");
  expect(outcomes[0]?.error).toContain(`r3a.others belongs to ${me?.name}`);
  expect(lines.filter(({ level }) => level >= 40).map(({ msg }) => msg)).toEqual([
    expect.stringContaining(`r3a.others belongs to ${me?.name}`),
  ]);
});
