import { beforeAll, describe, expect, test } from "vitest";
import { leafAt } from "../../runner/src/partition/layout.ts";
import { renderTime } from "../../runner/src/time.ts";
import { backupSettings } from "../support/backup/each-way.ts";
import { expectExit, iso, MINUTE } from "../support/candle/series.ts";
import { useWorld } from "../support/world.ts";

/** Damage by SQL, in a leaf that backups know; the files of a table are damaged in test/slow/scrub-files.test.ts. */

const END = Date.parse("2024-05-10T12:00:00Z");
const SINCE = END - 600 * MINUTE;
const LEAF = leafAt("1m", END).name;
const world = useWorld({ clock: { fixedMs: END + 30_000 } });
const env: Record<string, string> = { FALLBACK_START: iso(SINCE) };
const at = (minute: number) => renderTime(SINCE + minute * MINUTE);
const BTC = `coin_id = (select id from r3a.coin where symbol = 'BTCUSDT')`;

type Report = {
  readonly leaves: readonly {
    readonly leaf: string;
    readonly findings: readonly { readonly detector: string; readonly detail: string }[];
    readonly gone: readonly string[];
    readonly isUnguarded: boolean;
  }[];
};

async function scrub(exit: number): Promise<Report["leaves"][number]> {
  const run = await world.run(`scrub --leaf ${LEAF} --json`, env);
  expectExit(run, exit);
  const [leaf] = (JSON.parse(run.stdout) as Report).leaves;
  if (leaf === undefined) throw new Error("the scrub looked at no leaf");
  return leaf;
}
const detectorsOf = ({ findings }: Report["leaves"][number]) => findings.map(({ detector }) => detector);
const openDamage = () =>
  world.database.query<{ detector: string }>(
    "select detector from r3a.leaf_damage where leaf = $1 and state = 'open' order by 1",
    [LEAF],
  );

beforeAll(async () => {
  Object.assign(env, await backupSettings());
  expectExit(await world.run("sync 1m --symbols BTCUSDT,ETHUSDT", env), 0);
  expectExit(await world.run("backup", env), 0);
});

test("a leaf as the backups restore it is clean, also where rows came since then", async () => {
  expect(detectorsOf(await scrub(0))).toEqual([]);
  await world.database.query(
    `insert into r3a.${LEAF} (coin_id, "interval", "timestamp", open, high, low, close, volume)
     select id, '1m', $1, 1, 1, 1, 1, 1 from r3a.coin where symbol = 'BTCUSDT'`,
    [at(-1)],
  );
  expect(detectorsOf(await scrub(0))).toEqual([]);
});

test("of a sealed leaf nothing may differ, and one without its guard counts as open where nothing does", async () => {
  const stateOf = () => world.database.query("select state from r3a.leaf_state where leaf = $1", [LEAF]);
  await world.database.query(
    "insert into r3a.leaf_state (leaf, state, token, sealed_at) values ($1, 'sealed', nextval('r3a.leaf_token'), now())",
    [LEAF],
  );
  const [found] = (await scrub(1)).findings;
  expect(found).toEqual({
    detector: "content",
    detail: "the leaf is sealed, and rows came past its guard: BTCUSDT 1m",
  });
  expect(await stateOf()).toEqual([{ state: "sealed" }]);
  expectExit(await world.run("health --only integrity", env), 1);
  expectExit(await world.run("backup", env), 0);
  expect(await scrub(1)).toMatchObject({ isUnguarded: true, findings: [], gone: ["content"] });
  expect(await stateOf()).toEqual([{ state: "open" }]);
  expect(await scrub(0)).toMatchObject({ isUnguarded: false });
});

describe("damage that a statement did", () => {
  test("rows with other values and rows that are gone are named, and what was found is gone once they are right again", async () => {
    await world.database.query(`create table public.kept as select * from r3a.${LEAF} where ${BTC}`);
    await world.database.query(
      `update r3a.${LEAF} set close = close * 10 where ${BTC} and "timestamp" between $1 and $2`,
      [at(0), at(2)],
    );
    await world.database.query(`delete from r3a.${LEAF} where ${BTC} and "timestamp" between $1 and $2`, [
      at(60),
      at(179),
    ]);
    const damaged = await scrub(1);
    expect(damaged.findings).toEqual([
      {
        detector: "content",
        detail: expect.stringContaining(`BTCUSDT 1m 3 of ${at(0)} to ${at(2)}`),
      },
      { detector: "slots", detail: expect.stringContaining(`BTCUSDT 1m 120 of ${at(60)} to ${at(179)}`) },
    ]);
    expect(await openDamage()).toEqual([{ detector: "content" }, { detector: "slots" }]);
    // a backup between damage and repair keeps the rows suspect
    expectExit(await world.run("backup", env), 1);
    expect(detectorsOf(await scrub(1))).toEqual(["content", "slots", "suspects"]);
    await world.database.query(`delete from r3a.${LEAF} where ${BTC}`);
    await world.database.query(`insert into r3a.${LEAF} select * from public.kept`);
    expectExit(await world.run("backup", env), 0);
    expect((await scrub(0)).gone).toEqual(["content", "slots", "suspects"]);
    expect(await openDamage()).toEqual([]);
  });

  test("a leaf that is detached, empty, or gone is named by the catalog", async () => {
    await world.database.query(`alter table r3a.ohlcv_1m detach partition r3a.${LEAF}`);
    expect(detectorsOf(await scrub(1))).toEqual(["detached"]);
    await world.database.query(`create table public.rows as select * from r3a.${LEAF}`);
    await world.database.query(`truncate r3a.${LEAF}`);
    expect(detectorsOf(await scrub(1))).toEqual(["detached", "truncated"]);
    await world.database.query(`drop table r3a.${LEAF}`);
    expect(detectorsOf(await scrub(1))).toEqual(["missing"]);
  });
});
