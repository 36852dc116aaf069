import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type pg from "pg";
import { from as copyFrom, to as copyTo } from "pg-copy-streams";
import { listCandles } from "../dev/exchange/generator.ts";
import { defaultMarket } from "../dev/exchange/market.ts";
import { withClient } from "../dev/postgres/with-client.ts";
import { parsePage } from "../runner/src/candle/page.ts";
import { openDatabase } from "../runner/src/db/connect.ts";
import { ensureLeaf } from "../runner/src/db/leaves.ts";
import { type PageWrite, storePages } from "../runner/src/db/store.ts";
import { leafAt } from "../runner/src/partition/layout.ts";
import { type Figure, median, round, timed } from "./report.ts";
import type { Stage } from "./stage.ts";

const SERIES = 50;
const PAGES_EACH = 4;
const PAGE_MS = 60_000_000;
const ROUNDS = 5;
/** The begin of the rows, and of the leaf that holds them all. */
export const START = Date.UTC(2024, 4, 1);

type Db = ReturnType<typeof openDatabase>;

/** The runner's write path against raw COPY of the same rows into the same tables: one connection each, in turns. */
export async function measureIngest(stage: Stage): Promise<readonly Figure[]> {
  const url = await stage.database();
  const db = openDatabase(url, "bench");
  try {
    return await withClient(url, (client) => measureOn(client, db));
  } finally {
    await db.pool.end();
  }
}

async function measureOn(client: pg.Client, db: Db): Promise<readonly Figure[]> {
  await ensureLeaf(db, leafAt("1m", START));
  await addCoins(client);
  const pages = preparePages();
  const rows = pages.reduce((sum, { candles }) => sum + candles.length, 0);
  const groups = Array.from({ length: pages.length / 5 }, (_, index) =>
    pages.slice(index * 5, index * 5 + 5),
  );
  const store = async () => {
    for (const group of groups) await storePages(db, group, { runId: null });
  };
  const empty = () =>
    client.query(
      "truncate r3a.ohlcv_partitioned; truncate r3a.series; truncate r3a_util.last_ts_by_coin_interval; checkpoint",
    );

  await store();
  const text = await copyOut(client);
  const [ours, copies]: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round += 1) {
    await empty();
    copies.push(await timed(() => copyIn(client, text)));
    await empty();
    ours.push(await timed(store));
  }
  const again = await measureRerun(client, db, pages);
  const ratio = median(copies) / median(ours);
  return [
    {
      claim: "upsert of fresh rows against raw COPY",
      value: ratio,
      unit: "x",
      least: 0.35,
      detail: `${round(rows / (median(ours) / 1000))} against ${round(rows / (median(copies) / 1000))} rows/s, median of ${ROUNDS}`,
    },
    {
      claim: "second run: rows rewritten",
      value: again.rewritten,
      unit: "rows",
      most: 0,
      detail: `of ${rows}`,
    },
    {
      claim: "second run: WAL",
      value: again.walBytes / rows,
      unit: "B/row",
      most: 1,
      detail: `${again.walBytes} bytes in all`,
    },
  ];
}

/** The symbols that the pages are of. */
export async function addCoins(client: pg.Client): Promise<void> {
  await client.query(
    `insert into r3a.coin (symbol, base, quote, status) select 'C' || n || 'USDT', 'C' || n, 'USDT', 'TRADING' from generate_series(1, $1) n`,
    [SERIES],
  );
}

/** Pages of fresh candles, those of a symbol in a row. */
export function preparePages(): PageWrite[] {
  const market = defaultMarket(SERIES).filter(
    ({ quote, status }) => quote === "USDT" && status === "TRADING",
  );
  return market.slice(0, SERIES).flatMap((entry, index) =>
    Array.from({ length: PAGES_EACH }, (_, page): PageWrite => {
      const span = { from: START + page * PAGE_MS, to: START + (page + 1) * PAGE_MS };
      const { candles } = parsePage("1m", span, listCandles(entry, "1m", span, Date.now()), Date.now());
      const covered = { from: START, to: span.to };
      return {
        coinId: index + 1,
        interval: "1m",
        candles,
        overlapsStored: false,
        covered,
        lastTs: span.to - 60_000,
        gaps: [],
      };
    }),
  );
}

async function measureRerun(client: pg.Client, db: Db, pages: readonly PageWrite[]) {
  const versions = async () => {
    const { rows } = await client.query<{ sum: string }>(
      `select sum(hashtextextended(ctid::text || xmin::text, 0))::text as sum from r3a.ohlcv_partitioned`,
    );
    return rows[0]?.sum;
  };
  const wal = async () =>
    Number((await client.query<{ at: string }>("select pg_current_wal_lsn() - '0/0' as at")).rows[0]?.at);
  // vacuum's own WAL and the hint bits of the first read are not the second run's
  await client.query("vacuum (freeze, analyze) r3a.ohlcv_partitioned");
  const before = await versions();
  const walBefore = await wal();
  for (const page of pages)
    await storePages(
      db,
      [{ ...page, overlapsStored: true, covered: { from: START, to: START + PAGES_EACH * PAGE_MS } }],
      { runId: null },
    );
  const walBytes = (await wal()) - walBefore;
  return { walBytes, rewritten: (await versions()) === before ? 0 : pages.length };
}

/** All candles as the text of COPY. */
export async function copyOut(client: pg.Client): Promise<Buffer> {
  const parts: Buffer[] = [];
  const stream = client.query(copyTo("copy (select * from r3a.ohlcv_partitioned) to stdout"));
  for await (const part of stream) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

/** Stores such text by one COPY. */
export async function copyIn(client: pg.Client, text: Buffer): Promise<void> {
  const slices = Array.from({ length: Math.ceil(text.length / 65_536) }, (_, index) =>
    text.subarray(index * 65_536, (index + 1) * 65_536),
  );
  await pipeline(Readable.from(slices), client.query(copyFrom("copy r3a.ohlcv_partitioned from stdin")));
}
