import { afterAll, beforeAll, expect, test } from "vitest";
import type { Span } from "../../runner/src/candle/span.ts";
import { IN_BACKUP } from "../../runner/src/candle/waiting-gap.ts";
import { type Database, openDatabase } from "../../runner/src/db/connect.ts";
import { loadSeries } from "../../runner/src/db/series.ts";
import { type Plan, planBackfill, planRepair, planSync } from "../../runner/src/sync/fill-plan.ts";
import { listTasks } from "../../runner/src/sync/list-tasks.ts";
import { makeSeries } from "../support/candle/made-series.ts";
import { DAY, HOUR } from "../support/candle/series.ts";
import { useDatabase } from "../support/database/database.ts";

/** What a run asks for of a series whose covered end begins a leaf: the leaf before it is still in the backup. */

const database = useDatabase();
const SEAM = Date.UTC(2024, 0, 1);
const NOW = SEAM + 2 * HOUR;
/** By time: stored, nobody asked for it, open and due, in the backup. */
const [START, UNASKED, OPEN, WAITING] = [6, 5, 4, 3].map((days) => SEAM - days * DAY) as [
  ...[number, number, number, number],
];
let db: Database;

beforeAll(async () => {
  db = openDatabase(database.url, "waiting gaps");
  await makeSeries(database.url, [
    {
      ...{ symbol: "BTCUSDT", interval: "1h", from: START, to: SEAM },
      gaps: [
        { from: UNASKED, to: OPEN, state: "not_requested" },
        { from: OPEN, to: WAITING, reason: "failed" },
        { from: WAITING, to: SEAM, state: "not_requested" },
      ],
    },
  ]);
  await database.query(
    `update r3a.ohlcv_gap_log set evidence = jsonb_build_object('error', $1::text) where to_ts = $2`,
    [IN_BACKUP, new Date(SEAM)],
  );
  await database.query(`update r3a.ohlcv_gap_log set next_check_at = '2023-01-01' where state = 'open'`);
});
afterAll(() => db.pool.end());

type Series = Awaited<ReturnType<typeof loadSeries>>[number];
async function askedBy(plan: (series: Series) => Plan): Promise<readonly Span[]> {
  const [series] = await loadSeries(db, "1h", [1]);
  if (series === undefined) return expect.fail("no series");
  const tasks: Span[] = [];
  for await (const { from, to } of listTasks(db, { series, plan: plan(series) })) tasks.push({ from, to });
  return tasks.toSorted((a, b) => a.from - b.from);
}
const wanted = { from: START, to: NOW };

test.each<readonly [string, (series: Series) => Plan, readonly Span[]]>([
  [
    "a sync asks for what is new, without the candles of its overlap, and for what failed",
    (series) => planSync(series, { now: NOW, autoPeriod: true, fallbackStart: START }),
    [
      { from: OPEN, to: WAITING },
      { from: SEAM, to: NOW },
    ],
  ],
  [
    "a repair of all asks for what is open",
    (series) => planRepair(series, NOW, true),
    [{ from: OPEN, to: WAITING }],
  ],
  [
    "a backfill asks for what nobody asked for, too",
    (series) => planBackfill(series, { wanted, now: NOW, again: false }),
    [
      { from: UNASKED, to: WAITING },
      { from: SEAM, to: NOW },
    ],
  ],
  [
    "a backfill that asks again for all leaves out the backup alone",
    (series) => planBackfill(series, { wanted, now: NOW, again: true }),
    [
      { from: START, to: WAITING },
      { from: SEAM, to: NOW },
    ],
  ],
])("%s", async (_, plan, spans) => {
  expect(await askedBy(plan)).toEqual(spans);
});
