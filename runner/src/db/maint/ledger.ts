import type { LedgerOp } from "../../maint/maint-plan.ts";
import { GONE_MS } from "../runs.ts";
import type { OwnClient } from "../session.ts";

/** What the ledgers forget, and how large one transaction of it may be. */
const BATCH = 10_000;

/**
 * Ids of runs are UUID v7 and so ordered by time: the oldest items are found by their primary key, although they have
 * no time of their own. An item of a run whose id was given by hand stays until its run goes.
 */
const isBeforeId = (column: string, days: number) =>
  `${column} < (lpad(to_hex(floor(extract(epoch from now() - interval '${days} days') * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid`;

const OLD_ITEMS = (days: number) => `
  select i.ctid from r3a.run_item i join r3a.run r using (run_id)
  where ${isBeforeId("i.run_id", days)} and r.started_at < now() - interval '${days} days'`;
const OLD_RUNS = (days: number) =>
  `select run_id from r3a.run where started_at < now() - interval '${days} days'`;
const OLD_OPS = (days: number) =>
  `select id from r3a_util.maint_op where at < now() - interval '${days} days'`;
const GONE_RUNS = `outcome = 'running' and heartbeat_at < now() - interval '${GONE_MS} milliseconds'`;

/** Rows are due a day after they may go, so that this is the work of one run a day and not of all. */
export const LEDGER_DUE = `
  select op from (values
    ('close-runs', exists (select from r3a.run where ${GONE_RUNS})),
    ('delete-items', exists (${OLD_ITEMS(36)})),
    ('delete-runs', exists (${OLD_RUNS(401)})),
    ('delete-ops', exists (${OLD_OPS(36)}))) as d (op, is_due)
  where is_due`;

/** Closed and counted in one statement, so that a counter never says another thing than the runs. */
const CLOSE_RUNS = `
  with gone as (
    update r3a.run set outcome = 'aborted', finished_at = now(),
           error_summary = 'the process is gone: no heartbeat since ' || to_char(heartbeat_at, 'YYYY-MM-DD HH24:MI:SS TZ')
    where ${GONE_RUNS} returning command
  )
  insert into r3a.job_counter as c (command, outcome, n) select command, 'aborted', count(*) from gone group by command
  on conflict (command, outcome) do update set n = c.n + excluded.n`;

const STATEMENT: Readonly<Record<LedgerOp, string>> = {
  "close-runs": CLOSE_RUNS,
  "delete-items": `delete from r3a.run_item where ctid = any (array(${OLD_ITEMS(35)} limit ${BATCH})) returning 1`,
  "delete-runs": `delete from r3a.run where run_id in (${OLD_RUNS(400)} limit ${BATCH / 10}) returning 1`,
  "delete-ops": `delete from r3a_util.maint_op where id in (${OLD_OPS(35)} limit ${BATCH}) returning 1`,
};

/** One part of the ledgers' upkeep, a transaction for each batch, until nothing is left or `isOver` says so. */
export async function keepLedger(client: OwnClient, op: LedgerOp, isOver: () => boolean): Promise<void> {
  for (;;) {
    const rows = await client.query(STATEMENT[op]);
    if (op === "close-runs" || rows.length === 0 || isOver()) return;
  }
}
