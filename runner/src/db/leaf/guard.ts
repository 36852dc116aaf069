import pg from "pg";
import { MINUTE_MS } from "../../time.ts";
import { Busy, isBusy, retryBusy } from "../lock-retry.ts";
import type { OwnClient } from "../session.ts";
import { type NewLeafState, setLeafState } from "./state.ts";

/** The triggers that refuse who writes to a guarded leaf without r3a_util.reopen_leaf. */
export const GUARD = "r3a_guard";
export const GUARD_TRUNCATE = "r3a_guard_truncate";

/** Writers that arrive while a lock is awaited wait too, so no attempt is longer; in the pauses they get through. */
export const LEAF_LOCK_MS = 100;
const PATIENCE_MS = 5 * MINUTE_MS;

/** A table of a leaf, which has the name of the leaf; it may lie in another schema, as a scratch table does. */
export type LeafTable = { readonly schema?: string; readonly name: string };

/** How a run waits for the sessions that hold a leaf: until `patienceMs` is over or `signal` is aborted. */
export type LeafPatience = {
  readonly patienceMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
};

/** `token`: a bigint as text, the right to go on with the leaf. `oid`: its table; null where there is none. */
export type TakenLeaf = { readonly token: string; readonly oid: number | null };

const TAKE = `
  insert into r3a.leaf_state as s (leaf, state, token, run_id)
  values ($1, $2, nextval('r3a.leaf_token'), $3::uuid)
  on conflict (leaf) do update set state = excluded.state, token = excluded.token, run_id = excluded.run_id, changed_at = now(), note = null
  returning token::text as token`;
const FORGET_REOPENING = `delete from r3a.leaf_reopening where leaf = $1`;
const FIND = `select to_regclass(format('r3a.%I', $1::text))::oid as oid`;

/**
 * Statements that guard a table of this leaf; they take SHARE ROW EXCLUSIVE, so no unfinished writer is left behind.
 * Idempotent.
 */
export function guardStatements({ schema = "r3a", name }: LeafTable): string {
  const table = `${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(name)}`;
  const isClosed = `position(${pg.escapeLiteral(`,${name},`)} in coalesce(current_setting('r3a.reopened', true), '')) = 0`;
  return [
    `create or replace trigger ${GUARD} before insert or update or delete on ${table} for each row when (${isClosed}) execute function r3a_util.refuse_sealed()`,
    `create or replace trigger ${GUARD_TRUNCATE} before truncate on ${table} for each statement execute function r3a_util.refuse_sealed()`,
    `alter table ${table} enable always trigger ${GUARD}, enable always trigger ${GUARD_TRUNCATE}`,
  ].join(";\n");
}

/** Statements that take the guard away; they take ACCESS EXCLUSIVE on the table. Idempotent. */
export function dropGuardStatements({ schema = "r3a", name }: LeafTable): string {
  const table = `${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(name)}`;
  return `drop trigger if exists ${GUARD} on ${table}; drop trigger if exists ${GUARD_TRUNCATE} on ${table}`;
}

/**
 * Takes a leaf: guards its table, writes its state with a new token, and forgets what was written before, in one commit. From
 * then on each writer who reopens the leaf is seen in its state or in r3a.leaf_reopening, and no earlier writer is under
 * way. Another run that had the leaf loses it. Waits for writers by short attempts; Busy where they hold it for too long.
 */
export async function takeLeaf(
  client: OwnClient,
  leaf: { readonly name: string },
  {
    state,
    runId,
    ...patience
  }: { readonly state: "sealing" | "restoring"; readonly runId: string | null } & LeafPatience,
): Promise<TakenLeaf> {
  return patiently(client, leaf, patience, async () => {
    const [taken] = await client.query<{ token: string }>(TAKE, [leaf.name, state, runId]);
    const [table] = await client.query<{ oid: number | null }>(FIND, [leaf.name]);
    if (taken === undefined) throw new Error(`r3a.leaf_state took no row of ${leaf.name}`);
    const oid = table?.oid ?? null;
    if (oid !== null) await client.query(guardStatements(leaf));
    await client.query(FORGET_REOPENING, [leaf.name]);
    return { token: taken.token, oid };
  });
}

/**
 * Gives a taken leaf back with a new state. `dropGuard` takes ACCESS EXCLUSIVE for a moment, by short attempts. False, and
 * nothing is changed, where another run took the leaf meanwhile; for `sealed` also where a writer reopened it.
 */
export async function releaseLeaf(
  client: OwnClient,
  { name, token }: { readonly name: string; readonly token: string },
  { dropGuard, patienceMs, signal, ...next }: NewLeafState & { readonly dropGuard: boolean } & LeafPatience,
): Promise<boolean> {
  return patiently(client, { name }, { patienceMs, signal }, async () => {
    if (!(await setLeafState(client, { leaf: name, token }, next))) return false;
    const [table] = await client.query<{ oid: number | null }>(FIND, [name]);
    if (dropGuard && table?.oid != null) await client.query(dropGuardStatements({ name }));
    return true;
  });
}

/** One transaction of short waits, again and again until it works. */
async function patiently<T>(
  client: OwnClient,
  { name }: { readonly name: string },
  { patienceMs = PATIENCE_MS, signal }: LeafPatience,
  work: () => Promise<T>,
): Promise<T> {
  const begunAt = performance.now();
  return retryBusy(() => briefly(client, work), begunAt + patienceMs, signal).catch((error: unknown) => {
    if (!isBusy(error)) throw error;
    const seconds = Math.round((performance.now() - begunAt) / 1000);
    throw new Busy(
      `leaf r3a.${name} could not be had in ${seconds} s: other sessions read or write it all the time, or hold it (doctor says who); run the command again once they are done`,
      error,
    );
  });
}

/** One transaction that waits LEAF_LOCK_MS for each lock at most: who waits for a lock lets every later reader wait. */
export async function briefly<T>(client: OwnClient, work: () => Promise<T>): Promise<T> {
  await client.query(`begin; set local lock_timeout = ${LEAF_LOCK_MS}`);
  try {
    const result = await work();
    await client.query("commit");
    return result;
  } catch (error) {
    await client.query("rollback").catch(() => {}); // the first error says why
    throw error;
  }
}
