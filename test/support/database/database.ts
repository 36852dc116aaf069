import { randomBytes } from "node:crypto";
import { basename } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { DatabaseError, Pool, type QueryResultRow } from "pg";
import { afterAll, afterEach, beforeAll, expect, inject } from "vitest";
import { asAdmin } from "./empty-database.ts";

interface TestDatabase {
  readonly name: string;
  readonly url: string;
  /** Deletes the database, whoever is still connected. */
  drop(): Promise<void>;
}

export interface UsedDatabase {
  /** Connection string; valid from the first beforeAll on. */
  readonly url: string;
  /** Runs one statement and returns its rows. */
  query<Row extends QueryResultRow>(sql: string, params?: readonly unknown[]): Promise<Row[]>;
}

const OBJECT_IN_USE = "55006";

export type DatabaseOptions = {
  /** False: an empty database, for what a migrated one cannot show. */
  readonly isMigrated?: boolean;
};

/** Makes a database that belongs to the caller alone, named after the test file. */
async function testDatabase({ isMigrated = true }: DatabaseOptions): Promise<TestDatabase> {
  const file = basename(expect.getState().testPath ?? "test", ".test.ts");
  const name = `r3a_${file
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "_")
    .slice(0, 40)}_${randomBytes(4).toString("hex")}`;
  // copies of one template exclude each other
  for (let attempt = 1; ; attempt++) {
    try {
      await asAdmin(`CREATE DATABASE ${name} ${isMigrated ? `TEMPLATE ${inject("template")}` : ""}`);
      break;
    } catch (error) {
      if (attempt === 100 || !(error instanceof DatabaseError) || error.code !== OBJECT_IN_USE) throw error;
      await sleep(50 + Math.random() * 200);
    }
  }
  const url = new URL(inject("adminUrl"));
  url.pathname = `/${name}`;
  return { name, url: url.href, drop: () => asAdmin(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) };
}

/** Registers hooks that give the test file, or the `describe` that calls it, a database of its own. */
export function useDatabase(options: DatabaseOptions = {}): UsedDatabase {
  let open: { readonly database: TestDatabase; readonly pool: Pool } | undefined;
  let failed = false;
  const opened = () => {
    if (!open) throw new Error("the database exists from beforeAll to afterAll: use it in hooks and tests");
    return open;
  };
  beforeAll(async () => {
    const database = await testDatabase(options);
    const pool = new Pool({ connectionString: database.url, max: 3 });
    // tests restart servers and end connections on purpose; the statement that meets it fails by itself
    pool.on("error", () => {});
    open = { database, pool };
  });
  afterEach(({ task }) => {
    failed ||= task.result?.state === "fail";
  });
  afterAll(async () => {
    if (!open) return;
    const { database, pool } = open;
    open = undefined;
    await pool.end();
    if (!failed || process.env.R3A_KEEP !== "1") await database.drop();
    else process.stderr.write(`R3A_KEEP=1: database ${database.name} is kept\n`);
  });
  return {
    get url() {
      return opened().database.url;
    },
    async query<Row extends QueryResultRow>(sql: string, params: readonly unknown[] = []) {
      return (await opened().pool.query<Row>(sql, [...params])).rows;
    },
  };
}
