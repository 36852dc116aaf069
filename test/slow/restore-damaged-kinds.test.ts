import { readFile } from "node:fs/promises";
import { beforeEach, describe, expect, test } from "vitest";
import { guardStatements } from "../../runner/src/db/leaf/guard.ts";
import { expectExit } from "../support/candle/series.ts";
import { LEAF, useDamagedLeaf } from "../support/restore/damaged-leaf.ts";
import { useWorld } from "../support/world.ts";

/** What `restore --damaged` does where the leaf is no whole table any more, where it is sealed, and where no backup has it. */

const world = useWorld({ clock: { fixedMs: Date.parse("2024-05-10T12:00:30Z") } });
const { env, run, mend, sync, passTo, expectTruth, at, quarantined, states } = useDamagedLeaf(world);
const { database } = world;
const attached = async () => {
  const [row] = await database.query<{ n: number }>(
    `select count(*)::int as n from pg_inherits where inhrelid = to_regclass('r3a.${LEAF}') and not inhdetachpending`,
  );
  return row?.n === 1;
};

/** As a stranger who knows the way around the guard: no reopening says what changed. */
const pastGuard = (statement: string) =>
  database.query(`begin; set local r3a.reopened = ',${LEAF},'; ${statement}; commit`);

beforeEach(() => database.query("update r3a.quarantine set moved_at = moved_at - interval '2 days'"));

describe("a leaf that is", () => {
  test.each([
    ["dropped", "missing", `drop table r3a.${LEAF}`],
    ["detached", "detached", `alter table r3a.ohlcv_1m detach partition r3a.${LEAF}`],
    [
      "detached with a row of another month",
      "detached",
      `alter table r3a.ohlcv_1m detach partition r3a.${LEAF};
       update r3a.${LEAF} set "timestamp" = '2023-01-01' where ("timestamp", coin_id) = (select max("timestamp"), 1 from r3a.${LEAF})`,
    ],
    ["truncated", "truncated", `truncate r3a.${LEAF}`],
  ])("%s comes back in its place", async (_, detector, damage) => {
    await database.query(damage);
    expect(await mend()).toMatchObject({
      leaves: [{ findings: [{ detector }], outcome: "mended", added: { gaps: 0 } }],
    });
    expect(await attached()).toBe(true);
    await expectTruth();
  });
});

test("a sealed leaf is guarded again and open for seal, and what a job wrote meanwhile stays", async () => {
  await database.query(`${guardStatements({ name: LEAF })};
    insert into r3a.leaf_state (leaf, state, token, sealed_at) values ('${LEAF}', 'sealed', nextval('r3a.leaf_token'), now())`);
  const spoil = `update r3a.${LEAF} set close = close * 10 where coin_id = 1 and "timestamp" < '${at(3)}'`;
  await expect(database.query(spoil)).rejects.toMatchObject({ code: "R3A01" });
  await pastGuard(spoil);
  passTo(10);
  await sync();
  expect(await mend(` --leaf ${LEAF}`)).toMatchObject({ leaves: [{ outcome: "mended" }] });
  expect(await states()).toEqual([{ leaf: LEAF, state: "open", note: null }]);
  await expect(database.query(spoil)).rejects.toMatchObject({ code: "R3A01" });
  await expectTruth(10);
  passTo(20);
  await sync();
  await expectTruth(20);
});

test("where no backup gives the leaf nothing is changed, and an accepted loss takes what can be read and asks the exchange for the rest", async () => {
  await pastGuard(`delete from r3a.${LEAF} where coin_id = 2 and "timestamp" < '${at(30)}'`);
  const none = { BACKUP_HOT: env.BACKUP_SPOOL?.replace("file://", "") ?? "" };
  const tier = { BACKUP_HOT: `file://${none.BACKUP_HOT}` };
  const before = (await quarantined()).length;
  expect(await mend(` --leaf ${LEAF}`, 3, tier)).toMatchObject({ leaves: [{ outcome: "failed" }] });
  expect(await quarantined()).toHaveLength(before);
  const ended = await world.runWords(
    ["restore", "--damaged", "--leaf", LEAF, "--accept-loss", "every tier burned down", "--json"],
    { ...env, ...tier },
  );
  expect([ended.code, JSON.parse(ended.stdout)]).toMatchObject([
    1,
    {
      leaves: [
        { outcome: "mended", from: null, added: { gaps: 30 }, after: [{ isOk: true }, { isOk: true }, {}] },
      ],
    },
  ]);
  await expectTruth(20);
});

test("what docs/recovery.md shows works", async () => {
  const page = await readFile(new URL("../../docs/recovery.md", import.meta.url), "utf8");
  const shown = [...page.matchAll(/^\.\/r3a (restore --damaged.*)$/gm)].map(([, line = ""]) => line);
  expect(shown).toHaveLength(2);
  await pastGuard(`delete from r3a.${LEAF} where coin_id = 1 and "timestamp" < '${at(5)}'`);
  await run("backup", 1);
  for (const line of shown) expectExit(await world.run(line, env), 0);
  await expectTruth(20);
});

test("of two runs at once one does the work", async () => {
  const both = await Promise.all([0, 1].map(() => world.run(`restore --damaged --leaf ${LEAF} --json`, env)));
  expect(both.map(({ code }) => code)).toEqual([0, 0]);
  expect(both.filter(({ stdout }) => stdout.includes("another run mends"))).toHaveLength(1);
  await run("verify");
});
