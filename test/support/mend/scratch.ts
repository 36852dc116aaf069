import { openDatabase } from "../../../runner/src/db/connect.ts";
import type { Reach } from "../../../runner/src/db/restore/mend/read-damaged.ts";
import { type OwnClient, own } from "../../../runner/src/db/session.ts";
import type { Leaf } from "../../../runner/src/partition/layout.ts";
import { NEVER } from "../backup/object.ts";
import type { UsedDatabase } from "../database/database.ts";

/** The table that is built for a leaf, for tests that fill it by hand; `condition` chooses the rows of the live leaf. */
export async function fillScratch(
  database: UsedDatabase,
  { name }: Leaf,
  condition: string,
): Promise<string> {
  const scratch = `r3a_scratch.${name}`;
  await database.query("create schema if not exists r3a_scratch");
  await database.query(`drop table if exists ${scratch}`);
  await database.query(`create table ${scratch} (like r3a.${name} including all)`);
  await database.query(`insert into ${scratch} select * from r3a.${name} where ${condition}`);
  return scratch;
}

/** Runs `work` with what reaches the database by connections of its own. */
export async function withReach<T>(url: string, work: (reach: Reach) => Promise<T>): Promise<T> {
  const db = openDatabase(url, "mend");
  try {
    return await work({ db, signal: NEVER });
  } finally {
    await db.pool.end();
  }
}

/** Runs `work` on a connection of its own. */
export async function withOwn<T>(url: string, work: (client: OwnClient) => Promise<T>): Promise<T> {
  return withReach(url, ({ db, signal }) => own(db, signal, work));
}
