import pg from "pg";
import { union } from "../../../candle/span.ts";
import { LEAF_SCRATCH_SCHEMA } from "../../../contract/names.ts";
import { TryAgain } from "../../../errors.ts";
import {
  afterCrash,
  type Crashes,
  halve,
  NO_CRASH,
  type Pages,
  pageOf,
  planPages,
} from "../../../restore/mend/pages-plan.ts";
import { sleep } from "../../../sleep.ts";
import { MINUTE_MS } from "../../../time.ts";
import type { Database } from "../../connect.ts";
import { codeOf } from "../../fault.ts";
import { onlyRow } from "../../only-row.ts";
import { type OwnClient, own } from "../../session.ts";

/** How a damaged table is reached: by connections of its own, since reading may end the server. */
export type Reach = { readonly db: Database; readonly signal: AbortSignal };

/**
 * What is read. `prepare` comes first on each new connection, `read` once for each range of pages, `finish` at the end on the
 * same connection. What `read` does is done wholly or not at all; after a crash all begins anew.
 */
export type DamagedReading<T> = {
  readonly table: string;
  readonly prepare: (client: OwnClient) => Promise<void>;
  /** `where`: the condition on `t`, the table. */
  readonly read: (client: OwnClient, where: string) => Promise<unknown>;
  readonly finish: (client: OwnClient) => Promise<T>;
};

/** `unread`: the pages that could not be read, as ranges; `crashes`: how often reading ended the server. */
export type DamagedRead<T> = {
  readonly result: T;
  readonly pages: number;
  readonly unread: readonly Pages[];
  readonly crashes: number;
};

/** After so many pages that cannot be read, a range that cannot be read is not halved any more. */
const MOST_UNREAD = 1_000;
/** Each crash ends all sessions of the server for seconds. */
const MOST_CRASHES = 8;
const SERVER_BACK_MS = 2 * MINUTE_MS;
const PAUSE_MS = 500;

/** No index of a damaged table is believed. */
const SETTINGS = `set enable_indexscan = off; set enable_indexonlyscan = off; set enable_bitmapscan = off`;
const MEASURE = `
  select to_regclass($1)::oid as oid,
         coalesce(ceil(pg_relation_size(to_regclass($1)) / current_setting('block_size')::float8), 0) as pages`;
/** Lies beside the scratch tables, and later runs need it. */
export const CRASHED_PAGE = "crashed_page";
const CRASHED = `${LEAF_SCRATCH_SCHEMA}.${CRASHED_PAGE}`;
const IS_KNOWN = `select to_regclass('${CRASHED}') is not null as "isKnown"`;
const MAKE_CRASHED = `
  create schema if not exists ${LEAF_SCRATCH_SCHEMA};
  create table if not exists ${CRASHED} ("table" oid, page bigint, primary key ("table", page))`;
const LIST_CRASHED = `select page::float8 as page from ${CRASHED} where "table" = $1 order by page`;
const FORGET_CRASHED = `
  delete from ${CRASHED} where "table" = to_regclass($1)::oid or "table" not in (select oid from pg_class)`;
const IS_EMPTY = `select not exists (select from ${CRASHED}) as "isEmpty"`;
const NOTE_CRASHED = `insert into ${CRASHED} select $1, unnest($2::bigint[]) on conflict do nothing`;

/** What the server says of bytes that are no rows: damage, a file that is away, values that are none, lengths that no memory has. */
export function isDamage(error: unknown): boolean {
  return error instanceof pg.DatabaseError && /^(XX|58|22|54|53200)/.test(codeOf(error) ?? "");
}

/**
 * Reads a damaged table, first as a whole, then by halves down to the page. A page whose reading ends the server is noted in
 * schema r3a_scratch, passed over after the server is back, and never read again, not by a later run either. TryAgain where
 * reading ended the server 9 times, or where the server is not back after 2 min.
 */
export async function readDamaged<T>(
  { db, signal }: Reach,
  reading: DamagedReading<T>,
): Promise<DamagedRead<T>> {
  let known: Crashes = NO_CRASH;
  let at: Pages | null = null;
  let backBy = performance.now();
  for (let crashes = 0; ; ) {
    try {
      const done = await own(db, signal, async (client) => {
        const { oid, pages } = onlyRow(
          await client.query<{ oid: number; pages: number }>(MEASURE, [reading.table]),
        );
        known = { ...known, bad: await keepCrashed(client, oid, known.bad) };
        await client.query(SETTINGS);
        await reading.prepare(client);
        const unread = known.bad.map(pageOf);
        for (const range of planPages(pages, known)) await readRange(client, range, unread);
        at = null;
        return { result: await reading.finish(client), pages, unread: union(unread) };
      });
      return { ...done, crashes };
    } catch (error) {
      signal.throwIfAborted();
      const range: Pages | null = at;
      at = null;
      if (range !== null && hasEnded(error) && crashes < MOST_CRASHES) {
        crashes += 1;
        known = afterCrash(known, range);
        backBy = performance.now() + SERVER_BACK_MS;
      } else if (!(error instanceof TryAgain) || range !== null || performance.now() > backBy) throw error;
      await sleep(PAUSE_MS, signal);
    }
  }

  async function readRange(client: OwnClient, range: Pages, unread: Pages[]): Promise<void> {
    at = range;
    try {
      await reading.read(client, `t.ctid >= '(${range.from},0)'::tid and t.ctid < '(${range.to},0)'::tid`);
      return;
    } catch (error) {
      if (!isDamage(error)) throw error;
    }
    const halves = unread.length < MOST_UNREAD ? halve(range) : [];
    if (halves.length === 0) unread.push(range);
    for (const half of halves) await readRange(client, half, unread);
  }
}

/** Forgets the pages of a table that a swap moves away, in its transaction, and of those that are gone. */
export async function forgetCrashed(client: OwnClient, table: string): Promise<void> {
  const { isKnown } = onlyRow(await client.query<{ isKnown: boolean }>(IS_KNOWN));
  if (!isKnown) return;
  await client.query(FORGET_CRASHED, [table]);
  const { isEmpty } = onlyRow(await client.query<{ isEmpty: boolean }>(IS_EMPTY));
  if (isEmpty) await client.query(`drop table ${CRASHED}`);
}

/** Whether the session ended and the server did not say why: its process died. */
function hasEnded(error: unknown): boolean {
  return error instanceof TryAgain && [null, "ECONNRESET", "EPIPE"].includes(codeOf(error));
}

/** Notes these pages and returns all that are noted of the table. */
async function keepCrashed(
  client: OwnClient,
  oid: number,
  bad: readonly number[],
): Promise<readonly number[]> {
  if (bad.length > 0) {
    await client.query(MAKE_CRASHED);
    await client.query(NOTE_CRASHED, [oid, bad]);
  }
  const { isKnown } = onlyRow(await client.query<{ isKnown: boolean }>(IS_KNOWN));
  if (!isKnown) return bad;
  const noted = await client.query<{ page: number }>(LIST_CRASHED, [oid]);
  return noted.map(({ page }) => page);
}
