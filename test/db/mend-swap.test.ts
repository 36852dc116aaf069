import { beforeEach, expect, test } from "vitest";
import { takeLeaf } from "../../runner/src/db/leaf/guard.ts";
import { lockLeafState } from "../../runner/src/db/leaf/state.ts";
import { catchUp } from "../../runner/src/db/restore/mend/catch-up.ts";
import { type LoggedMissing, logMissing } from "../../runner/src/db/restore/mend/log-missing.ts";
import { readMark } from "../../runner/src/db/restore/mend/mark.ts";
import { readStored } from "../../runner/src/db/restore/mend/stored.ts";
import { type TakenOver, takeOver } from "../../runner/src/db/restore/mend/take-over.ts";
import { leafAt } from "../../runner/src/partition/layout.ts";
import { makeSeries } from "../support/candle/made-series.ts";
import { HOUR, iso } from "../support/candle/series.ts";
import { useDatabase } from "../support/database/database.ts";
import { withSession } from "../support/database/empty-database.ts";
import { fillScratch, withOwn, withReach } from "../support/mend/scratch.ts";

/** What comes onto the scratch table in the transaction of the swap: candles that jobs wrote meanwhile, and the gap log. */

const database = useDatabase();
const FROM = Date.UTC(2024, 0, 5);
const MINUTES = leafAt("1m", FROM);
const LIVE = `r3a.${MINUTES.name}`;
const at = (minute: number) => `"timestamp" = '${iso(FROM + minute * 60_000)}'`;
const rowsOf = async (table: string, condition = "true") =>
  (
    await database.query<{ row: string }>(
      `select t::text as row from ${table} t where ${condition} order by 1`,
    )
  ).map(({ row }) => row);
const readLog = async () =>
  (
    await database.query<{ gap: string }>(`
      select format('%s %s..%s %s %s', c.symbol, to_char(g.from_ts at time zone 'UTC', 'HH24:MI'), to_char(g.to_ts at time zone 'UTC', 'HH24:MI'),
                    g.state, coalesce(g.evidence ->> 'error', '-')) as gap
      from r3a.ohlcv_gap_log g join r3a.coin c on c.id = g.coin_id order by c.symbol, g.from_ts, g.state`)
  ).map(({ gap }) => gap);

beforeEach(async () => {
  await database.query(
    `alter table if exists ${LIVE} disable trigger all; truncate r3a.ohlcv_partitioned, r3a.series, r3a.ohlcv_gap_log, r3a.candle_revision, r3a.leaf_reopening, r3a.leaf_state`,
  );
  await database.query("delete from r3a.coin");
  await makeSeries(database.url, [
    { symbol: "BTCUSDT", interval: "1m", from: FROM, to: FROM + 2 * HOUR },
    {
      symbol: "ETHUSDT",
      interval: "1m",
      from: FROM,
      to: FROM + 2 * HOUR,
      gaps: [{ from: FROM + HOUR, to: FROM + HOUR + 600_000 }],
    },
  ]);
});

/** As one of our jobs writes: the statement goes to the live leaf, and the spans of both symbols say so. */
const write = (minutes: readonly [from: number, to: number], statement: string) =>
  withSession(database.url, async (client) => {
    await client.query("begin");
    const span = minutes.map((minute) => iso(FROM + minute * 60_000));
    await client.query(
      `select r3a_util.reopen_leaf($1, array_agg(id), array_agg('1m'::text), array_agg($2::timestamptz), array_agg($3::timestamptz)) from r3a.coin`,
      [MINUTES.name, ...span],
    );
    await client.query(statement);
    await client.query("commit");
  });

type Swapped = { readonly taken: TakenOver; readonly logged: LoggedMissing };

/** Takes the leaf, lets `during` write, and does what a swap does before it asks for its locks. */
async function mend(during: () => Promise<unknown> = async () => {}, last = during): Promise<Swapped> {
  return withReach(database.url, async (reach) =>
    withOwn(database.url, async (client) => {
      const mark = await readMark(client);
      await takeLeaf(client, MINUTES, { state: "restoring", runId: null });
      await during();
      const caught = await catchUp(reach, MINUTES, { oldTable: LIVE, mark });
      const stored = await readStored(client, MINUTES);
      if (last !== during) await last();
      await client.query("begin; set local lock_timeout = 5000");
      await lockLeafState(client, MINUTES.name);
      const taken = await takeOver(client, MINUTES, { oldTable: LIVE, mark: caught.mark });
      const logged = await logMissing(client, MINUTES, {
        stored,
        taken,
        error: "lost by damage",
        runId: null,
      });
      await client.query("commit");
      return { taken, logged };
    }),
  );
}

test("what is covered and was lost becomes open gaps that are due, what is stored leaves its gap, and the rest stays", async () => {
  await fillScratch(database, MINUTES, `not (${at(5)} or ${at(6)} or ${at(119)})`);
  await database.query(`
    insert into r3a_scratch.${MINUTES.name} select coin_id, "interval", "timestamp" + interval '1 hour', open, high, low, close, volume
    from ${LIVE} where coin_id = (select id from r3a.coin where symbol = 'ETHUSDT') and ${at(3)}`);
  const { logged } = await mend();
  expect(logged).toEqual({ gaps: 4, slots: 6, changed: 7 });
  expect(await readLog()).toEqual([
    "BTCUSDT 00:05..00:07 open lost by damage",
    "BTCUSDT 01:59..02:00 open lost by damage",
    "ETHUSDT 00:05..00:07 open lost by damage",
    "ETHUSDT 01:00..01:03 open -",
    "ETHUSDT 01:03..01:04 repaired -",
    "ETHUSDT 01:04..01:10 open -",
    "ETHUSDT 01:59..02:00 open lost by damage",
  ]);
  const due = await database.query(
    `select from r3a.ohlcv_gap_log where evidence ->> 'error' is not null and next_check_at <= now()`,
  );
  expect(due).toHaveLength(4);
});

test("what jobs wrote since the leaf was taken replaces the rows of the objects, and damage beside it does not", async () => {
  const scratch = await fillScratch(database, MINUTES, `not (${at(20)} or ${at(30)})`);
  const first = () => write([5, 21], `update ${LIVE} set volume = 1 where ${at(5)} or ${at(20)}`);
  const second = () => write([6, 31], `update ${LIVE} set volume = 2 where ${at(6)} or ${at(30)}`);
  // a transaction that goes on all the time, as that of a dump does
  const { taken, logged } = await withSession(database.url, async (client) => {
    await client.query("begin; select pg_current_xact_id()");
    await database.query(`update ${LIVE} set volume = volume * 10 where ${at(10)}`);
    return mend(first, second);
  });
  expect(taken).toMatchObject({ rows: 4, isUnread: false });
  expect(logged).toEqual({ gaps: 0, slots: 0, changed: 0 });
  const changed = [5, 6, 20, 30].map(at).join(" or ");
  expect(await rowsOf(scratch, changed)).toEqual(await rowsOf(LIVE, changed));
  expect(await rowsOf(scratch, `${at(10)} and volume = 12.5`)).toHaveLength(2);
  expect(await rowsOf(scratch)).toHaveLength(230);
});
