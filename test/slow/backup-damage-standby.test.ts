import type { QueryResultRow } from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { COPY_COLUMNS } from "../../runner/src/db/copy-lines.ts";
import { leafAt } from "../../runner/src/partition/layout.ts";
import { newKey } from "../support/backup/object.ts";
import { expectExit, iso, MINUTE } from "../support/candle/series.ts";
import { withSession } from "../support/database/empty-database.ts";
import { useOwnServer } from "../support/database/own-server.ts";
import { copyAsStandby, type Standby } from "../support/database/standby.ts";
import { temporaryFolder } from "../support/folder.ts";
import { expectResult } from "../support/result-json.ts";
import { useWorld } from "../support/world.ts";

/** The primary dies, and a standby that lacks its last minutes takes its place: it gives their transactions' numbers to others. */

const END = Date.parse("2024-05-10T12:00:00Z");
const SINCE = END - 600 * MINUTE;
const LEAF = leafAt("1m", END);
const SYMBOLS = ["BTCUSDT", "ETHUSDT"];
const primary = useOwnServer();
let standby: Standby | undefined;
let isOver = false;
/** Where DB_URL leads: to the server that is the primary now. */
const database = {
  get url() {
    return isOver && standby !== undefined ? standby.url : primary.url;
  },
  query: <Row extends QueryResultRow>(text: string, values: readonly unknown[] = []) =>
    withSession(database.url, async (client) => (await client.query<Row>(text, [...values])).rows),
};
const world = useWorld({ clock: { fixedMs: END + 30_000 } }, database);
const env: Record<string, string> = { FALLBACK_START: iso(SINCE) };

beforeAll(async () => {
  const { identity, recipient } = await newKey();
  env.BACKUP_HOT = `file://${temporaryFolder()}`;
  env.BACKUP_SPOOL = temporaryFolder();
  env.BACKUP_RECIPIENTS = recipient;
  env.BACKUP_IDENTITY = identity;
});
afterAll(() => standby?.stop());

const run = async (args: string, exit: number) => {
  const ended = await world.run(`${args} --json`, env);
  expectExit(ended, exit);
  return expectResult(ended);
};
const sync = async () => expectExit(await world.run(`sync 1m --symbols ${SYMBOLS}`, env), 0);
const passTo = (minute: number) => world.exchange.set({ clock: { fixedMs: END + minute * MINUTE + 30_000 } });
const listRows = async (table: string) => {
  const select = `select (t.*)::text as row from (select ${COPY_COLUMNS} from ${table}) t order by 1`;
  return (await database.query<{ row: string }>(select)).map(({ row }) => row);
};
const expectTruth = async (minutes: number, symbols = SYMBOLS) => {
  for (const symbol of symbols)
    expect(await world.stored(symbol, "1m")).toEqual(
      world.truth(symbol, "1m", SINCE, END + minutes * MINUTE),
    );
};

test("what the standby lacks stays in the backup, damage on it is found, and the truth restores", async () => {
  await sync();
  await run("backup", 0);
  standby = await copyAsStandby(primary);
  passTo(20);
  await sync();
  expect(await run("backup --delta", 0)).toMatchObject({ isWhole: false, found: 0 });
  await expectTruth(20);

  await primary.kill();
  await standby.promote();
  isOver = true;
  // 20 candles of each symbol are lost, and a person damages another one
  const damaged = `coin_id = 1 and "timestamp" = '${iso(SINCE + 5 * MINUTE)}'`;
  await database.query(`update r3a.${LEAF.name} set close = close * 10 where ${damaged}`);
  expect(await run("backup --delta", 1)).toMatchObject({ isWhole: true });
  // the ledger of the standby does not know the delta either: for it these candles are new again
  expect(await database.query("select kind from r3a.backup_suspect")).toEqual([{ kind: "content" }]);
  await sync();
  await run("backup", 1);
  passTo(40);
  await sync();
  expect(await run("backup --delta", 1)).toMatchObject({ isWhole: false, found: 0, open: 1 });

  const compared = await run(`restore --to-schema beside --leaf ${LEAF.name} --compare`, 1);
  expect(compared).toMatchObject({
    leaves: [{ outcome: "restored", differences: [{ coinId: 1, added: 0, missing: 0, changed: 1 }] }],
    refused: [],
  });
  const restored = await listRows(`beside.${LEAF.name}`);
  await database.query(`update r3a.${LEAF.name} set close = round(close / 10, 8) where ${damaged}`);
  await expectTruth(40);
  expect(restored).toEqual(await listRows(`r3a.${LEAF.name}`));
}, 240_000);
