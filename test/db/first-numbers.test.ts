import { readdir, readFile } from "node:fs/promises";
import { beforeAll, expect, test } from "vitest";
import { migrate } from "../../runner/src/db/schema/migrate.ts";
import { listFiles } from "../../runner/src/db/schema/schema.ts";
import { withSession } from "../support/database/empty-database.ts";
import { useOwnServer } from "../support/database/own-server.ts";
import { schemaFingerprint } from "../support/database/schema-fingerprint.ts";
import { runRunner } from "../support/runner.ts";

/** Roles belong to the whole server, so these databases have one of their own. */
const server = useOwnServer();
let made = 0;

async function emptyDatabase(): Promise<string> {
  made += 1;
  const name = `first_${made}`;
  await withSession(server.urlOf("postgres"), (client) => client.query(`create database ${name}`));
  return server.urlOf(name);
}

/** The first files were merged into so many; a database that they made lacks the later files alone. */
const MERGED = 12;

const FOLDER = new URL("../../sql/first-migrations/", import.meta.url);

/** As node-pg-migrate makes it before the first file. */
const LEDGER = `
  create schema if not exists r3a;
  create table r3a.migration (id serial primary key, name varchar(255) not null, run_on timestamp not null)`;

/** One row or more of each table that a job writes to. */
const DATA = `
  insert into r3a.origin (exchange) values ('binance');
  insert into r3a.coin (symbol, base, quote, status, first_candle, first_evidence)
    values ('BTCUSDT', 'BTC', 'USDT', 'TRADING', '2017-08-17 04:00+00', '{"since": 1}'), ('ETHUSDT', 'ETH', 'USDT', 'BREAK', null, null);
  insert into r3a.series values (1, '1m', '2024-01-01', '2024-01-01 00:03+00');
  select r3a_util.make_leaf('ohlcv_1m', '2024-01-01 00:00+00', '{"fillfactor": 90}');
  insert into r3a.ohlcv_partitioned (coin_id, "interval", "timestamp", open, high, low, close, volume)
    select 1, '1m', '2024-01-01 00:00+00'::timestamptz + n * interval '1 min', 1.10, 2, 0.5, 1, 3 from generate_series(0, 1) n;
  insert into r3a.ohlcv_gap_log (id, coin_id, "interval", from_ts, to_ts, state, reason)
    values (gen_random_uuid(), 1, '1m', '2024-01-01 00:02+00', '2024-01-01 00:03+00', 'open', 'absent');
  insert into r3a.run (run_id, command, origin) values ('11111111-1111-4111-8111-111111111111', 'sync', 'sync-1m');
  update r3a.job_counter set n = 7 where command = 'sync' and outcome = 'success'`;

/** A database as the files of before the first release made it: all of them, or the first `count`. */
async function makeFirst(count = Number.POSITIVE_INFINITY): Promise<string> {
  const url = await emptyDatabase();
  const files = (await readdir(FOLDER)).toSorted().slice(0, count);
  for (const file of files) {
    const text = await readFile(new URL(file, FOLDER), "utf8");
    const row = `insert into r3a.migration (name, run_on) values ('${file.replace(".sql", "")}', now())`;
    // each file in its own session, as a transaction of its own
    await withSession(url, (client) =>
      client.query(`${file === files[0] ? `${LEDGER};` : ""}${text};\n${row}`),
    );
  }
  return url;
}

const namesOf = (url: string) =>
  withSession(url, async (client) =>
    (await client.query<{ name: string }>("select name from r3a.migration order by run_on, id")).rows.map(
      ({ name }) => name,
    ),
  );

/** Every row of every table of ours as text, but for the ledger of migrations. */
async function dataOf(url: string): Promise<readonly string[]> {
  return withSession(url, async (client) => {
    const tables = await client.query<{ name: string }>(
      `select oid::regclass::text as name from pg_class
       where relnamespace in ('r3a'::regnamespace, 'r3a_util'::regnamespace) and relkind in ('r', 'p') and relname <> 'migration' order by 1`,
    );
    const lines: string[] = [];
    for (const { name } of tables.rows) {
      const { rows } = await client.query<{ row: string }>(`select t::text as row from ${name} t order by 1`);
      lines.push(...rows.map(({ row }) => `${name} ${row}`));
    }
    return lines;
  });
}

let files: readonly string[];
let expected: string;
beforeAll(async () => {
  const fresh = await emptyDatabase();
  files = await migrate(fresh);
  expected = await schemaFingerprint(fresh);
});

test("a database of before the first release keeps its data, and ends with the schema of a new one", async () => {
  const later = files.slice(MERGED);
  const url = await makeFirst();
  await withSession(url, (client) => client.query(DATA));
  const before = await dataOf(url);
  expect(before.length).toBeGreaterThan(50);
  const notes: string[] = [];
  expect(await migrate(url, { isPlan: true })).toEqual(later);
  expect(await migrate(url, { warn: (note) => notes.push(note) })).toEqual(later);
  expect(notes).toEqual([expect.stringContaining("has the names of now")]);
  expect(await namesOf(url)).toEqual(files);
  const after = await dataOf(url);
  expect(after.filter((row) => !/^r3a\.job_counter \(\w+,findings,0\)$/.test(row))).toEqual(before);
  expect(await migrate(url, { warn: (note) => notes.push(note) })).toEqual([]);
  expect(notes).toHaveLength(1);
  await withSession(url, (client) =>
    client.query("update r3a.job_counter set n = 0; drop table r3a.ohlcv_1m_2024_01"),
  );
  expect(await schemaFingerprint(url)).toBe(expected);
});

/** 9: the files of the first deployment; 14: all but the last one. */
test.each([1, 2, 5, 9, 13, 14])(
  "one that only the first %s files made gets the rest, and ends with the schema of a new one",
  async (count) => {
    const url = await makeFirst(count);
    const pending = await migrate(url, { isPlan: true });
    expect(pending).toHaveLength(15 - count + files.length - MERGED);
    expect(await migrate(url)).toEqual(pending);
    expect(await namesOf(url)).toEqual(files);
    expect(await schemaFingerprint(url)).toBe(expected);
    expect(await migrate(url)).toEqual([]);
  },
);

test("until it is migrated doctor and its jobs name the later files, and none that it has", async () => {
  const url = await makeFirst();
  const doctor = () => runRunner(["doctor", "--only", "database,schema", "--json"], { DB_URL: url });
  const gaps = () => runRunner(["gaps", "--json"], { DB_URL: url });
  const later = (await listFiles()).slice(MERGED).join(", ");
  expect((await doctor()).stdout).toContain(later);
  expect(await gaps()).toMatchObject({
    code: 75,
    stderr: expect.stringContaining(`the database lacks ${later}: run migrate`),
  });
  await migrate(url);
  expect((await doctor()).stdout).toContain("the schema is what this program needs");
  expect(await gaps()).toMatchObject({ code: 0, stderr: "" });
});

test("one that lacks a file in the middle, has a file of no version, or was changed is refused with 78 and stays as it is", async () => {
  const refusals: readonly (readonly [number, string, RegExp])[] = [
    [
      13,
      "delete from r3a.migration where name ~ '000004|000006'",
      /lacks 000004_jobs, 000006_layout, and has 000014_make_leaf, which came later: /,
    ],
    [
      99,
      "insert into r3a.migration (name, run_on) values ('000015_trial', now())",
      /beside them 000015_trial, which no version has/,
    ],
    [99, "alter table r3a.run drop column origin", /r3a\.run lacks the column origin/],
  ];
  for (const [count, damage, words] of refusals) {
    const url = await makeFirst(count);
    await withSession(url, (client) => client.query(damage));
    const names = await namesOf(url);
    const { code, stderr, stdout } = await runRunner(["migrate"], { DB_URL: url });
    expect([code, stdout, stderr]).toEqual([78, "", expect.stringMatching(words)]);
    expect(await namesOf(url)).toEqual(names);
  }
});

test("of four migrations at once one writes the names, with roles and without", async () => {
  for (const args of [["migrate"], ["migrate", "--roles"]]) {
    const [fresh, url] = [await emptyDatabase(), await makeFirst()];
    expect((await runRunner(args, { DB_URL: fresh })).code).toBe(0);
    const runs = await Promise.all(Array.from({ length: 4 }, () => runRunner(args, { DB_URL: url })));
    expect(runs.map(({ code }) => code)).toEqual(runs.map(() => 0));
    expect(runs.filter(({ stderr }) => stderr.includes("has the names of now"))).toHaveLength(1);
    expect(await namesOf(url)).toEqual(await namesOf(fresh));
    expect(await schemaFingerprint(url)).toBe(await schemaFingerprint(fresh));
  }
});
