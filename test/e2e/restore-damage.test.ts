import type pg from "pg";
import { beforeAll, expect, test } from "vitest";
import { COPY_COLUMNS } from "../../runner/src/db/copy-lines.ts";
import { leafAt } from "../../runner/src/partition/layout.ts";
import { newKey } from "../support/backup/object.ts";
import { expectExit, iso, MINUTE } from "../support/candle/series.ts";
import { withSession } from "../support/database/empty-database.ts";
import { temporaryFolder } from "../support/folder.ts";
import { useWorld } from "../support/world.ts";

/** Damage by hand, then a delta, a daily backup and another delta: what restores is still what the exchange said. */

const END = Date.parse("2024-05-10T12:00:00Z");
const SINCE = END - 600 * MINUTE;
const LEAF = leafAt("1m", END);
const world = useWorld({ clock: { fixedMs: END + 30_000 } });
const env: Record<string, string> = { FALLBACK_START: iso(SINCE) };

const at = (minute: number) => iso(SINCE + minute * MINUTE);
const rowsOf = async (table: string, condition = "true") => {
  const text = `select (t.*)::text as row from (select ${COPY_COLUMNS} from ${table} where ${condition}) t order by 1`;
  return (await world.database.query<{ row: string }>(text)).map(({ row }) => row);
};
const runAs = async (args: string, exit: number) => expectExit(await world.run(args, env), exit);

beforeAll(async () => {
  const { identity, recipient } = await newKey();
  env.BACKUP_HOT = `file://${temporaryFolder()}`;
  env.BACKUP_WARM = `file://${temporaryFolder()}`;
  env.BACKUP_SPOOL = temporaryFolder();
  env.BACKUP_RECIPIENTS = recipient;
  env.BACKUP_IDENTITY = identity;
  await runAs("sync 1m --symbols BTCUSDT,ETHUSDT", 0);
  await runAs("backup", 0);
});

async function damage(session: pg.Client): Promise<void> {
  const of = (symbol: string) => `coin_id = (select id from r3a.coin where symbol = '${symbol}')`;
  const leaf = `r3a.${LEAF.name}`;
  await session.query(`update ${leaf} set close = close * 10 where ${of("BTCUSDT")} and "timestamp" < $1`, [
    at(3),
  ]);
  const hours = `"timestamp" >= $1 and "timestamp" < $2`;
  await session.query(`delete from ${leaf} where ${of("ETHUSDT")} and ${hours}`, [at(60), at(180)]);
  // the count of the part stays the same
  await session.query(`delete from ${leaf} where ${of("BTCUSDT")} and "timestamp" = $1`, [at(200)]);
  await session.query(
    `insert into ${leaf} (coin_id, "interval", "timestamp", open, high, low, close, volume)
     select id, '1m', $1, 1, 1, 1, 1, 1 from r3a.coin where symbol = 'BTCUSDT'`,
    [at(-1)],
  );
}

test("rows that were changed, deleted and swapped by hand are restored as the exchange said them", async () => {
  for (const symbol of ["BTCUSDT", "ETHUSDT"])
    expect(await world.stored(symbol, "1m")).toEqual(world.truth(symbol, "1m", SINCE, END));
  const truth = await rowsOf(`r3a.${LEAF.name}`);
  // the counters of the server are written when a session ends
  await withSession(world.database.url, damage);
  await withSession(world.database.url, async (session) => {
    await session.query("begin; savepoint one");
    await session.query(`update r3a.${LEAF.name} set volume = 0 where "timestamp" = $1`, [at(300)]);
    await session.query("release savepoint one");
    await runAs("backup --delta", 1);
    await session.query("commit");
  });
  await runAs("backup", 1);
  await runAs("backup --delta", 1);
  await runAs(`restore --to-schema beside --leaf ${LEAF.name} --compare`, 1);
  // a new row in an empty slot is what a sync stores too: no backup can tell it from damage
  expect(await rowsOf(`beside.${LEAF.name}`, `"timestamp" >= '${at(0)}'`)).toEqual(truth);
}, 120_000);
