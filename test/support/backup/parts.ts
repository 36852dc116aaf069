import { pipeline } from "node:stream/promises";
import type { Interval } from "../../../runner/src/contract/intervals.ts";
import type { BackupLeaf } from "../../../runner/src/db/backup/backup-leaf.ts";
import type { Snapshot } from "../../../runner/src/db/backup/snapshot.ts";
import { withSnapshot } from "../../../runner/src/db/backup/snapshot.ts";
import type { LedgerWrite } from "../../../runner/src/db/backup/write-ledger.ts";
import { upsertCandles } from "../../../runner/src/db/candles.ts";
import { closeDatabase, type Database, openDatabase } from "../../../runner/src/db/connect.ts";
import { type OwnClient, withTransaction } from "../../../runner/src/db/session.ts";
import { leafAt } from "../../../runner/src/partition/layout.ts";
import { makeCandles } from "../candle/candle-rows.ts";
import type { UsedDatabase } from "../database/database.ts";

/** The leaf of an open time, made in the database. */
export async function makeLeaf(
  { query }: Pick<UsedDatabase, "query">,
  interval: Interval,
  at: string,
): Promise<BackupLeaf> {
  const leaf = leafAt(interval, Date.parse(at));
  await query("select r3a_util.make_leaf($1, $2, '{}')", [leaf.parent, new Date(leaf.span.from)]);
  return leaf;
}

/** Adds candles of 1m, `count` in a row, of the coin; each price has the number of the minute in it. */
export const addMinutes = `
  insert into r3a.ohlcv_partitioned (coin_id, "interval", "timestamp", open, high, low, close, volume, quote_volume, trades,
         taker_base, taker_quote, close_time, source, flags)
  select $1, '1m', $2::timestamptz + n * interval '1 min', 100.10 + n, 200 + n, 50.5, 110.00000001 + n, 3.50, 37.1, 42, 1.5, 16.2,
         $2::timestamptz + n * interval '1 min' + interval '59.999 s', 'rest', 0
  from generate_series(0, $3::int - 1) n`;

/** Writes candles of 1m as a sync does that finds other values at the exchange: `count` from a minute of the leaf on. */
export function reviseMinutes(
  database: Pick<UsedDatabase, "url">,
  leaf: Pick<BackupLeaf, "span">,
  [coinId, from, count]: readonly [coinId: number, from: number, count: number],
): Promise<unknown> {
  const candles = makeCandles("1m", leaf.span.from + from * 60_000, count);
  return withRunner(database, (db) =>
    withTransaction(db, (client) =>
      upsertCandles(client, "1m", { batches: [{ coinId, candles }], runId: null }),
    ),
  );
}

/** Opens the runner's own connection to the database for the time of `work`. */
export async function withRunner<T>(
  { url }: Pick<UsedDatabase, "url">,
  work: (db: Database) => Promise<T>,
): Promise<T> {
  const db = openDatabase(url, "backup test");
  try {
    return await work(db);
  } finally {
    await closeDatabase(db);
  }
}

/** Takes the snapshot of a delta. */
export async function inSnapshot<T>(
  database: Pick<UsedDatabase, "url">,
  work: (snapshot: Snapshot, db: Database) => Promise<T>,
): Promise<T> {
  const options = {
    runId: crypto.randomUUID(),
    kind: "delta",
    signal: new AbortController().signal,
  } as const;
  return withRunner(database, (db) => withSnapshot(db, options, (snapshot) => work(snapshot, db)));
}

/** Reads in a session beside a new snapshot. */
export async function readBeside<T>(
  database: Pick<UsedDatabase, "url">,
  work: (client: OwnClient) => Promise<T>,
): Promise<T> {
  return inSnapshot(database, ({ beside }) => beside(work));
}

/** All that a stream of COPY gives. */
export async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  const chunks: Buffer[] = [];
  await pipeline(stream, async (source) => {
    for await (const chunk of source) chunks.push(chunk as Buffer);
  });
  return Buffer.concat(chunks).toString("utf8");
}

/** A backup that leaves nothing in the ledger but itself. */
export const emptyWrite: LedgerWrite = {
  ...{ isWhole: false, rows: 0, bytes: 0, copies: [], uses: [], gapSeries: [] },
  ...{ found: [], gone: [], accepted: null, leaves: () => [] },
};
