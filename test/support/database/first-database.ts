import { readdir, readFile } from "node:fs/promises";
import { beforeAll } from "vitest";
import { migrate } from "../../../runner/src/db/schema/migrate.ts";
import { withSession } from "./empty-database.ts";
import { useOwnServer } from "./own-server.ts";
import { schemaFingerprint } from "./schema-fingerprint.ts";

/** The first files were merged into so many; a database that they made lacks the later files alone. */
export const MERGED = 12;

const FOLDER = new URL("../../../sql/first-migrations/", import.meta.url);

/** As node-pg-migrate makes it before the first file. */
const LEDGER = `
  create schema if not exists r3a;
  create table r3a.migration (id serial primary key, name varchar(255) not null, run_on timestamp not null)`;

/** Databases with the migrations of before the first release, on a server of their own, as roles belong to a server. */
export function useFirstDatabases() {
  const server = useOwnServer();
  let made = 0;
  const fresh = { files: [] as readonly string[], fingerprint: "" };
  const makeEmpty = async () => {
    made += 1;
    const name = `first_${made}`;
    await withSession(server.urlOf("postgres"), (client) => client.query(`create database ${name}`));
    return server.urlOf(name);
  };
  beforeAll(async () => {
    const url = await makeEmpty();
    fresh.files = await migrate(url);
    fresh.fingerprint = await schemaFingerprint(url);
  });
  /** A database as the files of before the first release made it: all of them, or the first `count`. */
  const makeFirst = async (count = Number.POSITIVE_INFINITY) => {
    const url = await makeEmpty();
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
  };
  return {
    makeEmpty,
    makeFirst,
    /** The files of a new database, and what its schema is. */
    fresh,
  };
}

/** The names in the ledger of migrations, in their order. */
export const namesOf = (url: string) =>
  withSession(url, async (client) =>
    (await client.query<{ name: string }>("select name from r3a.migration order by run_on, id")).rows.map(
      ({ name }) => name,
    ),
  );
