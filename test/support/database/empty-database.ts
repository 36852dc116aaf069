import { randomBytes } from "node:crypto";
import { Client } from "pg";
import { afterEach, inject } from "vitest";

/** Makes databases without any schema; each is deleted after the test that asked for it. Returns the URL. */
export function useEmptyDatabases(): () => Promise<string> {
  const made: string[] = [];
  afterEach(async () => {
    for (const name of made.splice(0)) await asAdmin(`drop database if exists ${name} with (force)`);
  });
  return async () => {
    const name = `r3a_empty_${randomBytes(4).toString("hex")}`;
    await asAdmin(`create database ${name}`);
    made.push(name);
    const url = new URL(inject("adminUrl"));
    url.pathname = `/${name}`;
    return url.href;
  };
}

/** Runs a statement as the owner of the test server, outside of the databases of tests. */
export async function asAdmin(statement: string): Promise<void> {
  await withSession(inject("adminUrl"), (client) => client.query(statement));
}

/** Runs `work` on a connection of its own, as a psql session would. */
export async function withSession<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Runs `work` while new sessions of the database of `url` may write nothing. */
export async function whileReadOnly<T>(url: string, work: () => Promise<T>): Promise<T> {
  const database = new URL(url).pathname.slice(1);
  return withSession(url, async (client) => {
    await client.query(`alter database ${database} set default_transaction_read_only = on`);
    try {
      return await work();
    } finally {
      await client.query(`alter database ${database} reset default_transaction_read_only`);
    }
  });
}
