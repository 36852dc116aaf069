import { type Database, queryRows, withClient } from "./connect.ts";
import { msOf } from "./sql-time.ts";

/** A ranking that was refused: when, why, and until when the lists are not asked for again. Times in ms. */
export type Refusal = { readonly at: number; readonly until: number; readonly reason: string };

/**
 * Both lists together weigh 100, and some failures take half of the time of a minute job. So four questions an hour are
 * enough.
 */
const REMEMBERED = "interval '15 minutes'";

/**
 * The ledger has a row for each refusal, and one for the ranking that ended the refusals. A row with a time after now
 * does not count.
 */
const LAST_NOTE = `
  select outcome, started_at, error_summary from r3a.run
  where command = 'ranking' and started_at <= now() order by started_at desc limit 1`;

const FIND_REFUSAL = `
  select ${msOf("date_trunc('second', started_at)")} as at,
         ${msOf(`date_trunc('second', started_at + ${REMEMBERED})`)} as until,
         coalesce(error_summary, '') as reason
  from (${LAST_NOTE}) last where outcome = 'failure' and started_at > now() - ${REMEMBERED}`;

const ADD_NOTE = `
  insert into r3a.run (run_id, command, finished_at, outcome, exit_code, error_summary)
  select gen_random_uuid(), 'ranking', now(), outcome, exit_code, left($1::text, 500)
  from (values (case when $1::text is null then 'success' else 'failure' end, case when $1::text is null then 0 else 1 end))
         as note (outcome, exit_code)
  where $1::text is not null or (select outcome from (${LAST_NOTE}) last) = 'failure'`;

/** The refusal that is in force now; null where the lists may be asked for. */
export async function findRefusal(db: Database): Promise<Refusal | null> {
  return (await queryRows<Refusal>(db, FIND_REFUSAL))[0] ?? null;
}

/**
 * Notes how a ranking ended. `refusal` says why the ranking was refused, null where it is right. A right ranking is
 * noted only after a refusal.
 */
export async function noteRanking(db: Database, refusal: string | null): Promise<void> {
  await withClient(db, (client) => client.query(ADD_NOTE, [refusal]));
}
