import { expect, test } from "vitest";
import { closeDatabase, type Database, openDatabase, withClient } from "../../runner/src/db/connect.ts";
import { openLockSession } from "../../runner/src/db/lock.ts";
import { own } from "../../runner/src/db/session.ts";
import { useDatabase } from "../support/database/database.ts";
import { startWireProxy, type Tap, type Wire } from "../support/database/wire-proxy.ts";
import { runRunner } from "../support/runner.ts";

const database = useDatabase();

/** What the session must be, whatever the database, the role, PGOPTIONS or DB_URL say. */
const WANTED = {
  search_path: "pg_catalog, pg_temp",
  default_transaction_isolation: "read committed",
  TimeZone: "UTC",
  DateStyle: "ISO, YMD",
  IntervalStyle: "postgres",
  client_encoding: "UTF8",
  standard_conforming_strings: "on",
  bytea_output: "hex",
  extra_float_digits: "1",
  quote_all_identifiers: "off",
  transform_null_equals: "off",
  array_nulls: "on",
  client_min_messages: "warning",
  plan_cache_mode: "auto",
  enable_partition_pruning: "on",
  lock_timeout: "5s",
  idle_in_transaction_session_timeout: "1min",
  statement_timeout: "0",
  idle_session_timeout: "0",
  tcp_keepalives_idle: "30",
  client_connection_check_interval: "5s",
};
const ODD: Readonly<Record<string, string>> = {
  search_path: "public, pg_catalog",
  default_transaction_isolation: "serializable",
  TimeZone: "Asia/Kolkata",
  DateStyle: "German",
  IntervalStyle: "iso_8601",
  standard_conforming_strings: "off",
  bytea_output: "escape",
  extra_float_digits: "-10",
  quote_all_identifiers: "on",
  transform_null_equals: "on",
  array_nulls: "off",
  client_min_messages: "error",
  plan_cache_mode: "force_generic_plan",
  enable_partition_pruning: "off",
  lock_timeout: "1",
  idle_in_transaction_session_timeout: "20",
  statement_timeout: "30000",
  idle_session_timeout: "90000",
};
const SHOW = `select ${Object.keys(WANTED)
  .map((name) => `pg_catalog.current_setting('${name}') as "${name}"`)
  .join(", ")}`;

async function withDatabase<T>(url: string, work: (db: Database) => Promise<T>): Promise<T> {
  const db = openDatabase(url, "session test");
  try {
    return await work(db);
  } finally {
    await closeDatabase(db);
  }
}

const firstRow = (url: string) =>
  withDatabase(url, (db) => withClient(db, async (client) => (await client.query(SHOW)).rows[0]));

test("a session is what the code needs, whatever the database and ?options= of DB_URL say", async () => {
  for (const [name, value] of Object.entries(ODD))
    await database.query(
      `do $$ begin execute format('alter database %I set ${name} = ${name === "search_path" ? value : `''${value}''`}', current_database()); end $$`,
    );
  try {
    const url = new URL(database.url);
    url.searchParams.set("options", "-c DateStyle=SQL -c search_path=public -c lock_timeout=7");
    for (const each of [database.url, url.href]) {
      expect(await firstRow(each)).toEqual(WANTED);
      await withDatabase(each, (db) =>
        own(db, new AbortController().signal, async (client) => {
          expect(await client.query(SHOW)).toEqual([WANTED]);
        }),
      );
    }
    await withDatabase(database.url, async (db) => {
      const locks = await openLockSession(db);
      expect(await locks.tryLock("test", "session")).toBe(true);
      await locks.end();
    });
  } finally {
    for (const name of Object.keys(ODD))
      await database.query(
        `do $$ begin execute format('alter database %I reset ${name}', current_database()); end $$`,
      );
  }
});

test("the first statement goes out behind the settings, and does not wait for their answer", async () => {
  const answers: Buffer[] = [];
  let isHolding = false;
  const tap = (): Tap => ({
    onClient(data: Buffer, wire: Wire) {
      const isSettings = data.includes("pg_catalog.set_config");
      isHolding ||= isSettings;
      wire.toServer(data);
      // the first statement came: now both may be answered
      if (data.includes("as first")) {
        isHolding = false;
        for (const answer of answers.splice(0)) wire.toClient(answer);
      }
    },
    onServer(data: Buffer, wire: Wire) {
      if (isHolding) answers.push(data);
      else wire.toClient(data);
    },
  });
  const proxy = await startWireProxy(database.url, tap);
  try {
    const row = await withDatabase(proxy.url, (db) =>
      withClient(db, async (client) => (await client.query("select 1 as first")).rows[0]),
    );
    expect(row).toEqual({ first: 1 });
  } finally {
    await proxy.stop();
  }
});

test("a pooler that sets something else is a wrong DB_URL: exit 78 with the setting, the value asked for and the value found", async () => {
  const proxy = await startWireProxy(database.url, () => ({
    onClient(data: Buffer, wire: Wire) {
      const text = data.toString("latin1").replace("'pg_catalog, pg_temp'", "'pg_temp, pg_catalog'");
      wire.toServer(Buffer.from(text, "latin1"));
    },
  }));
  try {
    for (const command of [["wait-db"], ["migrate"], ["maint"], ["refresh-lastts"]]) {
      const run = await runRunner([...command, "--deadline", "20"], { DB_URL: proxy.url });
      expect([command, run.code, run.stderr]).toEqual([
        command,
        78,
        expect.stringMatching(/search_path was set to "pg_catalog, pg_temp" and is "pg_temp, pg_catalog"/),
      ]);
    }
  } finally {
    await proxy.stop();
  }
});
