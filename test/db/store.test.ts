import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { coalesce } from "../../runner/src/coalesce.ts";
import { type Database, openDatabase } from "../../runner/src/db/connect.ts";
import { ensureLeaf } from "../../runner/src/db/leaves.ts";
import { loadSeries } from "../../runner/src/db/series.ts";
import { type PageWrite, storePages } from "../../runner/src/db/store.ts";
import { TryAgain } from "../../runner/src/errors.ts";
import { leafAt } from "../../runner/src/partition/layout.ts";
import { createWriter, groupPages } from "../../runner/src/sync/writer.ts";
import { MINUTE_MS } from "../../runner/src/time.ts";
import { addTestCoins, listVersions, makeCandles, makeGap, makePage } from "../support/candle/candle-rows.ts";
import { useDatabase } from "../support/database/database.ts";
import { withSession } from "../support/database/empty-database.ts";

const START = Date.UTC(2024, 0, 1);
const database = useDatabase();
let db: Database;
let coins: readonly number[] = [];
const [one, two] = [() => coins[0] ?? 0, () => coins[1] ?? 0];

beforeAll(async () => {
  db = openDatabase(database.url, "store");
  await ensureLeaf(db, leafAt("1m", START));
  coins = await addTestCoins(
    database,
    Array.from({ length: 20 }, (_, index) => `C${index}USDT`),
  );
});
beforeEach(async () => {
  await database.query(
    `truncate r3a.ohlcv_partitioned, r3a.candle_revision, r3a.series, r3a.ohlcv_gap_log, r3a_util.last_ts_by_coin_interval`,
  );
});
afterAll(() => db.pool.end());

const page = (coinId: number, slot: number, count: number, more: Partial<PageWrite> = {}) =>
  makePage(coinId, makeCandles("1m", START + slot * MINUTE_MS, count), more);
const span = (from: number, to: number) => ({ from: START + from * MINUTE_MS, to: START + to * MINUTE_MS });
const stateOf = async (coinId: number) => (await loadSeries(db, "1m", [coinId]))[0];
const countRows = async () =>
  (await database.query<{ n: number }>("select count(*)::int as n from r3a.ohlcv_partitioned"))[0]?.n;

test("pages of several series go in together, counts stand at each series' first page", async () => {
  const written = await storePages(
    db,
    [page(one(), 0, 1000), page(two(), 0, 10), page(one(), 1000, 1000, { covered: span(0, 2000) })],
    { runId: null },
  );
  expect(written).toEqual([
    { added: 2000, revised: 0 },
    { added: 10, revised: 0 },
    { added: 0, revised: 0 },
  ]);
  expect(await stateOf(one())).toMatchObject({ covered: span(0, 2000), lastTs: START + 1999 * MINUTE_MS });
  expect(await stateOf(two())).toMatchObject({ covered: span(0, 10), lastTs: START + 9 * MINUTE_MS });
  expect(await storePages(db, [], { runId: null })).toEqual([]);
});

test("a page that was thought new and overlaps stored rows is counted right, revisions included", async () => {
  await storePages(db, [page(one(), 0, 10), page(two(), 0, 5)], { runId: null });
  const revised = makeCandles("1m", START, 12).map((candle) => ({ ...candle, close: "100.9" }));
  const more = makePage(two(), makeCandles("1m", START, 7));
  const written = await storePages(db, [makePage(one(), revised), more, page(coins[2] ?? 0, 0, 3)], {
    runId: null,
  });
  expect(written).toEqual([
    { added: 2, revised: 10 },
    { added: 2, revised: 0 },
    { added: 3, revised: 0 },
  ]);
  expect(await database.query("select count(*)::int as n from r3a.candle_revision")).toEqual([{ n: 10 }]);
  expect(await countRows()).toBe(12 + 7 + 3);
});

test("the same page twice changes nothing the second time, whether it is known to overlap or not", async () => {
  const pages = [page(one(), 0, 500, { gaps: [] }), page(two(), 5, 500)];
  await storePages(db, pages, { runId: null });
  const before = await listVersions(database);
  expect(before).toHaveLength(1004);
  for (const overlapsStored of [true, false]) {
    const again = pages.map((each) => ({ ...each, overlapsStored }));
    expect(await storePages(db, again, { runId: null })).toEqual(pages.map(() => ({ added: 0, revised: 0 })));
    expect(await listVersions(database)).toEqual(before);
  }
});

test("an older page never lowers the last timestamp, and a page without candles moves the covered span alone", async () => {
  await storePages(db, [page(one(), 100, 10)], { runId: null });
  await storePages(db, [page(one(), 50, 50, { covered: span(50, 110) })], { runId: null });
  expect(await stateOf(one())).toMatchObject({ covered: span(50, 110), lastTs: START + 109 * MINUTE_MS });
  const gap = makeGap(START + 40 * MINUTE_MS, START + 50 * MINUTE_MS);
  await storePages(
    db,
    [{ ...page(one(), 0, 1), candles: [], covered: span(40, 110), lastTs: null, gaps: [gap] }],
    { runId: null },
  );
  expect(await stateOf(one())).toMatchObject({
    covered: span(40, 110),
    lastTs: START + 109 * MINUTE_MS,
    gaps: [gap],
  });
});

test("gaps are stored, split and repaired with the page that changes them", async () => {
  const gap = makeGap(START + 10 * MINUTE_MS, START + 20 * MINUTE_MS, {
    evidence: { error: 'it\'s "quoted"', raw: "[1]" },
  });
  await storePages(db, [page(one(), 0, 10, { covered: span(0, 20), gaps: [gap] })], { runId: null });
  expect((await stateOf(one()))?.gaps).toEqual([gap]);
  const rest = { ...gap, to: START + 12 * MINUTE_MS };
  const repaired = makeGap(START + 12 * MINUTE_MS, START + 20 * MINUTE_MS, {
    state: "repaired",
    nextCheckAt: null,
  });
  await storePages(
    db,
    [page(one(), 12, 8, { covered: span(0, 20), overlapsStored: true, gaps: [rest, repaired] })],
    { runId: null },
  );
  expect((await stateOf(one()))?.gaps).toEqual([rest]);
  expect(await countRows()).toBe(18);
});

test("a page that is refused leaves nothing of its group, and its own error says why", async () => {
  const clash = makeGap(START, START + MINUTE_MS);
  await storePages(db, [page(one(), 1, 5, { covered: span(0, 6), gaps: [clash] })], { runId: null });
  const before = await listVersions(database);
  const second = { ...clash, id: crypto.randomUUID() };
  const refused = storePages(db, [page(two(), 0, 5), page(one(), 6, 5, { gaps: [second] })], { runId: null });
  await expect(refused).rejects.toMatchObject({ code: "23505" });
  expect(await listVersions(database)).toEqual(before);
});

test("groups hold one interval, at most 5,000 rows, and a series with stored rows once", () => {
  const pages = [
    ...[0, 1000, 2000, 3000, 4000, 5000].map((slot) => page(1, slot, 1000)),
    page(2, 0, 10, { overlapsStored: true }),
    page(3, 0, 10, { overlapsStored: true }),
    page(2, 10, 10),
    page(2, 20, 10),
    page(2, 0, 1, { interval: "15m" }),
  ];
  const groups = groupPages(pages);
  expect(groups.map((group) => group.length)).toEqual([5, 3, 2, 1]);
  expect(groups.flat()).toEqual(pages);
});

test("a refused page fails its series and every later page of it, the others are stored", async () => {
  const writer = createWriter(db, null, new AbortController().signal);
  const bad = [
    { ...makeCandles("1m", START + 5 * MINUTE_MS, 1)[0], openTime: START + 5 * MINUTE_MS, open: "nonsense" },
  ];
  const pages = [
    page(one(), 0, 5),
    // @ts-expect-error the other fields are there
    makePage(one(), bad, { covered: span(0, 6) }),
    page(one(), 6, 5, { covered: span(0, 11) }),
    page(two(), 0, 5),
    page(two(), 5, 5, { covered: span(0, 10) }),
  ];
  const settled = await Promise.allSettled(pages.map(writer));
  expect(settled.map(({ status }) => status)).toEqual([
    "fulfilled",
    "rejected",
    "rejected",
    "fulfilled",
    "fulfilled",
  ]);
  await expect(writer(page(one(), 11, 5))).rejects.toThrow("nonsense");
  expect(await stateOf(one())).toMatchObject({ covered: span(0, 5), lastTs: START + 4 * MINUTE_MS });
  expect(await stateOf(two())).toMatchObject({ covered: span(0, 10) });
});

test("a writer whose locks are lost stores nothing more", async () => {
  const lost = new AbortController();
  const writer = createWriter(db, null, lost.signal);
  await writer(page(one(), 0, 5));
  const before = await listVersions(database);
  lost.abort(new Error("the locks are lost"));
  await expect(writer(page(one(), 5, 5))).rejects.toThrow("the locks are lost");
  expect(await listVersions(database)).toEqual(before);
});

test("a writer that loses its connection stores nothing more, since the covered span would run ahead", async () => {
  const own = openDatabase(database.url, "cut writer");
  const writer = createWriter(own, null, new AbortController().signal);
  await writer(page(one(), 0, 5));
  const before = await listVersions(database);
  try {
    const settled = await withSession(database.url, async (blocker) => {
      await blocker.query("begin");
      await blocker.query("lock table r3a.series in exclusive mode");
      const first = Promise.allSettled([writer(page(one(), 5, 5, { covered: span(0, 10) }))]);
      const waiting = `select pid from pg_stat_activity where application_name = 'r3a cut writer' and wait_event_type = 'Lock'`;
      while ((await database.query(waiting)).length === 0) await sleep(5);
      const others = Promise.allSettled([writer(page(one(), 10, 5, { covered: span(0, 15) }))]);
      await database.query(`select pg_terminate_backend(pid) from (${waiting}) as w`);
      await blocker.query("commit");
      return [...(await first), ...(await others)];
    });
    expect(settled.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    // also for a series that would be written on the other connection
    await expect(writer(page(two(), 0, 5))).rejects.toBeInstanceOf(TryAgain);
    expect(await listVersions(database)).toEqual(before);
  } finally {
    await own.pool.end();
  }
});

test("many writers at once on series of their own neither wait for each other for ever nor lose a page", async () => {
  const databases = coins.slice(0, 6).map((_, index) => openDatabase(database.url, `writer ${index}`));
  try {
    await Promise.all(
      databases.map(async (own, index) => {
        const writer = createWriter(own, null, new AbortController().signal);
        const mine = coins.slice(index * 3, index * 3 + 3);
        const submit = coalesce<PageWrite, unknown>((pages) => Promise.all(pages.map(writer)));
        const pages = Array.from({ length: 8 }, (_, n) =>
          mine.map((coinId) => page(coinId, n * 100, 100, { covered: span(0, n * 100 + 100) })),
        );
        await Promise.all(pages.flat().map(submit));
      }),
    );
  } finally {
    for (const own of databases) await own.pool.end();
  }
  expect(await countRows()).toBe(6 * 3 * 800);
  for (const coinId of coins.slice(0, 18))
    expect(await stateOf(coinId)).toMatchObject({ covered: span(0, 800) });
});
