import { setTimeout as sleep } from "node:timers/promises";
import type { QueryResultRow } from "pg";
import { buildLegacyLayout, type LegacyOptions } from "../../../dev/fixtures/legacy-layout.ts";
import { useEmptyDatabases, withSession } from "../database/empty-database.ts";
import { type RunResult, runRunner, startRunner } from "../runner.ts";

export type LegacyDatabase = {
  readonly url: string;
  query<Row extends QueryResultRow>(sql: string, params?: readonly unknown[]): Promise<Row[]>;
  run(args: string): Promise<RunResult>;
  /** Moves the newest leaves only, until no leaf is left whose name has this `ending`, e.g. `1h_2024_02`; with `more` words. */
  moveUntilGone(ending: string, more?: readonly string[]): Promise<RunResult>;
};

/** Makes small databases of the old layout; each is deleted after the test that made it. */
export function useLegacyDatabases(): (options: LegacyOptions, more?: string) => Promise<LegacyDatabase> {
  const makeEmpty = useEmptyDatabases();
  return async (options, more = "select") => {
    const url = await makeEmpty();
    const database: LegacyDatabase = {
      url,
      query: <Row extends QueryResultRow>(sql: string, params: readonly unknown[] = []) =>
        withSession(url, async (client) => (await client.query<Row>(sql, [...params])).rows),
      run: (args) => runRunner(args.split(" "), { DB_URL: url }),
      async moveUntilGone(ending, more = []) {
        // at this rate the command sleeps for seconds after each leaf
        const words = ["migrate-layout", "--json", "--rows-per-second", "1", ...more];
        const { child, ended } = startRunner(words, { DB_URL: url });
        const leaves = `select from pg_class where relname like 'ohlcv\\_c%' || $1 and relkind = 'r'`;
        while (child.exitCode === null && (await database.query(leaves, [ending])).length > 0)
          await sleep(20);
        child.kill("SIGTERM");
        return ended;
      },
    };
    await buildLegacyLayout(database, options);
    await database.query(more);
    return database;
  };
}
