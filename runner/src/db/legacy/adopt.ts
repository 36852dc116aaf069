import { readdir, readFile } from "node:fs/promises";
import pg from "pg";
import type { Span } from "../../candle/span.ts";
import type { Interval } from "../../contract/intervals.ts";
import { TryAgain } from "../../errors.ts";
import { type Database, withClient } from "../connect.ts";
import { isBusy, LOCK_TIMEOUT_MS, retryBusy } from "../lock-retry.ts";
import { MIGRATIONS } from "../schema/schema.ts";
import { withTransaction } from "../session.ts";
import { LEGACY_ROOT, OLD_ROOT } from "./state.ts";

/**
 * What the migration 000012_old_layout takes over: coins with their ids, and the span of each series in the old layout.
 * New coins get ids above `lastCoinId`. `columns` are the columns whose values are moved.
 */
export type LegacyNotes = {
  readonly coins: readonly {
    readonly id: number;
    readonly symbol: string;
    readonly base: string;
    readonly quote: string;
  }[];
  readonly lastCoinId: number;
  readonly series: readonly { readonly coinId: number; readonly interval: Interval; readonly span: Span }[];
  readonly columns: readonly string[];
};

const PATIENCE_MS = 40_000;

const RENAME_ROOT = `set local lock_timeout = ${LOCK_TIMEOUT_MS}; alter table ${OLD_ROOT} rename to ohlcv_legacy`;

const NOTE_TABLES = ["r3a.legacy_coin", "r3a.legacy_series", "r3a.legacy_note"];

const CREATE_NOTES = `
  create table r3a.legacy_coin (id integer primary key, symbol text not null unique, base text not null, quote text not null);
  create table r3a.legacy_series (coin_id integer not null, "interval" text not null, from_ts timestamptz not null,
    to_ts timestamptz not null, primary key (coin_id, "interval"), check (from_ts < to_ts));
  create table r3a.legacy_note (kind text check (kind in ('coin', 'column', 'renamed')), name text, value text, primary key (kind, name));
  create schema if not exists r3a_util`;

const NOTE_COINS = `
  insert into r3a.legacy_coin select id, symbol, base, quote
  from jsonb_to_recordset($1) as u (id int, symbol text, base text, quote text)`;

const NOTE_SERIES = `
  insert into r3a.legacy_series select "coinId", "interval", to_timestamp("from" / 1000.0), to_timestamp("to" / 1000.0)
  from jsonb_to_recordset($1) as u ("coinId" int, "interval" text, "from" bigint, "to" bigint)`;

/** A note of kind `renamed`: `name` is the new relation, `value` the old one whose rights the new one gets. */
const NOTE_REST = `
  insert into r3a.legacy_note select kind, name, value from jsonb_to_recordset($1) as u (kind text, name text, value text)`;

/** Old relations with a name that a migration gives to a new one, and old leaves with a name of a new leaf. */
const LIST_COLLIDING = `
  select format('%I.%I', n.nspname, c.relname) as name, left(c.relname, 56) || '_legacy' as bare,
         format('%I.%I', n.nspname, left(c.relname, 56) || '_legacy') as "to",
         case c.relkind when 'i' then 'index' when 'I' then 'index' when 'v' then 'view' when 'm' then 'materialized view'
           when 'S' then 'sequence' else 'table' end as kind
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname in ('r3a', 'r3a_util') and c.relkind in ('r', 'p', 'i', 'I', 'v', 'm', 'S', 'f')
    and c.oid is distinct from to_regclass('${OLD_ROOT}')
    and (c.relname = any($1::text[]) or c.relname ~ '^ohlcv_(1m_\\d{4}_\\d{2}|15m_\\d{4}_q\\d|(1h|slow)_\\d{4})$')
  order by 1`;

const LIST_ROUTINES = `
  select p.oid::regprocedure::text as name from pg_proc p
  where p.pronamespace = to_regnamespace('r3a_util') and p.proname = any($1::text[]) order by 1`;

const LIST_OCCUPIED = `select name from unnest($1::text[]) as name where to_regclass(name) is not null order by 1`;

/** An old relation (`name`) and its next name: `to`, and `bare` without the schema. */
type Colliding = {
  readonly name: string;
  readonly to: string;
  readonly bare: string;
  readonly kind: string;
};

/**
 * Old objects with a name of the new schema: relations are renamed, functions are dropped. `occupied` are names that a
 * renamed relation or a table of notes needs and that another object has.
 */
export type Collisions = {
  readonly renamed: readonly Colliding[];
  readonly dropped: readonly string[];
  readonly occupied: readonly string[];
};

/** Takes the names from the files of the migrations, so that the objects of a later file are found too. */
export async function findCollisions(db: Database): Promise<Collisions> {
  const files = (await readdir(MIGRATIONS)).filter((file) => file.endsWith(".sql"));
  const text = (await Promise.all(files.map((file) => readFile(`${MIGRATIONS}/${file}`, "utf8")))).join("\n");
  const namesOf = (pattern: RegExp) => [...text.matchAll(pattern)].map(([, name]) => name);
  const relations = namesOf(
    /create (?:or replace )?(?:unique )?(?:table|index|view) (?:if not exists )?(?:r3a(?:_util)?\.)?(\w+)/gi,
  );
  const functions = namesOf(/create (?:or replace )?function (?:r3a_util\.)(\w+)/gi);
  return withClient(db, async (client) => {
    const renamed = (await client.query<Colliding>(LIST_COLLIDING, [relations])).rows;
    const wanted = [LEGACY_ROOT, ...NOTE_TABLES, ...renamed.map(({ to }) => to)];
    const occupied = (await client.query<{ name: string }>(LIST_OCCUPIED, [wanted])).rows;
    const dropped = (await client.query<{ name: string }>(LIST_ROUTINES, [functions])).rows;
    return {
      renamed,
      dropped: dropped.map(({ name }) => name),
      occupied: [
        ...occupied.map(({ name }) => name),
        ...wanted.filter((name, index) => wanted.indexOf(name) < index),
      ],
    };
  });
}

/**
 * Makes room for the new schema in one transaction: renames the old table to r3a.ohlcv_legacy, appends `_legacy` to the
 * names that collide, drops the old functions, and writes the notes. Locks the old table itself and not its leaves. Tries
 * again if somebody holds the table, and throws TryAgain after 40 s.
 */
export async function adoptLegacy(
  db: Database,
  found: LegacyNotes & { readonly collisions: Collisions },
  signal: AbortSignal,
): Promise<void> {
  const adopt = () => withTransaction(db, (client) => adoptOnce(client, found));
  await retryBusy(adopt, performance.now() + PATIENCE_MS, signal).catch((cause: unknown) => {
    if (!isBusy(cause)) throw cause;
    throw new TryAgain(
      `${OLD_ROOT} is in use and could not be renamed: stop the jobs of the old system and long readers`,
      { cause },
    );
  });
}

async function adoptOnce(
  client: pg.PoolClient,
  { coins, lastCoinId, series, columns, collisions: { renamed, dropped } }: Parameters<typeof adoptLegacy>[1],
): Promise<void> {
  await client.query(RENAME_ROOT);
  for (const { name, bare, kind } of renamed)
    await client.query(`alter ${kind} ${name} rename to ${pg.escapeIdentifier(bare)}`);
  // in one statement: one function may depend on another
  if (dropped.length > 0) await client.query(`drop routine ${dropped.join(", ")}`);
  await client.query(CREATE_NOTES);
  await client.query(NOTE_COINS, [JSON.stringify(coins)]);
  await client.query(NOTE_SERIES, [
    JSON.stringify(series.map(({ coinId, interval, span }) => ({ coinId, interval, ...span }))),
  ]);
  const notes = [
    { kind: "coin", name: "last", value: String(lastCoinId) },
    ...columns.map((name) => ({ kind: "column", name, value: null })),
    { kind: "renamed", name: OLD_ROOT, value: LEGACY_ROOT },
    ...renamed.map(({ name, to }) => ({ kind: "renamed", name, value: to })),
  ];
  await client.query(NOTE_REST, [JSON.stringify(notes)]);
}
