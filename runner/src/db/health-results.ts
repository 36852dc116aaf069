import { type Database, withClient } from "./connect.ts";

/** One row of the audit trail: what a run of `health` saw. `checkedAt` in ms; `criteria` and `names` as in the report. */
export type StoredResult = {
  readonly check: string;
  readonly component: string;
  readonly status: string;
  readonly observed: number | null;
  readonly unit: string;
  readonly criteria: Readonly<Record<string, number>>;
  readonly output: string;
  readonly names: readonly string[];
};

const INSERT_RESULTS = `
  insert into r3a.health_result (run_id, checked_at, check_name, component, status, observed, unit, criteria, output, names)
  select $1, to_timestamp($2 / 1000.0), "check", component, status, observed, unit, criteria, output, names
  from jsonb_to_recordset($3) as u ("check" text, component text, status text, observed float8, unit text, criteria jsonb,
       output text, names text[])`;

export async function recordResults(
  db: Database,
  runId: string,
  checkedAt: number,
  results: readonly StoredResult[],
): Promise<void> {
  await withClient(db, (client) => client.query(INSERT_RESULTS, [runId, checkedAt, JSON.stringify(results)]));
}
