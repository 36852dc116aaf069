import { setTimeout as sleep } from "node:timers/promises";
import { withClient } from "../dev/postgres/with-client.ts";
import { tableOf } from "../runner/src/db/backup/backup-leaf.ts";
import { type Database, openDatabase } from "../runner/src/db/connect.ts";
import { COPY_COLUMNS } from "../runner/src/db/copy-lines.ts";
import { takeLeaf } from "../runner/src/db/leaf/guard.ts";
import { finishScratch, makeScratch, scratchOf } from "../runner/src/db/leaf/scratch.ts";
import { setLeafState } from "../runner/src/db/leaf/state.ts";
import { swapLeaf } from "../runner/src/db/leaf/swap.ts";
import { catchUp } from "../runner/src/db/restore/mend/catch-up.ts";
import { readMark } from "../runner/src/db/restore/mend/mark.ts";
import { takeOver } from "../runner/src/db/restore/mend/take-over.ts";
import { own } from "../runner/src/db/session.ts";
import { MINUTE_MS } from "../runner/src/time.ts";
import { addCoins, fillMonth, lastMonth } from "./recovery-rows.ts";
import { type Figure, median, round } from "./report.ts";
import type { Stage } from "./stage.ts";

/** Three months of one coin are some 130,000 rows. */
const COINS = { first: 1, last: 3 };
const ALONE_MS = 3_000;
const SWAPPING_MS = 9_000;
const LEAST_SWAPS = 3;
const leaf = lastMonth();
const TABLE = tableOf(leaf);

/** Times by performance.now(). */
type Span = { readonly from: number; readonly to: number };
type Stalls = { readonly alone: readonly Span[]; readonly beside: readonly Span[] };

/** A leaf is swapped again and again, as restore --damaged does it, while others read and write it all the time. */
export async function measureSwapStall(stage: Stage): Promise<readonly Figure[]> {
  const url = await stage.database();
  await addCoins(url, COINS);
  await fillMonth(url, leaf, COINS);
  const db = openDatabase(url, "bench");
  const over = new AbortController();
  const repeat = (sql: () => string) => repeatUntil(url, sql, over.signal);
  const load = Promise.all([repeat(() => READ), repeat(() => WRITE), repeat(holdLeaf), repeat(holdLeaf)]);
  load.catch(() => over.abort());
  const swaps: Swap[] = [];
  try {
    await swapOnce(db); // plans and caches are those of all that follow
    const from = performance.now();
    await sleep(ALONE_MS);
    const aloneUntil = performance.now();
    while (
      !over.signal.aborted &&
      (swaps.length < LEAST_SWAPS || performance.now() < aloneUntil + SWAPPING_MS)
    )
      swaps.push(await swapOnce(db));
    over.abort();
    const [reads, writes] = await load;
    const stalls = (spans: readonly Span[]): Stalls => ({
      alone: spans.filter((span) => span.from > from && span.to < aloneUntil),
      beside: spans.filter((span) => swaps.some(({ during }) => during.some((one) => overlaps(span, one)))),
    });
    return [figureOf("reader", stalls(reads), swaps), figureOf("writer", stalls(writes), swaps)];
  } finally {
    over.abort();
    await load.catch(() => {});
    await db.pool.end();
  }
}

const overlaps = (a: Span, b: Span) => a.from < b.to && b.from < a.to;

/** `during`: while the leaf was guarded, and while it was swapped. */
type Swap = { readonly attempts: number; readonly during: readonly Span[] };

async function swapOnce(db: Database): Promise<Swap> {
  const { signal } = new AbortController();
  const during: Span[] = [];
  const watch = async <T>(work: () => Promise<T>) => {
    const from = performance.now();
    const result = await work();
    during.push({ from, to: performance.now() });
    return result;
  };
  return own(db, signal, async (client) => {
    const mark = await readMark(client);
    const taken = await watch(() => takeLeaf(client, leaf, { state: "restoring", runId: null }));
    await makeScratch(client, leaf);
    await client.query(
      `insert into ${tableOf(scratchOf(leaf))} (${COPY_COLUMNS}) select ${COPY_COLUMNS} from ${TABLE} order by coin_id, "interval", "timestamp"`,
    );
    await finishScratch(client, leaf);
    const caught = await catchUp({ db, signal }, leaf, { oldTable: TABLE, mark });
    const end = await watch(() =>
      swapLeaf(client, {
        ...{ leaf, ...taken, state: "restoring", guard: true, why: "bench", runId: null, signal },
        patienceMs: MINUTE_MS,
        async prepare() {
          await takeOver(client, leaf, { oldTable: TABLE, mark: caught.mark });
        },
        async finish() {
          await setLeafState(client, { leaf: leaf.name, token: taken.token }, { state: "open", note: null });
        },
      }),
    );
    if (end.outcome !== "swapped") throw new Error(`the leaf was not swapped: ${end.why}`);
    return { attempts: end.attempts, during };
  });
}

async function repeatUntil(url: string, sql: () => string, signal: AbortSignal): Promise<readonly Span[]> {
  // a commit that waits for the disk is no stall of the swap
  const options = "-c synchronous_commit=off";
  return withClient({ connectionString: url, options }, async (client) => {
    const spans: Span[] = [];
    while (!signal.aborted) {
      const from = performance.now();
      await client.query(sql());
      spans.push({ from, to: performance.now() });
    }
    return spans;
  });
}

const LAST = `'${new Date(leaf.span.to - MINUTE_MS).toISOString()}'::timestamptz`;
const READ = `
  select * from r3a.ohlcv_partitioned
  where coin_id = 1 and "interval" = '1m' and "timestamp" <= ${LAST} order by "timestamp" desc limit 10`;
/** One round trip, so that its time is that of the whole transaction. */
const WRITE = `
  begin;
  select r3a_util.reopen_leaf('${leaf.name}', '{1}', '{1m}', array[${LAST}], array[${LAST} + interval '1 minute']);
  insert into r3a.ohlcv_partitioned as o (coin_id, "interval", "timestamp", open, high, low, close, volume)
  values (1, '1m', ${LAST}, 42000, 43000, 41000, 42000, 1)
  on conflict (coin_id, "interval", "timestamp") do update set volume = o.volume + 1;
  commit`;
/** A reader of 50 to 300 ms. */
const holdLeaf = () =>
  `select pg_sleep(${0.05 + Math.random() * 0.25}) from (select from ${TABLE} limit 1) one`;

/** The longest time of one statement, less what it takes without a swap. */
function figureOf(who: string, { alone, beside }: Stalls, swaps: readonly Swap[]): Figure {
  const times = (spans: readonly Span[]) => spans.map(({ from, to }) => to - from);
  const usual = median(times(alone));
  const longest = Math.max(...times(beside));
  const attempts = swaps.reduce((sum, swap) => sum + swap.attempts, 0);
  return {
    ...{ claim: `longest stall of a ${who} during a swap, waiting included`, unit: "ms", most: 150 },
    value: longest - usual,
    detail: `${round(longest)} ms against ${round(usual)} ms, longest without a swap ${round(Math.max(...times(alone)))} ms; ${swaps.length} swaps in ${attempts} attempts, ${beside.length} statements`,
  };
}
