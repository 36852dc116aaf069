import { expect, test } from "vitest";
import { LEAF, useDamagedLeaf } from "../support/restore/damaged-leaf.ts";
import { useWorld } from "../support/world.ts";

/** Damage in the live table is put right by `restore --damaged`, and the jobs go on. Each test damages the leaf anew. */

const world = useWorld({ clock: { fixedMs: Date.parse("2024-05-10T12:00:30Z") } });
const { env, run, mend, sync, passTo, expectTruth, at, quarantined, states } = useDamagedLeaf(world);
const { database } = world;
const spoil = (minutes: number) =>
  database.query(
    `update r3a.${LEAF} set close = close * 10 where coin_id = 1 and "timestamp" < '${at(minutes)}'`,
  );
const countSpoilt = async (table: string) => {
  const [row] = await database.query<{ n: number }>(
    `select count(*)::int as n from ${table} where close > high`,
  );
  return row?.n;
};
/** As if a day had passed since the last swap. */
const passDay = () => database.query("update r3a.quarantine set moved_at = moved_at - interval '1 day'");

test("a leaf that a person names is as the exchange says it again, with later candles and revisions", async () => {
  passTo(20);
  await sync();
  // later than the backup: a candle that the exchange changed
  const revised = (await world.stored("ETHUSDT", "1m")).at(-3);
  await spoil(3);
  await database.query(
    `delete from r3a.${LEAF} where coin_id = 2 and "timestamp" >= '${at(60)}' and "timestamp" < '${at(120)}'`,
  );
  const planned = await mend(` --leaf ${LEAF} --dry-run`);
  expect(planned).toMatchObject({ dryRun: true, leaves: [{ leaf: LEAF, outcome: "planned", rows: 1200 }] });
  expect(await quarantined()).toEqual([]);
  const mended = await mend(` --leaf ${LEAF}`);
  expect(mended).toMatchObject({
    damaged: true,
    hold: null,
    leaves: [
      {
        ...{ leaf: LEAF, outcome: "mended", why: null, from: { tier: "hot" }, rows: 1200 },
        findings: [{ detector: "by-hand" }],
        added: { salvaged: 40, gaps: 0 },
        after: [
          { step: "sync", isOk: true },
          { step: "verify", isOk: true },
          { step: "scrub", isOk: true, text: "" },
        ],
      },
    ],
  });
  await expectTruth(20);
  expect((await world.stored("ETHUSDT", "1m")).at(-3)).toEqual(revised);
  expect(await quarantined()).toMatchObject([{ why: "damaged: by-hand" }]);
  expect(await states()).toEqual([]);
  passTo(30);
  await sync();
  await expectTruth(30);
  expect(await run("backup")).toMatchObject({ found: 0, open: 0 });
});

test("a leaf that was restored within a day is prepared and not swapped, unless a person says why", async () => {
  await spoil(5);
  // a daily run: the server counts a transaction up to 10 s late, and a delta passes over what is not counted
  await run("backup", 1);
  const braked = await mend("", 3);
  expect(braked).toMatchObject({
    leaves: [
      {
        ...{ leaf: LEAF, outcome: "prepared", findings: [{ detector: "suspects" }] },
        why: expect.stringContaining("less than 24 h ago, and is damaged again"),
      },
    ],
  });
  expect(await countSpoilt(`r3a.${LEAF}`)).toBe(5);
  expect(await countSpoilt(`r3a_scratch.${LEAF}`)).toBe(0);
  const ended = await world.runWords(
    ["restore", "--damaged", "--beyond-brakes", "the disk was replaced"],
    env,
  );
  expect([ended.code, ended.stdout]).toEqual([0, expect.stringContaining("1 leaf restored in ")]);
  for (const line of ended.stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  await expectTruth(30);
  expect(await database.query("select state from r3a.backup_suspect where state = 'open'")).toEqual([]);
});

test("a hold keeps every swap away, and ends", async () => {
  await passDay();
  await spoil(4);
  await database.query("insert into r3a.recovery_hold (reason) values ('a disk is replaced')");
  expect(await mend(` --leaf ${LEAF}`, 3)).toMatchObject({
    hold: "a disk is replaced",
    leaves: [{ outcome: "prepared", why: "held: a disk is replaced" }],
  });
  expect(await countSpoilt(`r3a.${LEAF}`)).toBe(4);
  await run("restore --resume");
  const away = await mend(` --leaf ${LEAF}`, 75, { EXCHANGE_URL: "http://127.0.0.1:1" });
  expect(away).toMatchObject({
    leaves: [
      {
        outcome: "mended",
        after: [
          { step: "sync", isOk: null },
          { step: "verify", isOk: true },
          { step: "scrub", isOk: true, text: "" },
        ],
      },
    ],
  });
  await expectTruth(30);
});

test("without damage there is nothing to do, and no other form is mixed in", async () => {
  expect(await mend()).toMatchObject({ leaves: [] });
  const mixed = await world.run("restore --damaged --to-schema x --symbols BTCUSDT");
  expect([mixed.code, mixed.stderr]).toEqual([
    64,
    expect.stringContaining("--damaged and --to-schema, --symbols exclude each other"),
  ]);
});
