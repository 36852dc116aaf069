import { messageOf, TryAgain } from "../../errors.ts";
import { sleep } from "../../sleep.ts";
import { type Database, queryRows } from "../connect.ts";
import { onlyRow } from "../only-row.ts";

/**
 * `startedAt`: when the server was started. `countedSince`: when the server began to count; it begins anew after one of its
 * processes crashed, and then `startedAt` stays what it was. `failedPages`: pages with a wrong checksum; null: the server
 * computes none.
 */
export type ServerMarks = {
  readonly startedAt: string;
  readonly countedSince: string;
  readonly failedPages: number | null;
};

const READ = `
  select pg_postmaster_start_time()::text as "startedAt", coalesce(pg_stat_get_bgwriter_stat_reset_time()::text, '') as "countedSince",
         (select sum(checksum_failures)::float8 from pg_stat_database where datid = 0 or datname = current_database()) as "failedPages"`;

export async function readServerMarks(db: Database): Promise<ServerMarks> {
  return onlyRow(await queryRows<ServerMarks>(db, READ));
}

const PAUSE_MS = 500;

/** The same, as soon as the server answers again; the last error where it does not within `patienceMs`. */
export async function awaitServerMarks(
  db: Database,
  { patienceMs, signal }: { readonly patienceMs: number; readonly signal: AbortSignal },
): Promise<ServerMarks> {
  const until = performance.now() + patienceMs;
  for (;;) {
    try {
      return await readServerMarks(db);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof TryAgain)) throw error;
      if (performance.now() > until)
        throw new TryAgain(`the server did not come back: ${messageOf(error)}`, { cause: error });
    }
    await sleep(PAUSE_MS, signal);
  }
}

/** Whether a process of the server crashed in between, and the server itself went on. */
export function hasCrashed(before: ServerMarks, after: ServerMarks): boolean {
  return before.startedAt === after.startedAt && before.countedSince !== after.countedSince;
}
