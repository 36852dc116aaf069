import pg from "pg";
import { messageOf } from "../../errors.ts";
import { HOUR_MS } from "../../time.ts";
import { LOCK_WAIT_MS, STATEMENT_LIMIT_MS } from "../connection/session-settings.ts";
import { codeOf } from "../fault.ts";
import { LOCK_TIMEOUT_MS } from "../lock-retry.ts";
import { onlyRow } from "../only-row.ts";
import type { OwnClient } from "../session.ts";

export type OpOutcome = "done" | "failed" | "blocked";

/** A build of 26 M rows takes minutes; this ends one that waits for another session all night. */
const LONGEST_BUILD_MS = HOUR_MS;

const BEGIN_OP = `
  insert into r3a_util.maint_op (run_id, op, object, attempt, outcome) values ($1, $2, $3, $4, 'running') returning id`;
const END_OP = `update r3a_util.maint_op set outcome = $2, sqlstate = $3, ms = $4, error = $5 where id = $1`;

/** Notes that an operation begins, in a transaction of its own: one that kills its process must be seen to have done so. */
export async function beginOp(
  client: OwnClient,
  op: { readonly runId: string; readonly op: string; readonly object: string; readonly attempt: number },
): Promise<string> {
  const values = [op.runId, op.op, op.object, op.attempt];
  return onlyRow(await client.query<{ id: string }>(BEGIN_OP, values)).id;
}

export async function endOp(
  client: OwnClient,
  id: string,
  end: {
    readonly outcome: OpOutcome;
    readonly sqlstate: string | null;
    readonly ms: number;
    readonly error: string | null;
  },
): Promise<void> {
  await client.query(END_OP, [id, end.outcome, end.sqlstate, Math.round(end.ms), end.error]);
}

/**
 * One transaction that waits at most `LOCK_TIMEOUT_MS` for each lock. With `table` that table is held against every
 * other builder before `isNeeded` is asked, so that nothing can change between the look and the statement. Without `sql`
 * it is only the look. False when it was not needed any more.
 */
export async function runTransaction(
  client: OwnClient,
  {
    sql,
    table,
    isNeeded,
  }: {
    readonly sql: string | null;
    readonly table: string | null;
    readonly isNeeded: () => Promise<boolean>;
  },
): Promise<boolean> {
  await client.query("begin");
  try {
    // a limit that role or database have is meant for queries, and a plain build of a sealed leaf takes longer
    await client.query(
      `set local lock_timeout = ${LOCK_TIMEOUT_MS}; set local statement_timeout = ${LONGEST_BUILD_MS}`,
    );
    if (table !== null) await client.query(`lock table only ${table} in share update exclusive mode`);
    const needed = await isNeeded();
    if (needed && sql !== null) await client.query(sql);
    await client.query("commit");
    return needed;
  } catch (error) {
    await client.query("rollback").catch(() => {}); // the connection may be what failed
    throw error;
  }
}

/**
 * A statement that allows no transaction around it. Without lock_timeout: a concurrent build waits for old transactions
 * by locks, and a time-out there leaves an INVALID index each time.
 */
export async function runAlone(client: OwnClient, sql: string): Promise<void> {
  await client.query(`set lock_timeout = 0; set statement_timeout = ${LONGEST_BUILD_MS}`);
  try {
    await client.query(sql);
  } finally {
    // not "reset": the limit of a role would come back
    await client
      .query(`set lock_timeout = ${LOCK_WAIT_MS}; set statement_timeout = ${STATEMENT_LIMIT_MS}`)
      .catch(() => {}); // the connection may be what failed
  }
}

/** SQLSTATE of what a statement was refused for, null for anything else. */
export function sqlstateOf(error: unknown): string | null {
  const code = codeOf(error);
  return code !== null && /^[0-9A-Z]{5}$/.test(code) ? code : null;
}

/** What went wrong, with the detail of the server: the key that rows share, or who waited for whom in a deadlock. */
export function describeFault(error: unknown): string {
  const detail = error instanceof pg.DatabaseError ? error.detail : undefined;
  return detail === undefined ? messageOf(error) : `${messageOf(error)}: ${detail}`;
}
