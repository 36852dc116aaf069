import { expect, test } from "vitest";
import { readSchemaText } from "../../runner/src/db/restore/read-ddl.ts";

const around = (...lines: readonly string[]) =>
  `begin;\ncreate schema r3a;\nset local search_path = pg_catalog, pg_temp;\n${lines.map((line) => `${line}\n`).join("")}commit;\n`;

const MIGRATION =
  "insert into r3a.migration (name, run_on) values ('000001_advisory_locks', '2026-11-26 20:45:10.123456');";
const WRITTEN = [
  "select r3a_util.make_leaf('ohlcv_1m', '2024-01-01 00:00:00+00', '{}');",
  "alter table r3a.ohlcv_1m_2024_01 set (fillfactor=90, autovacuum_enabled=off);",
  "alter schema r3a owner to r3a_owner;",
  'alter table r3a.coin owner to "Odd ""name""";',
  "alter function r3a_util.lock_key(scope text, key text) owner to r3a_owner;",
  "revoke all on function r3a_util.index_names(leaf regclass, OUT btree_name text, names text[]) from public;",
  'grant INSERT, SELECT on table r3a.coin to "odd name" with grant option;',
  "grant USAGE on sequence r3a.coin_id_seq to r3a_writer;",
  "grant UPDATE (status) on table r3a.coin to public;",
  "alter default privileges for role r3a_owner in schema r3a grant SELECT on tables to r3a_reader;",
];

test("the statements that a backup writes are taken, and the text of the migrations is not", () => {
  expect(readSchemaText(around(MIGRATION, ...WRITTEN))).toEqual({
    migrations: ["000001_advisory_locks"],
    statements: [MIGRATION, ...WRITTEN],
  });
});

test.each([
  "copy r3a.coin from program 'id';",
  "alter schema r3a owner to r3a_owner; drop schema public;",
  "alter schema r3a owner to r3a_owner -- ;",
  "alter schema public owner to r3a_owner;",
  "alter role postgres superuser;",
  "grant pg_execute_server_program to r3a_writer;",
  "grant SELECT on table pg_catalog.pg_authid to public;",
  "alter table r3a.coin set (fillfactor=90); commit;",
  "alter table r3a.coin set (toast.autovacuum_enabled=(select 1));",
  "select r3a_util.make_leaf('ohlcv_1m', '2024-01-01', '{}'), pg_read_file('/etc/passwd');",
  "select r3a_util.make_leaf('ohlcv_1m', '2024-01-01' || version(), '{}');",
  "insert into r3a.migration (name, run_on) values ('000001_x', now());",
  "insert into r3a.migration (name, run_on) values ('../../x', '2026-11-26 20:45:10');",
  "",
  "commit;",
])("another statement is refused: %s", (line) => {
  expect(() => readSchemaText(around(MIGRATION, line, ...WRITTEN))).toThrow(
    "has a line that no backup writes: ",
  );
});

test("a text that was cut, or has more behind its end, is refused", () => {
  const text = around(MIGRATION, ...WRITTEN);
  for (const cut of [text.slice(0, -1), text.slice(0, 40), `${text}select 1;\n`, ""])
    expect(() => readSchemaText(cut)).toThrow("does not end as that of a backup");
});
