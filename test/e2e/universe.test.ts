import { beforeEach, describe, expect, test } from "vitest";
import { expectExit, HOUR, iso } from "../support/candle/series.ts";
import { expectInvariant, useWorld } from "../support/world.ts";

/** Which symbols a sync works on. */
const NOW = Date.parse("2024-08-01T12:00:30Z");
const world = useWorld({ clock: { fixedMs: NOW }, symbols: 70 });

const clockAt = (ms: number) => world.exchange.set({ clock: { fixedMs: ms } });
const env = (since: number, more: Readonly<Record<string, string>> = {}) => ({
  FALLBACK_START: iso(since),
  ...more,
});
const since = NOW - 30_000 - 3 * HOUR;

/** USDT symbols of coins by the market's own turnover, largest first. */
const largest = (count: number) =>
  world.exchange.market
    .filter(({ quote, swing, permission }) => quote === "USDT" && swing === 1 && permission === "SPOT")
    .toSorted((a, b) => b.dailyQuoteVolume - a.dailyQuoteVolume)
    .slice(0, count)
    .map(({ symbol }) => symbol);

const syncedIn = async (runId: string) =>
  (
    await world.database.query<{ symbol: string }>(
      "select symbol from r3a.run_item i join r3a.coin c on c.id = i.coin_id where run_id = $1 order by symbol",
      [runId],
    )
  ).map(({ symbol }) => symbol);

async function syncedBy(args: string, more: Readonly<Record<string, string>> = {}) {
  const run = await world.run(`sync 1h --json ${args}`.trim(), env(since, more));
  expectExit(run, 0);
  return syncedIn(JSON.parse(run.stdout).runId);
}

const pathsSince = (index: number) => world.exchange.requests.slice(index).map(({ path }) => path);

beforeEach(() => {
  clockAt(NOW);
  world.exchange.resetWeight();
});

describe("without named symbols a sync", () => {
  test("takes the 60 largest by volume, without stablecoins and leveraged tokens", async () => {
    const symbols = await syncedBy("");
    expect(symbols).toHaveLength(60);
    expect(symbols).toEqual(largest(60).toSorted());
    expect(symbols).toContain("JUPUSDT");
    for (const other of ["USDCUSDT", "FDUSDUSDT", "BTCUPUSDT", "BTCDOWNUSDT", "ETHBTC", "GONEUSDT"])
      expect(symbols).not.toContain(other);
    const [{ n } = { n: 0 }] = await world.database.query<{ n: number }>(
      "select count(distinct coin_id)::int as n from r3a.ohlcv_partitioned",
    );
    expect(n).toBe(60);
    await expectInvariant(world);
  });

  test("ranks once an hour: within it neither volumes nor listings are asked for", async () => {
    const asked = world.exchange.requests.length;
    expect(await syncedBy("")).toHaveLength(60);
    expect(new Set(pathsSince(asked))).toEqual(new Set(["/api/v3/time", "/api/v3/klines"]));

    await world.database.query("update r3a.coin set ranked_at = ranked_at - interval '61 minutes'");
    const later = world.exchange.requests.length;
    expect(await syncedBy("")).toHaveLength(60);
    expect(pathsSince(later)).toContain("/api/v3/ticker/24hr");
    expect(pathsSince(later)).toContain("/api/v3/exchangeInfo");
  });

  test("takes the N largest with --top, and with UNIVERSE_SIZE, from the same ranking", async () => {
    const asked = world.exchange.requests.length;
    expect(await syncedBy("--top 5")).toEqual(largest(5).toSorted());
    expect(await syncedBy("", { UNIVERSE_SIZE: "7" })).toEqual(largest(7).toSorted());
    expect(pathsSince(asked)).not.toContain("/api/v3/ticker/24hr");
  });

  test("keeps a member that fell behind until a day has passed beyond 1.5 times the rank", async () => {
    const member = `update r3a.universe_member m set beyond_since = now() - $2::interval
      from r3a.coin c where c.id = m.coin_id and m.size = 5 and c.symbol = $1`;
    const outsider = "GRTUSDT";
    const due = "update r3a.coin set ranked_at = ranked_at - interval '61 minutes'";
    await world.database.query(
      "insert into r3a.universe_member select 5, id, now() - interval '9 days' from r3a.coin where symbol = $1",
      [outsider],
    );
    await world.database.query(due);
    expect(await syncedBy("--top 5")).toEqual([...largest(5), outsider].toSorted());
    await world.database.query(member, [outsider, "23 hours"]);
    await world.database.query(due);
    expect(await syncedBy("--top 5")).toContain(outsider);
    await world.database.query(member, [outsider, "25 hours"]);
    await world.database.query(due);
    expect(await syncedBy("--top 5")).toEqual(largest(5).toSorted());
  });

  test("works on every n-th symbol with --shard, and all shards together on each symbol once", async () => {
    const shards = await Promise.all([0, 1, 2].map((index) => syncedBy(`--top 7 --shard ${index}/3`)));
    expect(shards.flat().toSorted()).toEqual(largest(7).toSorted());
    const pod = await syncedBy("--top 7", { R3A_SHARDS: "3", JOB_COMPLETION_INDEX: "1" });
    expect(pod).toEqual(shards[1]);
  });
});

test("named symbols are taken in any usual spelling", async () => {
  const symbols = await syncedBy("--symbols btcusdt,eth/usdt,BNB-USDT,sol_usdt,Eth/Btc");
  expect(symbols).toEqual(["BNBUSDT", "BTCUSDT", "ETHBTC", "ETHUSDT", "SOLUSDT"]);
  expect(await syncedBy("", { SYMBOLS: "xrp/usdt, BTCUSDT,btc-usdt" })).toEqual(["BTCUSDT", "XRPUSDT"]);
});
