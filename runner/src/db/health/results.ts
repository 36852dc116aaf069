import type { Database } from "../connect.ts";
import { addEndedRun, type EndedRun } from "../runs.ts";
import { bounded, type Reader } from "../session.ts";

/** One row of the audit trail: one result of a run of `health`, with `criteria` and `names` as in the report. */
type StoredResult = {
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

const LIMIT_MS = 2_000;

/**
 * Writes the run of `health` with its results in one transaction. The caller prints the report first, because this write
 * may fail. A run that was stopped has no results. Rejects after 2 s, and the time that it takes to connect.
 */
export async function recordHealth(
  db: Database,
  ended: EndedRun,
  { now, results }: { readonly now: number; readonly results: readonly StoredResult[] },
): Promise<void> {
  const always = new AbortController().signal; // a run that was stopped is recorded too
  const write = async (client: Reader) => {
    await addEndedRun(client, ended);
    if (results.length > 0)
      await client.query(INSERT_RESULTS, [ended.run.runId, now, JSON.stringify(results)]);
  };
  await bounded(db, { limitMs: LIMIT_MS, signal: always, mayWrite: true }, write);
}
