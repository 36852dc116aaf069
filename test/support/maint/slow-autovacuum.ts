import { setTimeout as sleep } from "node:timers/promises";
import type { UsedDatabase } from "../database/database.ts";

/** The worker that is at the table; none where there is none. */
export async function findAutovacuum(
  database: Pick<UsedDatabase, "query">,
  table: string,
): Promise<readonly { readonly pid: number }[]> {
  return database.query(`select pid from pg_stat_progress_vacuum where relid = $1::regclass`, [table]);
}

/** Waits until autovacuum is at the table, where it takes minutes. The server must be the test's own. */
export async function startAutovacuum(database: Pick<UsedDatabase, "query">, table: string): Promise<void> {
  await database.query(
    `alter table ${table} set (autovacuum_vacuum_insert_threshold = 1, autovacuum_vacuum_insert_scale_factor = 0,
       autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1)`,
  );
  await database.query("alter system set autovacuum_naptime = '1s'");
  await database.query("select pg_reload_conf()");
  while ((await findAutovacuum(database, table)).length === 0) await sleep(100);
}
