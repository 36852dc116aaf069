import type pg from "pg";
import { withClient } from "../dev/postgres/with-client.ts";
import { type Database, openDatabase } from "../runner/src/db/connect.ts";
import { releaseLeaf, takeLeaf } from "../runner/src/db/leaf/guard.ts";
import { ensureLeaf } from "../runner/src/db/leaves.ts";
import { own } from "../runner/src/db/session.ts";
import { storePages } from "../runner/src/db/store.ts";
import { leafAt } from "../runner/src/partition/layout.ts";
import { addCoins, copyIn, copyOut, preparePages, START } from "./ingest.ts";
import { type Figure, median, round, timed } from "./report.ts";
import type { Stage } from "./stage.ts";

const ROUNDS = 7;
const LEAF = leafAt("1m", START);
const MONTH = "'{2024-05-01 00:00+00}', '{2024-06-01 00:00+00}'";

/** The same rows into an open and into a sealed leaf, in turns: by the write path of the runner, and by one COPY of all rows. */
export async function measureSealedCopy(stage: Stage): Promise<readonly Figure[]> {
  const url = await stage.database();
  const db = openDatabase(url, "bench");
  try {
    return await withClient(url, (client) => measureOn(client, db));
  } finally {
    await db.pool.end();
  }
}

async function measureOn(client: pg.Client, db: Database): Promise<readonly Figure[]> {
  await addCoins(client);
  const pages = preparePages();
  const rows = pages.reduce((sum, { candles }) => sum + candles.length, 0);
  const store = async () => {
    const guards = new Set<string>();
    for (let at = 0; at < pages.length; at += 5)
      await storePages(db, pages.slice(at, at + 5), { runId: null, guards });
  };
  await empty(client, db, false);
  await store();
  const text = await copyOut(client);
  const reopen = `select r3a_util.reopen_leaf('${LEAF.name}', '{1}', '{1m}', ${MONTH})`;
  const copy = (isSealed: boolean) => async () => {
    await client.query(isSealed ? `begin; ${reopen}` : "begin");
    await copyIn(client, text);
    await client.query("commit");
  };
  const turns = { pages: pairs(), copy: pairs() };
  for (let turn = 0; turn < ROUNDS; turn += 1) {
    for (const state of ["open", "sealed"] as const) {
      const isSealed = state === "sealed";
      await empty(client, db, isSealed);
      turns.pages[state].push(await timed(store));
      await empty(client, db, isSealed);
      turns.copy[state].push(await timed(copy(isSealed)));
    }
  }
  return [
    figureOf("pages of a backfill into a sealed against an open leaf", turns.pages, rows),
    figureOf("one COPY into a sealed against an open leaf", turns.copy, rows),
  ];
}

type Pairs = { readonly open: number[]; readonly sealed: number[] };
const pairs = (): Pairs => ({ open: [], sealed: [] });

/** Each turn is compared with its neighbour: other programs may slow the machine down from one turn to the next. */
function figureOf(claim: string, { open, sealed }: Pairs, rows: number): Figure {
  const ratios = sealed.map((ms, turn) => ms / (open[turn] ?? Number.NaN));
  return {
    ...{ claim, unit: "x", most: 1.3, value: median(ratios) },
    detail: `${round(median(sealed))} against ${round(median(open))} ms for ${round(rows)} rows, median of ${ROUNDS} pairs`,
  };
}

/** A new table in the place of the leaf: the guard of a sealed one refuses truncate. */
async function empty(client: pg.Client, db: Database, isSealed: boolean): Promise<void> {
  await client.query(
    `drop table if exists r3a.${LEAF.name}; truncate r3a.series, r3a_util.last_ts_by_coin_interval`,
  );
  await client.query("truncate r3a.leaf_state, r3a.leaf_reopening");
  await ensureLeaf(db, LEAF);
  if (isSealed) await seal(db);
  await client.query("checkpoint");
}

async function seal(db: Database): Promise<void> {
  await own(db, new AbortController().signal, async (client) => {
    const { token } = await takeLeaf(client, LEAF, { state: "sealing", runId: null });
    await releaseLeaf(client, { ...LEAF, token }, { state: "sealed", note: null, dropGuard: false });
  });
}
