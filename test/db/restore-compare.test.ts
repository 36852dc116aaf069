import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { BESIDE_KEY } from "../../runner/src/db/candles.ts";
import { type Database, openDatabase } from "../../runner/src/db/connect.ts";
import { COPY_COLUMNS } from "../../runner/src/db/copy-lines.ts";
import { compareLeaf, listOtherCoins } from "../../runner/src/db/restore/compare.ts";
import {
  addBounds,
  addKey,
  addRows,
  isFaultOfRows,
  makeScratchLeaf,
  mergeDelta,
  stageRows,
} from "../../runner/src/db/restore/scratch-leaf.ts";
import { refuseFilled } from "../../runner/src/db/restore/target-schema.ts";
import { type OwnClient, own } from "../../runner/src/db/session.ts";
import { leafAt } from "../../runner/src/partition/layout.ts";
import { makeSeries } from "../support/candle/made-series.ts";
import { useDatabase } from "../support/database/database.ts";

const database = useDatabase();
const { signal } = new AbortController();
const FROM = Date.UTC(2024, 0, 5);
const MINUTE = 60_000;
const LEAF = leafAt("1m", FROM);
const leaf = { schema: "beside", name: LEAF.name, span: LEAF.span, intervals: ["1m"] as const };
let db: Database;

beforeAll(async () => {
  const to = FROM + 100 * MINUTE;
  await makeSeries(database.url, [
    { symbol: "BTCUSDT", interval: "1m", from: FROM, to },
    { symbol: "ETHUSDT", interval: "1m", from: FROM, to },
  ]);
  db = openDatabase(database.url, "restore");
});
afterAll(() => db.pool.end());

const inSession = <T>(work: (client: OwnClient) => Promise<T>) => own(db, signal, work);
/** The live rows, copied beside. */
async function copyBeside(): Promise<void> {
  await database.query("drop schema if exists beside cascade");
  await inSession((client) =>
    makeScratchLeaf(client, leaf, async () => {
      await client.query(
        `insert into beside.${leaf.name} (${COPY_COLUMNS}) select ${COPY_COLUMNS} from r3a.${leaf.name}`,
      );
      await addKey(client, leaf);
    }),
  );
}
const compared = (coins: readonly number[] | null = null, first = 3) =>
  inSession((client) => compareLeaf(client, leaf, { coins, first }));
const at = (minute: number) => new Date(FROM + minute * MINUTE).toISOString();

describe("a leaf beside the live one", () => {
  beforeAll(() => database.query(`create table kept as select * from r3a.${leaf.name}`));
  beforeEach(async () => {
    await database.query(`truncate r3a.${leaf.name}`);
    await database.query(`insert into r3a.${leaf.name} select * from kept`);
    await copyBeside();
  });

  test("that has the same rows has no difference", async () => {
    expect(await compared()).toEqual([]);
  });

  test("shows what was changed, deleted and added by hand, with the counts of the part and its first rows", async () => {
    await database.query(
      `update r3a.${leaf.name} set close = 70000.5 where coin_id = 1 and "timestamp" = $1`,
      [at(3)],
    );
    await database.query(
      `delete from r3a.${leaf.name} where coin_id = 1 and "timestamp" >= $1 and "timestamp" < $2`,
      [at(10), at(20)],
    );
    await database.query(
      `insert into r3a.${leaf.name} (coin_id, "interval", "timestamp", open, high, low, close, volume) values (2, '1m', $1, 1, 1, 1, 1, 1)`,
      [at(200)],
    );
    const rows = await compared();
    expect(
      rows.map(({ coinId, at: ms, restored, live }) => [
        coinId,
        (ms - FROM) / MINUTE,
        restored === null,
        live === null,
      ]),
    ).toEqual([
      [1, 3, false, false],
      [1, 10, false, true],
      [1, 11, false, true],
      [2, 200, true, false],
    ]);
    expect(rows[0]).toMatchObject({ interval: "1m", added: 0, missing: 10, changed: 1 });
    const close = BESIDE_KEY.indexOf("close");
    expect([rows[0]?.restored?.[close], rows[0]?.live?.[close]]).toEqual([
      expect.stringMatching(/^500/),
      "70000.5",
    ]);
    expect((await compared([2])).map(({ coinId }) => coinId)).toEqual([2]);
  });

  test("differs where a value is the same number with other digits, and where a null became a value", async () => {
    await database.query(
      `update beside.${leaf.name} set open = open + 0.000000000, close_time = null where coin_id = 2 and "timestamp" = $1`,
      [at(5)],
    );
    const [row, ...more] = await compared();
    expect(more).toEqual([]);
    const differing = BESIDE_KEY.filter((_, index) => row?.restored?.[index] !== row?.live?.[index]);
    expect(differing).toEqual(["open", "close_time"]);
  });

  test("that the live table has no leaf for is missing as a whole", async () => {
    await database.query(`alter table beside.${leaf.name} rename to ohlcv_1m_2019_01`);
    const gone = { ...leaf, name: "ohlcv_1m_2019_01" };
    const rows = await inSession((client) => compareLeaf(client, gone, { coins: null, first: 1 }));
    expect(rows.map(({ missing }) => missing)).toEqual([100, 100]);
  });

  test("is compared with a warning where a number stands for another coin here", async () => {
    const coins = [
      { id: 1, symbol: "BTCUSDT" },
      { id: 2, symbol: "XRPUSDT" },
      { id: 3, symbol: "ADAUSDT" },
    ];
    expect(await inSession((client) => listOtherCoins(client, coins))).toEqual([
      { id: 2, backed: "XRPUSDT", live: "ETHUSDT" },
    ]);
  });
});

describe("rows that are sent into it", () => {
  const line = (minute: number, close: string) =>
    Buffer.from(`1\t1m\t${at(minute)}\t1\t2\t0.5\t${close}\t1.50\t\\N\t\\N\t\\N\t\\N\t\\N\trest\t0\n`);
  const refused = (work: (client: OwnClient) => Promise<void>) =>
    inSession(async (client) => {
      const error = await makeScratchLeaf(client, target, () => work(client)).catch(
        (thrown: unknown) => thrown,
      );
      return [isFaultOfRows(error), String(error)];
    });
  const target = { ...leaf, schema: "refused" };

  test("replace rows of the same key where they come from a delta, and keep their digits", async () => {
    await database.query("drop schema if exists beside cascade");
    await inSession((client) =>
      makeScratchLeaf(client, leaf, async () => {
        await addRows(client, leaf, [line(1, "1.0"), line(2, "1.10")]);
        await addKey(client, leaf);
        for (const rows of [[line(2, "1.200"), line(3, "1.3")], [line(2, "1.25")]]) {
          await stageRows(client, leaf, rows);
          await mergeDelta(client, leaf);
        }
        await addBounds(client, leaf);
      }),
    );
    const closes = await database.query<{ close: string }>(
      `select close::text from beside.${leaf.name} order by "timestamp"`,
    );
    expect(closes.map(({ close }) => close)).toEqual(["1.0", "1.25", "1.3"]);
  });

  test("are at fault where they are no rows, stand there twice, or lie outside of the leaf; nothing stays", async () => {
    expect(await refused((client) => addRows(client, target, [Buffer.from("1\t1m\thello\n")]))).toEqual([
      true,
      expect.stringMatching(/invalid input syntax|missing data/),
    ]);
    const twice = async (client: OwnClient) => {
      await addRows(client, target, [line(1, "1"), line(1, "1")]);
      await addKey(client, target);
    };
    expect(await refused(twice)).toEqual([true, expect.stringContaining("could not create unique index")]);
    const outside = async (client: OwnClient) => {
      await addRows(client, target, [line(60 * 24 * 40, "1")]);
      await addBounds(client, target);
    };
    expect(await refused(outside)).toEqual([true, expect.stringContaining("bounds")]);
    expect(await database.query("select from pg_namespace where nspname = 'refused'")).toEqual([]);
  });

  test("are refused a schema that has a table already, by its name", async () => {
    await expect(refuseFilled(db, "beside")).rejects.toThrow(`the schema has ${leaf.name}`);
    await expect(refuseFilled(db, "never_made")).resolves.toBeUndefined();
  });
});
