import { expect, test } from "vitest";
import type { LoggedRequest } from "../../dev/exchange/request-log.ts";
import { MINUTE_MS } from "../../runner/src/time.ts";
import { expectInvariant, useWorld } from "../support/world.ts";

const LATENCY_MS = 20;
const world = useWorld({ latencyMs: LATENCY_MS, weightLimit: null, symbols: 60 });

type Fetch = { readonly at: number; readonly series: string; readonly from: number; readonly to: number };

function fetchOf({ at, query }: LoggedRequest): Fetch {
  const asked = new URLSearchParams(query);
  return {
    at,
    series: `${asked.get("symbol")}:${asked.get("interval")}`,
    from: Number(asked.get("startTime")),
    to: Number(asked.get("endTime") ?? Number.POSITIVE_INFINITY),
  };
}

/**
 * Pairs of requests for the same candles that were under way at the same moment. One process asks for disjoint pages,
 * so such a pair comes from two that work on one series together.
 */
function listDoubleFetches(requests: readonly LoggedRequest[]): readonly (readonly [Fetch, Fetch])[] {
  const fetches = requests.filter(({ path }) => path === "/api/v3/klines").map(fetchOf);
  return [...Map.groupBy(fetches, ({ series }) => series).values()].flatMap((own) =>
    own.flatMap((one, index) =>
      own
        .slice(index + 1)
        .filter((two) => two.at < one.at + LATENCY_MS && one.from <= two.to && two.from <= one.to)
        .map((two) => [one, two] as const),
    ),
  );
}

async function syncAtOnce(commands: readonly string[], since: number) {
  const sent = world.exchange.requests.length;
  const env = { FALLBACK_START: new Date(since).toISOString() };
  const runs = await Promise.all(commands.map((command) => world.run(`${command} --json`, env)));
  expect(runs.map(({ code, stderr }) => [code, stderr.includes("deadlock")])).toEqual(
    runs.map(() => [0, false]),
  );
  const requests = world.exchange.requests.slice(sent);
  expect(requests.filter(({ path }) => path === "/api/v3/klines").length).toBeGreaterThanOrEqual(60);
  expect(listDoubleFetches(requests)).toEqual([]);
  await expectInvariant(world);
  return runs.map(({ stdout }) => JSON.parse(stdout).intervals[0] as Record<string, number>);
}

test("the check sees two requests for the same candles at once, and none where they follow each other", () => {
  const request = (at: number, startTime: number): LoggedRequest => ({
    ...{ index: 0, status: 200, weight: 2, path: "/api/v3/klines", at },
    query: `symbol=A&interval=1m&startTime=${startTime}&endTime=${startTime + 999}&limit=1000`,
  });
  expect(listDoubleFetches([request(0, 0), request(5, 500)])).toHaveLength(1);
  expect(listDoubleFetches([request(0, 0), request(25, 0)])).toEqual([]);
  expect(listDoubleFetches([request(0, 0), request(5, 1000)])).toEqual([]);
});

test("a first sync of all and of the top at once fetches no series twice and leaves none out", async () => {
  const since = Math.floor(world.exchange.now() / MINUTE_MS) * MINUTE_MS - 2_500 * MINUTE_MS;
  const [all, top] = await syncAtOnce(["sync 1m", "sync 1m --top 20"], since);
  expect((all?.added ?? 0) + (top?.added ?? 0)).toBeGreaterThanOrEqual(60 * 2_499);
  const members = await world.database.query(
    "select size, count(*)::int as n from r3a.universe_member group by size order by size",
  );
  expect(members).toEqual([
    { size: 20, n: 20 },
    { size: 60, n: 60 },
  ]);
  const stored = await world.database.query<{ symbols: number; fewest: number }>(
    `select count(*)::int as symbols, min(n)::int as fewest from (
       select coin_id, count(*) as n from r3a.ohlcv_partitioned group by coin_id) as per_coin`,
  );
  expect(stored).toEqual([{ symbols: 60, fewest: expect.any(Number) }]);
  expect(stored[0]?.fewest).toBeGreaterThanOrEqual(2_499);
});

test("five at once, over the same and other symbols, exclude each other by series and all end with 0", async () => {
  const since = Math.floor(world.exchange.now() / MINUTE_MS) * MINUTE_MS - 4_000 * MINUTE_MS;
  await world.database.query(
    "truncate r3a.ohlcv_partitioned, r3a.series, r3a.ohlcv_gap_log, r3a_util.last_ts_by_coin_interval",
  );
  const results = await syncAtOnce(
    ["sync 1m", "sync 1m --top 20", "sync 1m", "sync 1m --top 20", "sync 1m --top 40"],
    since,
  );
  expect(results.reduce((sum, { skipped = 0 }) => sum + skipped, 0)).toBeGreaterThan(0);
  expect(results.reduce((sum, { failed = 0 }) => sum + failed, 0)).toBe(0);
  for (const symbol of ["BTCUSDT", "ETHUSDT", "SOLUSDT"]) {
    const stored = await world.stored(symbol, "1m");
    expect(stored).toEqual(world.truth(symbol, "1m", since, (stored.at(-1)?.[0] ?? 0) + MINUTE_MS));
  }
  const items = await world.database.query<{ coins: number }>(
    `select count(distinct i.coin_id)::int as coins from r3a.run_item i join r3a.run r using (run_id)
     where i.outcome = 'success' and r.command = 'sync'`,
  );
  expect(items).toEqual([{ coins: 60 }]);
});
