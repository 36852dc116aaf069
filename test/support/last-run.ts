import type { UsedDatabase } from "./database/database.ts";

type LedgerRow = {
  readonly command: string;
  readonly arguments: string;
  readonly outcome: string;
  readonly exit_code: number | null;
  readonly deadline_s: number | null;
  readonly error_summary: string | null;
};

/** The ledger's row of the run that began last; undefined where there is none. */
export async function lastRun({ query }: Pick<UsedDatabase, "query">): Promise<LedgerRow | undefined> {
  const [row] = await query<LedgerRow>("select * from r3a.run order by started_at desc limit 1");
  return row;
}
