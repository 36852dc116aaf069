import { beforeAll, expect, test } from "vitest";
import { DAY, expectExit, HOUR, iso } from "../support/candle/series.ts";
import { sealLeaf } from "../support/leaf/seal-leaf.ts";
import { expectInvariant, useWorld } from "../support/world.ts";

/** Late candles go into sealed leaves by the ordinary commands, and every stored row is the exchange's own. */

const EDGE = Date.parse("2024-04-01T00:00:00Z");
const LEAVES = ["ohlcv_1m_2024_03", "ohlcv_1m_2024_04"];
const world = useWorld({ clock: { fixedMs: EDGE + 40 * DAY } });
const FROM = EDGE - 6 * HOUR;
const [MIDDLE, TO] = [EDGE + 2 * HOUR, EDGE + 5 * HOUR];
const backfill = (symbols: string, span: readonly [number, number], more = "") =>
  world.run(`backfill 1m --symbols ${symbols} --from ${iso(span[0])} --to ${iso(span[1])}${more}`);
const states = () => world.database.query("select leaf, state from r3a.leaf_state order by leaf");
const bothAre = (state: string) => LEAVES.map((leaf) => ({ leaf, state }));
const seal = async () => {
  for (const leaf of LEAVES) await sealLeaf(world.database.url, leaf);
};
const expectTruth = async (symbol: string, [from, to]: readonly [number, number]) =>
  expect(await world.stored(symbol, "1m")).toEqual(world.truth(symbol, "1m", from, to));

beforeAll(async () => {
  expectExit(await backfill("BTCUSDT", [FROM, MIDDLE]), 0);
  await seal();
});

test("a backfill goes on over the edge of two sealed leaves, and a new symbol fills them", async () => {
  expectExit(await backfill("BTCUSDT,ETHUSDT", [FROM, TO]), 0);
  await expectTruth("BTCUSDT", [FROM, TO]);
  await expectTruth("ETHUSDT", [FROM, TO]);
  await expectInvariant(world);
  expect(await states()).toEqual(bothAre("open"));
  const reopened = await world.database.query(
    `select r.leaf, c.symbol, r.from_ts, r.to_ts from r3a.leaf_reopening r join r3a.coin c on c.id = r.coin_id order by 1 desc, 2 desc`,
  );
  const span = (leaf: number, symbol: string, [from, to]: readonly [number, number]) => ({
    ...{ leaf: LEAVES[leaf], symbol },
    ...{ from_ts: new Date(from), to_ts: new Date(to) },
  });
  expect(reopened).toEqual([
    span(1, "ETHUSDT", [EDGE, TO]),
    span(1, "BTCUSDT", [MIDDLE, TO]),
    span(0, "ETHUSDT", [FROM, EDGE]),
  ]);
});

test("a candle that changed in a sealed leaf is replaced with its revision, and an open gap is filled", async () => {
  await world.database.query(`
    begin; select r3a_util.reopen_leaf('${LEAVES[0]}', '{1}', '{1m}', '{2024-03-01}', '{2024-04-01}');
    update r3a.${LEAVES[0]} set volume = 1.5 where coin_id = 1 and "timestamp" = '${iso(EDGE - HOUR)}';
    delete from r3a.${LEAVES[0]} where coin_id = 1 and "timestamp" = '${iso(EDGE - 2 * HOUR)}';
    insert into r3a.ohlcv_gap_log (id, coin_id, "interval", from_ts, to_ts, state, reason, next_check_at)
    values (gen_random_uuid(), 1, '1m', '${iso(EDGE - 2 * HOUR)}', '${iso(EDGE - 2 * HOUR + 60_000)}', 'open', 'failed', '2024-04-01');
    commit`);
  await seal();
  expectExit(await world.run("gaps --repair"), 0);
  expect(await states()).toEqual([
    { leaf: LEAVES[0], state: "open" },
    { leaf: LEAVES[1], state: "sealed" },
  ]);
  await seal();
  expectExit(await backfill("BTCUSDT", [FROM, TO], " --again"), 0);
  await expectTruth("BTCUSDT", [FROM, TO]);
  await expectInvariant(world);
  expect(await world.database.query("select old_values->>'volume' as old from r3a.candle_revision")).toEqual([
    { old: "1.5" },
  ]);
});
