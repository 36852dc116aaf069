/**
 * What a second user of the database can do who may create in a schema of everybody's search_path: functions that are a
 * better match than the server's own, functions, operators, types and tables of the same names. Each that runs leaves a row
 * in evil.ran or, where nothing can be written, an error.
 */

type Fake = { readonly name: string; readonly args: string; readonly returns: string; readonly real: string };

const fake = (name: string, args: string, returns: string, real = `pg_catalog.${name}`): Fake => ({
  name,
  args,
  returns,
  real,
});

const FUNCTIONS: readonly Fake[] = [
  fake("to_timestamp", "numeric", "timestamptz"),
  fake("to_timestamp", "double precision", "timestamptz"),
  fake("now", "", "timestamptz"),
  fake("clock_timestamp", "", "timestamptz"),
  fake("sha256", "bytea", "bytea"),
  fake("convert_to", "text, name", "bytea"),
  fake("encode", "bytea, text", "text"),
  fake("substr", "text, integer, integer", "text"),
  fake("pg_try_advisory_lock", "bigint", "boolean"),
  fake("pg_try_advisory_xact_lock", "bigint", "boolean"),
  fake("pg_advisory_unlock", "bigint", "boolean"),
  fake("pg_advisory_xact_lock", "bigint", "void"),
  fake("pg_backend_pid", "", "integer"),
  fake("set_config", "text, text, boolean", "text"),
  fake("current_setting", "text", "text"),
  fake("to_regclass", "text", "pg_catalog.regclass"),
  fake("pg_get_expr", "pg_node_tree, oid", "text"),
  fake("regexp_match", "text, text", "text[]"),
  fake("date_trunc", "text, timestamptz", "timestamptz"),
  fake("age", "xid", "integer"),
  fake("concat_ws", "text, text, text, text", "text"),
  fake("format", "text, text, text", "text"),
  fake("format", "text, name, name", "text"),
  fake("format", "text, text", "text"),
  fake("left", "text, integer", "text"),
  fake("floor", "numeric", "numeric"),
  fake("length", "text", "integer"),
  fake("jsonb_build_object", "text, text", "jsonb"),
  fake("pg_relation_size", "pg_catalog.regclass", "bigint"),
  fake("pg_database_size", "name", "bigint"),
  fake("pg_size_pretty", "bigint", "text"),
  fake("pg_blocking_pids", "integer", "integer[]"),
  fake("lower", "text", "text"),
  fake("starts_with", "text, text", "boolean"),
];

const OPERATORS: readonly (readonly [name: string, left: string, right: string, returns: string])[] = [
  ["=", "text", "text", "boolean"],
  ["=", "integer", "integer", "boolean"],
  ["=", "bigint", "bigint", "boolean"],
  ["<>", "text", "text", "boolean"],
  ["||", "text", "text", "text"],
  [">", "timestamptz", "timestamptz", "boolean"],
  ["<", "timestamptz", "timestamptz", "boolean"],
  [">=", "timestamptz", "timestamptz", "boolean"],
  ["-", "timestamptz", "timestamptz", "interval"],
  ["*", "numeric", "integer", "numeric"],
  ["/", "bigint", "numeric", "numeric"],
  ["/", "numeric", "bigint", "numeric"],
  ["+", "bigint", "bigint", "bigint"],
  ["<<", "bigint", "integer", "bigint"],
  ["|", "bigint", "bigint", "bigint"],
];

/** Types and relations that a cast or a name without its schema would meet. */
const NAMES = `
  create domain evil.text as pg_catalog.text check (evil.spy('type text') is not null);
  create domain evil.regclass as pg_catalog.oid check (evil.spy('type regclass') is not null);
  create domain evil.timestamptz as pg_catalog.timestamptz check (evil.spy('type timestamptz') is not null);
  create domain evil.float8 as pg_catalog.float8 check (evil.spy('type float8') is not null);
  create domain evil.jsonb as pg_catalog.jsonb check (evil.spy('type jsonb') is not null);
  create view evil.pg_locks as select * from pg_catalog.pg_locks where evil.spy('pg_locks') is not null;
  create view evil.pg_class as select * from pg_catalog.pg_class where evil.spy('pg_class') is not null;
  create view evil.pg_inherits as select * from pg_catalog.pg_inherits where evil.spy('pg_inherits') is not null;
  create view evil.pg_index as select * from pg_catalog.pg_index where evil.spy('pg_index') is not null;
  create view evil.pg_stat_activity as select * from pg_catalog.pg_stat_activity where evil.spy('pg_stat_activity') is not null;`;

const SPY = `
  create schema evil;
  grant usage on schema evil to public;
  create table evil.ran (what pg_catalog.text);
  grant all on evil.ran to public;
  create function evil.spy(pg_catalog.text) returns pg_catalog.text language plpgsql set search_path = pg_catalog as $$
  begin
    begin
      insert into evil.ran values ($1);
    exception when others then
      raise exception 'evil code ran: %', $1;
    end;
    return $1;
  end $$;`;

function createFunction(schema: string, { name, args, returns, real }: Fake): string {
  const values =
    args === ""
      ? ""
      : args
          .split(", ")
          .map((_, index) => `$${index + 1}`)
          .join(", ");
  return `create function ${schema}.${name}(${args}) returns ${returns} language plpgsql as $f$
    begin
      perform evil.spy('${schema}.${name}(${args})');
      return ${returns === "void" ? "" : `${real}(${values})`};
    end $f$`;
}

function createOperator(index: number, [name, left, right, returns]: (typeof OPERATORS)[number]): string {
  return `
    create function evil.operator_${index}(${left}, ${right}) returns ${returns} language plpgsql as $f$
    begin perform evil.spy('operator ${left} ${name} ${right}'); return $1 operator(pg_catalog.${name}) $2; end $f$;
    create operator evil.${name} (leftarg = ${left}, rightarg = ${right}, function = evil.operator_${index})`;
}

/** The whole attack as one script; `database` and `role` get the path in which it lies first. */
export function hostileScript(database: string, role: string): string {
  const path = "evil, public, pg_catalog";
  return [
    "set search_path = pg_catalog",
    SPY.trim().replace(/;$/, ""),
    "grant create on schema public to public",
    createFunction("public", fake("to_timestamp", "numeric", "timestamptz", "pg_catalog.to_timestamp")),
    ...FUNCTIONS.map((each) => createFunction("evil", each)),
    ...OPERATORS.map((each, index) => createOperator(index, each)),
    NAMES.trim().replace(/;$/, ""),
    `alter database ${database} set search_path = ${path}`,
    `alter role ${role} in database ${database} set search_path = ${path}`,
  ].join(";\n");
}
