import { describe, expect, test } from "vitest";
import { findMissingRight } from "../../runner/src/db/missing-right.ts";
import { createUnicodeDatabase, resetReadOnly } from "../../runner/src/db/remedy-sql.ts";
import { MADE } from "../../runner/src/db/schema/schema-objects.ts";
import { MEANINGS } from "../../runner/src/db/sqlstate.ts";
import { diagnose } from "../../runner/src/doctor/diagnose.ts";
import { withSession } from "../support/database/empty-database.ts";
import { useOwnServer } from "../support/database/own-server.ts";
import { runRunner } from "../support/runner.ts";

/** Roles and databases belong to the whole server. */
const server = useOwnServer();
const run = (sql: string, url = server.urlOf("r3a")) => withSession(url, (client) => client.query(sql));
const urlOf = (role: string, database = "r3a") => {
  const url = new URL(server.urlOf(database));
  [url.username, url.password] = [role, "secret"];
  return url.href;
};

describe("a grant that a remedy prints", () => {
  const KINDS: Readonly<Record<string, string>> = { r: "table", p: "table", v: "view", f: "function" };

  test("runs as it stands, for each object of the schema", async () => {
    await runRunner(["migrate"], { DB_URL: server.urlOf("r3a") });
    await run(`create role "Of People" login password 'secret'; create role r3a_writer`);
    const objects = MADE.filter(({ kind }) => kind in KINDS).map(({ kind, name }) => {
      const bare = name.replace(/\(.*/, "").replace(/^\w+\./, "");
      return `permission denied for ${KINDS[kind]} ${bare}`;
    });
    expect(objects.length).toBeGreaterThan(20);
    for (const message of [...objects, "permission denied for schema r3a"]) {
      const right = findMissingRight(message, "Of People");
      expect(right, message).not.toBeNull();
      for (const sql of [right?.sql, right?.more]) if (sql !== undefined) await run(sql);
    }
  });

  test("gives the right that the server misses, and no right to write before it is asked for", async () => {
    await run("create role people login password 'secret'");
    const look = () =>
      run("select * from r3a.run", urlOf("people")).then(
        () => null,
        (error: Error) => error.message,
      );
    for (const expected of ["grant usage on schema r3a", "grant select on table r3a.run"]) {
      const right = findMissingRight((await look()) ?? "", "people");
      expect(right?.sql).toBe(`${expected} to "people"`);
      await run(right?.sql ?? "");
    }
    expect(await look()).toBeNull();
  });

  test("is not made up for a table of another program", () => {
    expect(findMissingRight("permission denied for table pg_authid", "people")).toBeNull();
  });
});

test.each([
  ["database", 'database "r3a"'],
  ["user", 'role "postgres"'],
  ["database user", 'role "postgres" in database "r3a"'],
])("what doctor prints for a read-only %s resets it in a new session", async (_, place) => {
  await run(`alter ${place} set default_transaction_read_only = on`);
  const look = async () => {
    const env = { DB_URL: server.urlOf("r3a") };
    const place = { env, namespace: null, signal: new AbortController().signal };
    return (await diagnose(place, ["server"])).find(({ name }) => name === "server");
  };
  const found = await look();
  expect(found?.status).toBe("fail");
  await run(/begin read write; .*; commit$/.exec(found?.remedy ?? "")?.[0] ?? "no statement");
  expect((await look())?.status).toBe("pass");
});

test("a database of another encoding gets the statement that makes a right one, and no word of migrate", async () => {
  await run("create database latin encoding 'LATIN1' locale 'C' template template0");
  const env = { DB_URL: server.urlOf("latin") };
  const results = await diagnose({ env, namespace: null, signal: new AbortController().signal }, [
    "server",
    "schema",
  ]);
  expect(results.map(({ name, status }) => `${name} ${status}`)).toEqual(["server fail", "schema fail"]);
  expect(results.map(({ remedy }) => remedy).join()).not.toContain("migrate");
  await run(createUnicodeDatabase("latin_utf8"));
  expect(results[0]?.remedy).toContain(createUnicodeDatabase("latin_utf8"));
  expect((await runRunner(["migrate"], { DB_URL: server.urlOf("latin_utf8") })).code).toBe(0);
});

test("a setting of the configuration file is reset there", () => {
  const remedy = resetReadOnly("configuration file", { database: "r3a", role: "r3a" });
  expect(remedy).toContain("alter system reset default_transaction_read_only");
});

test("each statement in the meanings of the server's codes is SQL", async () => {
  const statements = Object.values(MEANINGS).flatMap(({ says }) =>
    [...says.matchAll(/\(((?:alter|create|grant|select) [^)]*?)(?:, and [^)]*)?\)/g)].map(
      ([, sql = ""]) => sql,
    ),
  );
  expect(statements.length).toBeGreaterThan(1);
  // a block is parsed as a whole, and its first statement ends it
  for (const sql of statements) await run(`do $block$ begin return; ${sql}; end $block$`);
});
