import { expect, test } from "vitest";
import { migrate } from "../../runner/src/db/schema/migrate.ts";
import { listFiles } from "../../runner/src/db/schema/schema.ts";
import { withSession } from "../support/database/empty-database.ts";
import { MERGED, namesOf, useFirstDatabases } from "../support/database/first-database.ts";
import { schemaFingerprint } from "../support/database/schema-fingerprint.ts";
import { runRunner } from "../support/runner.ts";

const { makeFirst, fresh } = useFirstDatabases();

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

test("a database of before the first release keeps its data, and ends with the schema of a new one", async () => {
  const later = fresh.files.slice(MERGED);
  const url = await makeFirst();
  await withSession(url, (client) => client.query(DATA));
  const before = await dataOf(url);
  expect(before.length).toBeGreaterThan(50);
  const notes: string[] = [];
  expect(await migrate(url, { isPlan: true })).toEqual(later);
  expect(await migrate(url, { warn: (note) => notes.push(note) })).toEqual(later);
  expect(notes).toEqual([expect.stringContaining("has the names of now")]);
  expect(await namesOf(url)).toEqual(fresh.files);
  const after = await dataOf(url);
  const isLater = (row: string) =>
    /^r3a\.job_counter \((\w+,findings|(backup|restore|drill|seal|scrub),\w+),0\)$/.test(row);
  expect(after.filter((row) => !isLater(row))).toEqual(before);
  expect(await migrate(url, { warn: (note) => notes.push(note) })).toEqual([]);
  expect(notes).toHaveLength(1);
  await withSession(url, (client) =>
    client.query("update r3a.job_counter set n = 0; drop table r3a.ohlcv_1m_2024_01"),
  );
  expect(await schemaFingerprint(url)).toBe(fresh.fingerprint);
});

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
