import { readFile } from "node:fs/promises";
import { beforeAll, expect, test } from "vitest";
import { expectExit } from "../support/candle/series.ts";
import { withSession } from "../support/database/empty-database.ts";
import { useWorld } from "../support/world.ts";

const page = await readFile(new URL("../../docs/data.md", import.meta.url), "utf8");
/** Each query with the sentence above it. */
const queries = [...page.matchAll(/\n\n([^\n]+(?:\n[^\n]+)*)\n\n```sql\n([\s\S]*?)\n```/g)].map(
  ([, sentence = "", text = ""]) => [sentence.replaceAll("\n", " "), text] as const,
);

const world = useWorld({ symbols: 5 });

/** What each query looks for exists: a gap, a revision, a late series and a run that failed. */
const EVENTS = `
  with lost as (
    delete from r3a.ohlcv_partitioned t using r3a.coin c
    where c.id = t.coin_id and c.symbol = 'BTCUSDT' and t."interval" = '1m'
      and t."timestamp" = date_trunc('hour', now()) - interval '3 hours' returning t.*
  ), logged as (
    insert into r3a.ohlcv_gap_log (id, coin_id, "interval", from_ts, to_ts, state, reason)
    select gen_random_uuid(), coin_id, "interval", "timestamp", "timestamp" + interval '1 min', 'open', 'absent' from lost
  ), revised as (
    insert into r3a.candle_revision (coin_id, "interval", "timestamp", old_values, new_values)
    select coin_id, "interval", "timestamp", '{"close": "1.10"}', '{"close": "1.20"}' from lost
  ), late as (
    update r3a_util.last_ts_by_coin_interval set last_ts = last_ts - interval '9 days' where "interval" = '1d'
  )
  insert into r3a.run (run_id, command, outcome, exit_code) values (gen_random_uuid(), 'sync', 'failure', 1)`;

beforeAll(async () => {
  const since = new Date(Date.now() - 3 * 86_400_000).toISOString().slice(0, 10);
  for (const interval of ["1m", "1h", "1d"])
    expectExit(await world.run(`sync ${interval}`, { SYMBOLS: "BTCUSDT,ETHUSDT", FALLBACK_START: since }), 0);
  await world.database.query(EVENTS);
}, 120_000);

test("the page has ten queries and more", () => {
  expect(queries.length).toBeGreaterThanOrEqual(10);
  expect(page.match(/^```sql$/gm)).toHaveLength(queries.length);
});

test.each(queries)("%s", async (_, text) => {
  await withSession(world.database.url, async (client) => {
    const { rows, fields } = await client.query<Record<string, unknown>>(text);
    expect(fields.map(({ name }) => name)).not.toContain("?column?");
    expect(rows.length).toBeGreaterThan(0);
  });
});
