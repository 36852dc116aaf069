import type { QueryResultRow } from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { leafAt } from "../../runner/src/partition/layout.ts";
import { backupSettings } from "../support/backup/each-way.ts";
import { expectExit, iso, MINUTE } from "../support/candle/series.ts";
import { withSession } from "../support/database/empty-database.ts";
import { useOwnServer } from "../support/database/own-server.ts";
import { copyAsStandby, type Standby } from "../support/database/standby.ts";
import { type KillWire, startKillWire } from "../support/kill-wire.ts";
import { useWorld } from "../support/world.ts";

/**
 * The server changes while `restore --damaged` works: a standby that knows nothing of the taken leaf takes its place, or the
 * state of the leaf is another one when the swap comes. A run under an old token changes nothing.
 */

const END = Date.parse("2024-05-10T12:00:00Z");
const SINCE = END - 300 * MINUTE;
const LEAF = leafAt("1m", END).name;
const primary = useOwnServer();
let standby: Standby | undefined;
let wire: KillWire | undefined;
let isOver = false;
const database = {
  get url() {
    return isOver && standby !== undefined ? standby.url : primary.url;
  },
  query: <Row extends QueryResultRow>(text: string, values: readonly unknown[] = []) =>
    withSession(database.url, async (client) => (await client.query<Row>(text, [...values])).rows),
};
const world = useWorld({ clock: { fixedMs: END + 30_000 } }, database);
const env: Record<string, string> = { FALLBACK_START: iso(SINCE), SYMBOLS: "BTCUSDT" };
const args = `restore --damaged --leaf ${LEAF} --json`;

beforeAll(async () => {
  Object.assign(env, await backupSettings());
  wire = await startKillWire(primary.url);
  expectExit(await world.run("sync 1m", env), 0);
  expectExit(await world.run("backup", env), 0);
  await database.query(
    `update r3a.${LEAF} set close = close * 10 where "timestamp" < '${iso(SINCE + 3 * MINUTE)}'`,
  );
});
afterAll(async () => {
  await wire?.stop();
  await standby?.stop();
});

/** Runs through the wire, and does `act` once the server has answered these words. */
const runWith = async (words: readonly string[], act: () => Promise<unknown>) => {
  if (wire === undefined) throw new Error("the wire is not there yet");
  let acting: Promise<unknown> | undefined;
  const running = world.start(args, { ...env, DB_URL: wire.url });
  wire.arm({ words, when: "after" }, () => {
    wire?.disarm();
    acting = act();
  });
  const ended = await running.ended;
  expect(acting, ended.stderr).toBeDefined();
  await acting;
  return ended;
};
const spoilt = () => database.query(`select 1 as spoilt from r3a.${LEAF} where close > high`);
const moved = () => database.query("select table_name from r3a.quarantine");
/** After the leaf was taken, and before the swap looks at its state. */
const BEFORE_SWAP = ["create or replace trigger r3a_guard", "create temp table mend_lacking"];

/** What happens to the state of the leaf in the moment after it was taken. */
const afterTaking = (statement: string) => `
  create function r3a.after_taking() returns trigger language plpgsql as $$ begin ${statement} where leaf = new.leaf; return null; end $$;
  create constraint trigger after_taking after insert or update on r3a.leaf_state deferrable initially deferred
    for each row when (pg_trigger_depth() = 0) execute function r3a.after_taking()`;

test.each([
  ["another run took the leaf", "update r3a.leaf_state set token = nextval('r3a.leaf_token')"],
  [
    "another run got the same number, as on a standby that lacked the first taking",
    "update r3a.leaf_state set run_id = gen_random_uuid()",
  ],
  ["its state is lost, as after a failover", "delete from r3a.leaf_state"],
])("where %s nothing is swapped, and the run may be tried again", async (_, statement) => {
  await primary.query(afterTaking(statement));
  const ended = await world.run(args, env);
  await primary.query("drop function r3a.after_taking() cascade");
  expectExit(ended, 75);
  expect(JSON.parse(ended.stdout)).toMatchObject({
    leaves: [{ outcome: "busy", why: expect.stringContaining("another run has taken") }],
  });
  expect(await spoilt()).toHaveLength(3);
  expect(await moved()).toEqual([]);
});

test("a standby that knows nothing of the taken leaf becomes the primary, and the next run mends there", async () => {
  standby = await copyAsStandby(primary);
  const ended = await runWith(BEFORE_SWAP, async () => {
    await primary.kill();
    await standby?.promote();
    isOver = true;
  });
  expectExit(ended, 75);
  expect(await spoilt()).toHaveLength(3);
  expect(await moved()).toEqual([]);
  world.exchange.set({ clock: { fixedMs: END + 10 * MINUTE + 30_000 } });
  expectExit(await world.run("sync 1m", env), 0);
  expectExit(await world.run(args, env), 0);
  expect(await world.stored("BTCUSDT", "1m")).toEqual(world.truth("BTCUSDT", "1m", SINCE, END + 10 * MINUTE));
  expect(await moved()).toHaveLength(1);
}, 240_000);
