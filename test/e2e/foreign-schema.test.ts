import { expect, test } from "vitest";
import { useEmptyDatabases, withSession } from "../support/database/empty-database.ts";
import { runRunner } from "../support/runner.ts";

const emptyDatabase = useEmptyDatabases();
const OBJECTS = `select string_agg(format('%s.%s %s', relnamespace::regnamespace, relname, relkind), e'\\n' order by 1) as all
  from pg_class where relnamespace in (select oid from pg_namespace where nspname in ('r3a', 'r3a_util'))`;
const query = (url: string, sql: string) =>
  withSession(url, async (client) => (await client.query<Record<string, unknown>>(sql)).rows);

test.each<[string, string, readonly RegExp[]]>([
  [
    "a coin without our columns",
    "create table r3a.coin (id int, name text)",
    [/r3a\.coin lacks the column symbol \(text\), .*another program made it/],
  ],
  [
    "a coin of other types",
    "create table r3a.coin (id bigint, symbol varchar(20))",
    [/r3a\.coin has the column id as bigint instead of integer/],
  ],
  ["a view", "create view r3a.coin as select 1 as id", [/r3a\.coin is a view and not a plain table/]],
  ["a sequence", "create sequence r3a.series", [/r3a\.series is a sequence and not a plain table/]],
  ["a type", "create type r3a.coin as (id int)", [/r3a\.coin is a type and not a plain table/]],
  [
    "a table in the place of a view",
    "create table r3a_util.lock_holder (a int)",
    [/r3a_util\.lock_holder is a plain table and not a view/],
  ],
  [
    "a view of candles of somebody's own",
    "create view r3a.candle as select 1 as id, 'BTCUSDT'::text as symbol",
    [/r3a\.candle has other columns: another program made it; rename it/],
  ],
  [
    "a foreign ledger of migrations",
    "create table r3a.migration (version bigint, dirty boolean)",
    [/r3a\.migration lacks the column id \(integer\), lacks the column name/],
  ],
  [
    "a plain table of candles",
    "create table r3a.ohlcv_partitioned (a int)",
    [/r3a\.ohlcv_partitioned is not divided into partitions, .*rename it/],
  ],
  [
    "a view of candles",
    "create view r3a.ohlcv_partitioned as select 1",
    [/r3a\.ohlcv_partitioned is not divided/],
  ],
  [
    "several at once",
    "create table r3a.run (id int); create view r3a.series as select 1",
    [/r3a\.run lacks/, /r3a\.series is a view/],
  ],
])("%s under our names is refused with 78 by migrate, and nothing is changed", async (_, make, reasons) => {
  const url = await emptyDatabase();
  await query(url, `create schema r3a; create schema r3a_util; ${make}`);
  const before = await query(url, OBJECTS);
  for (const command of ["migrate", "migrate --dry-run"]) {
    const { code, stdout, stderr } = await runRunner(command.split(" "), { DB_URL: url });
    expect([command, code, stdout]).toEqual([command, 78, ""]);
    for (const reason of reasons) expect(stderr).toMatch(reason);
    expect(stderr).not.toContain("migrate-layout");
  }
  expect(await query(url, OBJECTS)).toEqual(before);
});

test("the other commands end with 78 on a foreign ledger of migrations, and migrate-layout on a plain table", async () => {
  const url = await emptyDatabase();
  await query(url, "create schema r3a; create table r3a.migration (version bigint)");
  for (const command of ["wait-db --timeout 5", "sync 1h --symbols BTCUSDT", "gaps", "maint"]) {
    const { code, stderr, ms } = await runRunner(command.split(" "), { DB_URL: url });
    expect([command, code]).toEqual([command, 78]);
    expect(stderr).toContain("r3a.migration has no column name, so another program made it");
    expect(ms).toBeLessThan(10_000);
  }
  const plain = await emptyDatabase();
  await query(plain, "create schema r3a; create table r3a.ohlcv_partitioned (a int)");
  const { code, stderr } = await runRunner(["migrate-layout", "--dry-run"], { DB_URL: plain });
  expect([code, stderr]).toEqual([78, expect.stringMatching(/is not divided into partitions.*rename it/)]);
});

test.each([
  ["LATIN1", "encoding 'LATIN1' locale 'C'"],
  ["SQL_ASCII", "encoding 'SQL_ASCII' locale 'C'"],
])("a database of the encoding %s and a foreign table are told together", async (name, how) => {
  const url = new URL(await emptyDatabase());
  const database = url.pathname.slice(1);
  const admin = new URL(url);
  admin.pathname = "/postgres";
  await query(admin.href, `drop database ${database}`);
  await query(admin.href, `create database ${database} ${how} template template0`);
  await query(url.href, "create schema r3a; create view r3a.coin as select 1");
  const { code, stderr } = await runRunner(["migrate"], { DB_URL: url.href });
  expect(code).toBe(78);
  expect(stderr).toMatch(
    new RegExp(`has the encoding ${name}, .* need UTF8: create database "\\w+_utf8" encoding 'UTF8'`),
  );
  expect(stderr).toContain("r3a.coin is a view");
  const doctor = await runRunner(["doctor", "--only", "server,schema"], { DB_URL: url.href });
  expect(doctor.stdout).toContain(name);
});

test("a column that is gone or of another type is told by doctor and by migrate", async () => {
  const url = await emptyDatabase();
  expect((await runRunner(["migrate"], { DB_URL: url })).code).toBe(0);
  await query(
    url,
    `alter table r3a.coin drop column base cascade; alter table r3a.run alter pid type bigint;
     alter table r3a.run_item add note text not null; drop function r3a_util.index_names`,
  );
  const faults = [
    /r3a\.coin lacks the column base \(text\): change it back/,
    /r3a\.run has the column pid as bigint instead of integer/,
    /r3a\.run_item demands a value for note, a column that is not known/,
    /r3a_util\.index_names\(.*\) is gone: .*sql\/migrations\/000009_wanted_indexes\.sql/,
  ];
  const migrate = await runRunner(["migrate"], { DB_URL: url });
  expect(migrate.code).toBe(78);
  const { stdout } = await runRunner(["doctor", "--only", "schema", "--json"], { DB_URL: url });
  for (const fault of faults) {
    expect(migrate.stderr).toMatch(fault);
    expect(stdout).toMatch(fault);
  }
});
