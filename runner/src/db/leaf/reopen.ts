import pg from "pg";
import type { Span } from "../../candle/span.ts";
import type { Interval } from "../../contract/intervals.ts";
import { listLeavesOf } from "../../partition/layout.ts";
import { renderTime } from "../../time.ts";
import { type Database, queryRows } from "../connect.ts";
import { codeOf } from "../fault.ts";
import { SEALED } from "../sqlstate.ts";
import { GUARD } from "./guard.ts";

/** Names of the leaves that a run knows to be guarded. The run starts with none: most runs never meet one. */
export type KnownGuards = Set<string>;

/** The candles of a series that a transaction is about to write: no open time lies outside of the span. */
export type CandleWrite = { readonly coinId: number; readonly interval: Interval; readonly span: Span };

const LIST_GUARDED = `
  select c.relname::text as name from pg_trigger t join pg_class c on c.oid = t.tgrelid
  where t.tgname = '${GUARD}' and c.relnamespace = 'r3a'::regnamespace`;
const REOPEN = `select r3a_util.reopen_leaf($1, $2::int[], $3::text[], $4::timestamptz[], $5::timestamptz[])`;

/** A seal may guard one more leaf between two tries; a leaf that still refuses after its reopening ends the tries at once. */
const TRIES = 10;

/**
 * Runs a transaction that writes candles. Where the guard of a leaf refuses it, all guarded leaves become known, and the
 * transaction is run again: `work` has to call `reopenLeaves` with the same set. A run that meets no guard asks nothing.
 */
export async function throughGuards<T>(db: Database, known: KnownGuards, work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    const before = new Set(known);
    try {
      return await work();
    } catch (error) {
      const refused = leafOf(error);
      if (refused === null || before.has(refused) || attempt === TRIES) throw error;
      known.add(refused);
      for (const name of await listGuarded(db)) known.add(name);
    }
  }
}

/** Names (without schema) of the leaves that have a guard now. */
export async function listGuarded(db: Database): Promise<readonly string[]> {
  return (await queryRows<{ name: string }>(db, LIST_GUARDED)).map(({ name }) => name);
}

/**
 * Reopens the known guarded leaves that the writes touch, in the order of their names, so that two writers never wait for each
 * other in a circle. First thing in the transaction; it holds until the transaction ends.
 */
export async function reopenLeaves(
  client: Pick<pg.PoolClient, "query">,
  known: KnownGuards,
  writes: readonly CandleWrite[],
): Promise<void> {
  if (known.size === 0) return;
  const touched = writes.flatMap(({ coinId, interval, span }) =>
    listLeavesOf(interval, span).map((leaf) => ({
      ...{ name: leaf.name, coinId, interval },
      from: renderTime(Math.max(span.from, leaf.span.from)),
      to: renderTime(Math.min(span.to, leaf.span.to)),
    })),
  );
  const byName = Map.groupBy(
    touched.filter(({ name }) => known.has(name)),
    ({ name }) => name,
  );
  for (const name of [...byName.keys()].toSorted()) {
    const parts = byName.get(name) ?? [];
    await client.query(REOPEN, [
      name,
      parts.map(({ coinId }) => coinId),
      parts.map(({ interval }) => interval),
      parts.map(({ from }) => from),
      parts.map(({ to }) => to),
    ]);
  }
}

/** The leaf whose guard refused a write; null for any other error. */
function leafOf(error: unknown): string | null {
  if (codeOf(error) !== SEALED || !(error instanceof pg.DatabaseError)) return null;
  return error.table ?? null;
}
