import type pg from "pg";
import type { Interval } from "../contract/intervals.ts";
import { SettingsFault } from "../errors.ts";
import { type Database, withClient } from "./connect.ts";
import { withTransaction } from "./session.ts";

/** How a run ended, as the ledger shows it. `findings`: the work is done, and what it looked at is not as it should be. */
export type RunOutcome = "success" | "partial" | "findings" | "failure" | "timeout" | "aborted";

export type NewRun = {
  readonly runId: string;
  readonly command: string;
  /** `r3a COMMAND ARGS` repeats the run under the same settings. */
  readonly args: string;
  /** Name of the job that started the run; null: a person. */
  readonly origin: string | null;
  readonly deadlineS: number | null;
  readonly host: string;
  readonly pid: number;
  readonly version: string;
};

/**
 * What a run did to one series; `lastClose` in ms. `kept`, `isStopped` and `isUnlisted` are for the summary only.
 * `isStopped`: the run ended in the middle of the series, of which nothing failed; the outcome is `partial`, and the error
 * says what ended it. `isUnlisted`: the exchange does not know the symbol any more.
 */
export type RunItem = {
  readonly coinId: number;
  readonly interval: Interval;
  readonly outcome: "success" | "partial" | "failure" | "skipped";
  readonly pages: number;
  readonly added: number;
  readonly repaired: number;
  readonly revised: number;
  readonly kept?: number;
  readonly isStopped?: boolean;
  readonly isUnlisted?: boolean;
  readonly gaps: number;
  readonly lastClose: number | null;
  readonly ms: number;
  readonly error: string | null;
};

export type RunEnd = {
  readonly outcome: RunOutcome;
  readonly exitCode: number;
  readonly rateLimitHits: number;
  readonly error: string | null;
};

/**
 * A running process writes its heartbeat each 15 s. After this time (ms) without one the process is gone: health reports
 * the run, and maint closes its row. A server that fails over keeps heartbeats back for a minute or two.
 */
export const GONE_MS = 300_000;

const OPEN_RUN = `
  insert into r3a.run (run_id, command, arguments, origin, deadline_s, host, pid, version)
  values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing`;

const WHOSE_RUN = `
  select command, outcome, to_char(started_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as started_at
  from r3a.run where run_id = $1`;
type WhoseRunRow = { command: string; outcome: string; started_at: string };

const HEARTBEAT = `update r3a.run set heartbeat_at = now() where run_id = $1 and outcome = 'running'`;

const ADD_ITEMS = `
  insert into r3a.run_item (run_id, coin_id, "interval", outcome, pages, added, repaired, revised, gaps, last_close, ms, error)
  select $1, "coinId", "interval", outcome, pages, added, repaired, revised, gaps, to_timestamp("lastClose" / 1000.0), ms, error
  from jsonb_to_recordset($2) as u ("coinId" int, "interval" text, outcome text, pages int, added bigint, repaired bigint,
       revised bigint, gaps int, "lastClose" bigint, ms int, error text)`;
const INSERT_ITEMS = `${ADD_ITEMS} on conflict do nothing`;
/** Items grow while the run is at work: the newest sums replace the older ones. */
const UPSERT_ITEMS = `${ADD_ITEMS}
  on conflict (run_id, coin_id, "interval") do update set pages = excluded.pages, added = excluded.added,
    revised = excluded.revised, ms = excluded.ms`;

const CLOSE_RUN = `
  update r3a.run set finished_at = now(), heartbeat_at = now(), outcome = $2, exit_code = $3, rate_limit_hits = $4,
         error_summary = $5, symbols_expected = i.expected, symbols_ok = i.ok, rows_written = i.written
  from (select count(*) as expected, count(*) filter (where outcome in ('success', 'skipped')) as ok,
               coalesce(sum(added + repaired + revised), 0) as written
        from r3a.run_item where run_id = $1) i
  where run_id = $1 and r3a.run.outcome = 'running'`;

const COUNT_RUN = `
  insert into r3a.job_counter as c (command, outcome, n) values ($1, $2, 1)
  on conflict (command, outcome) do update set n = c.n + 1`;

const ADD_ENDED = `
  insert into r3a.run (run_id, command, arguments, origin, deadline_s, host, pid, version, outcome, exit_code,
         rate_limit_hits, error_summary, started_at, finished_at)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, now() - $13::float8 * interval '1 ms', now())
  on conflict do nothing`;

/** The value of an option; an option with null or false is left out. */
type Value = string | number | boolean | readonly string[] | null;

/** A word that a shell takes as it is. */
const PLAIN = /^[\p{L}\p{N}_.,:=/@%+-]+$/u;

/** A command line without its command, for a shell: first the words, then the options, e.g. `{"--all": true}`. */
export function renderArguments(
  words: readonly string[],
  options: Readonly<Record<string, Value>> = {},
): string {
  const quote = (text: string) => (PLAIN.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
  const given = Object.entries(options).flatMap(([name, value]) => {
    if (value === null || value === false) return [];
    return value === true
      ? [name]
      : [name, quote(typeof value === "object" ? value.join(",") : String(value))];
  });
  return [...words.map(quote), ...given].join(" ");
}

/** The words of a text that `renderArguments` made. */
export function splitArguments(text: string): readonly string[] {
  const words = text.match(/(?:[^\s'\\]|'[^']*'|\\.)+/gu) ?? [];
  return words.map((word) => word.replace(/'([^']*)'|\\(.)/gu, "$1$2"));
}

/**
 * What a run of sync was asked for: `symbols` and `top` as its options name them (null: the settings decide). The
 * symbols of the settings are not among the arguments, since with 600 of them a year of minute runs would take 3 GB.
 */
export type SyncForm = {
  readonly interval: Interval;
  readonly shard: { readonly index: number; readonly count: number };
  readonly top: number | null;
  readonly symbols: readonly string[] | null;
};

/** The arguments of a sync as the ledger shows them; `acceptExchange` stands last, where health leaves it out. */
export function renderSyncArguments(
  { interval, shard, top, symbols }: SyncForm,
  acceptExchange: string | null = null,
): string {
  return renderArguments([interval], {
    "--shard": renderShard(shard),
    "--top": top,
    "--symbols": symbols,
    "--accept-exchange": acceptExchange,
  });
}

/**
 * The reverse of renderSyncArguments. The ledger may hold a text that no command wrote; it counts as a run of all
 * series.
 */
export function parseSyncArguments(text: string): Omit<SyncForm, "interval"> {
  const words = splitArguments(text);
  const optionOf = (name: string) => (words.includes(name) ? words[words.indexOf(name) + 1] : undefined);
  const [index = 0, count = 1] = optionOf("--shard")?.split("/").map(Number) ?? [];
  const top = optionOf("--top");
  return {
    shard: { index, count },
    top: top === undefined ? null : Number(top),
    symbols: optionOf("--symbols")?.split(",") ?? null,
  };
}

/** Null where there is one shard: the option is then left out. */
export function renderShard({ index, count }: SyncForm["shard"]): string | null {
  return count > 1 ? `${index}/${count}` : null;
}

/** Throws SettingsFault where the ledger has another run of this id. */
export async function openRun(db: Database, run: NewRun): Promise<void> {
  await withClient(db, async (client) => {
    const { rowCount } = await client.query(OPEN_RUN, valuesOf(run));
    if (rowCount === 0) await refuseTaken(client, run);
  });
}

function valuesOf({ runId, command, args, origin, deadlineS, host, pid, version }: NewRun): unknown[] {
  return [runId, command, args, origin, deadlineS, host, pid, version];
}

async function refuseTaken(client: pg.PoolClient, { runId }: NewRun): Promise<never> {
  const [taken] = (await client.query<WhoseRunRow>(WHOSE_RUN, [runId])).rows;
  const whose = taken === undefined ? "" : ` (${taken.command} of ${taken.started_at}, ${taken.outcome})`;
  throw new SettingsFault([
    `R3A_RUN_ID ${runId} is the id of a run that the ledger has already${whose}: give each run an id of its own, or leave the variable out`,
  ]);
}

export async function beat(db: Database, runId: string): Promise<void> {
  await withClient(db, (client) => client.query(HEARTBEAT, [runId]));
}

/** Writes the items before the run ends, as far as they are; each series has one item. */
export async function upsertItems(db: Database, runId: string, items: readonly RunItem[]): Promise<void> {
  if (items.length === 0) return;
  await withClient(db, (client) => client.query(UPSERT_ITEMS, [runId, JSON.stringify(items)]));
}

/**
 * Closes the run with its items and counts it, in one transaction. A run that maint has closed already, since its
 * heartbeat was old, stays as it is.
 */
export async function closeRun(
  db: Database,
  run: NewRun,
  { items, ...end }: RunEnd & { readonly items: readonly RunItem[] },
): Promise<void> {
  await withTransaction(db, async (client) => {
    if (items.length > 0) await client.query(INSERT_ITEMS, [run.runId, JSON.stringify(items)]);
    const closing = [run.runId, end.outcome, end.exitCode, end.rateLimitHits, end.error];
    const { rowCount } = await client.query(CLOSE_RUN, closing);
    if (rowCount === 1) await client.query(COUNT_RUN, [run.command, end.outcome]);
  });
}

/** A run that is over; `ms` is how long it took. */
export type EndedRun = { readonly run: NewRun; readonly end: RunEnd; readonly ms: number };

/**
 * Adds a run that is over, and counts it, in the transaction of the caller. Throws SettingsFault where the ledger has
 * another run of this id.
 */
export async function addEndedRun(client: pg.PoolClient, { run, end, ms }: EndedRun): Promise<void> {
  const { outcome, exitCode, rateLimitHits, error } = end;
  const ended = [...valuesOf(run), outcome, exitCode, rateLimitHits, error, ms];
  const { rowCount } = await client.query(ADD_ENDED, ended);
  if (rowCount === 0) await refuseTaken(client, run);
  await client.query(COUNT_RUN, [run.command, outcome]);
}
