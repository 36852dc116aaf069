import { DatabaseError } from "pg";
import { beforeAll, expect, test } from "vitest";
import { addTestCoins } from "../support/candle/candle-rows.ts";
import { useDatabase } from "../support/database/database.ts";
import { withSession } from "../support/database/empty-database.ts";
import { sealLeaf } from "../support/leaf/seal-leaf.ts";

/** Whoever writes to a sealed leaf without a reopening is refused, by whatever statement and with whatever rights. */

const LEAF = "ohlcv_1m_2024_01";
const database = useDatabase();
const AT = "2024-01-05 00:00+00";
const CANDLE = `1, '1m', '${AT}', 1, 2, 0.5, 1, 3`;
const COLUMNS = `coin_id, "interval", "timestamp", open, high, low, close, volume`;

beforeAll(async () => {
  await addTestCoins(database, ["BTCUSDT"]);
  await database.query(
    "select r3a_util.make_leaf('ohlcv_1m', at, '{}') from unnest('{2024-01-01 00:00+00,2024-02-01 00:00+00}'::timestamptz[]) at",
  );
  await database.query(
    `insert into r3a.ohlcv_partitioned (${COLUMNS}) values (${CANDLE}), (1, '1m', '2024-02-05 00:00+00', 1, 2, 0.5, 1, 3)`,
  );
  await sealLeaf(database.url, LEAF);
});

const STRANGERS = [
  `insert into r3a.ohlcv_partitioned (${COLUMNS}) values (1, '1m', '2024-01-06 00:00+00', 1, 2, 0.5, 1, 3)`,
  `insert into r3a.${LEAF} (${COLUMNS}) values (1, '1m', '2024-01-06 00:00+00', 1, 2, 0.5, 1, 3)`,
  `insert into r3a.ohlcv_partitioned (${COLUMNS}) values (${CANDLE}) on conflict do nothing`,
  `insert into r3a.ohlcv_1m (${COLUMNS}) values (${CANDLE}) on conflict (coin_id, "interval", "timestamp") do update set close = 9`,
  `update r3a.ohlcv_partitioned set close = 9 where coin_id = 1`,
  `update r3a.ohlcv_partitioned set "timestamp" = '2024-01-07 00:00+00' where "timestamp" = '2024-02-05 00:00+00'`,
  `delete from r3a.${LEAF}`,
  `merge into r3a.ohlcv_partitioned t using (select 1 as id) s on t.coin_id = s.id and t."timestamp" < '2024-02-01' when matched then delete`,
  `copy r3a.ohlcv_partitioned (${COLUMNS}) from program 'echo "1,1m,2024-01-06 00:00+00,1,2,0.5,1,3"' csv`,
  `truncate r3a.${LEAF}`,
  "truncate r3a.ohlcv_1m",
  "truncate r3a.ohlcv_partitioned",
];

const rows = () => database.query(`select xmin::text, t.* from r3a.ohlcv_partitioned t order by "timestamp"`);

test.each(STRANGERS.flatMap((sql) => [["origin", sql] as const, ["replica", sql] as const]))(
  "session_replication_role = %s: %s",
  async (role, sql) => {
    const before = await rows();
    const error = await withSession(database.url, async (client) => {
      await client.query(`set session_replication_role = ${role}`);
      return client.query(sql).catch((each: unknown) => each);
    });
    if (!(error instanceof DatabaseError)) throw new Error(`nobody refused: ${sql}`);
    expect({ ...error, message: error.message }).toMatchObject({ code: "R3A01", schema: "r3a", table: LEAF });
    expect(error.message).toMatch(
      /^leaf r3a\.ohlcv_1m_2024_01 is sealed: (INSERT|UPDATE|DELETE|TRUNCATE) without a reopening is refused$/,
    );
    expect(error.hint).toContain(`select r3a_util.reopen_leaf('${LEAF}', array[COIN_ID], array['1m']`);
    expect(await rows()).toEqual(before);
  },
);

test("the statement of the hint lets one transaction in, and the next one is refused again", async () => {
  await withSession(database.url, async (client) => {
    await client.query(
      `begin; select r3a_util.reopen_leaf('ohlcv_1m_2024_02', '{1}', '{1m}', '{${AT}}', '{2024-02-06 00:00+00}')`,
    );
    const other = client.query(`delete from r3a.${LEAF}`);
    await expect(other, "the reopening of another leaf").rejects.toMatchObject({ code: "R3A01" });
    await client.query("rollback");
    await client.query(
      `begin; select r3a_util.reopen_leaf('${LEAF}', '{1}', '{1m}', '{${AT}}', '{2024-01-06 00:00+00}')`,
    );
    expect((await client.query(`update r3a.${LEAF} set close = 1.5`)).rowCount).toBe(1);
    await client.query("commit");
    await expect(client.query(`update r3a.${LEAF} set close = 1`)).rejects.toMatchObject({ code: "R3A01" });
  });
  expect(await database.query("select leaf, state from r3a.leaf_state")).toEqual([
    { leaf: LEAF, state: "open" },
  ]);
  expect(
    await database.query(`select leaf, coin_id, "interval", from_ts, to_ts from r3a.leaf_reopening`),
  ).toEqual([
    {
      leaf: LEAF,
      coin_id: 1,
      interval: "1m",
      from_ts: new Date("2024-01-05Z"),
      to_ts: new Date("2024-01-06Z"),
    },
  ]);
});

test.each([
  ["null", "'{1}'", "'{1m}'"],
  [`'r3a."x"'`, "'{1}'", "'{1m}'"],
  [`'${LEAF}'`, "'{1,2}'", "'{1m}'"],
  [`'${LEAF}'`, "'{1}'", "null"],
])("reopen_leaf(%s, %s, %s) is refused", async (leaf, coins, intervals) => {
  const call = `select r3a_util.reopen_leaf(${leaf}, ${coins}, ${intervals}, '{2024-01-05}', '{2024-01-06}')`;
  await expect(database.query(call)).rejects.toMatchObject({ code: "22023" });
});

test("a leaf that was never taken costs its writer no trigger", async () => {
  const triggers = await database.query(
    "select from pg_trigger where tgrelid = 'r3a.ohlcv_1m_2024_02'::regclass",
  );
  expect(triggers).toEqual([]);
});
