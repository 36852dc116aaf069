import { expect, test } from "vitest";
import { DETECTORS } from "../../runner/src/contract/damage.ts";
import { openDatabase } from "../../runner/src/db/connect.ts";
import { releaseLeaf, takeLeaf } from "../../runner/src/db/leaf/guard.ts";
import { readLeafState } from "../../runner/src/db/leaf/state.ts";
import { own } from "../../runner/src/db/session.ts";
import { useDatabase } from "../support/database/database.ts";

const LEAF = { name: "ohlcv_1m_2024_01" };
const database = useDatabase();

test("a leaf is taken with its guard, and given back with a state, or as if it had never been taken", async () => {
  await database.query("select r3a_util.make_leaf('ohlcv_1m', '2024-01-01 00:00+00', '{}')");
  const guards = () =>
    database.query<{ name: string }>(
      `select tgname::text || tgenabled::text as name from pg_trigger where tgrelid = 'r3a.${LEAF.name}'::regclass order by 1`,
    );
  const db = openDatabase(database.url, "guard test");
  await own(db, new AbortController().signal, async (client) => {
    const first = await takeLeaf(client, LEAF, { state: "sealing", runId: null });
    expect(first.oid).toBeGreaterThan(0);
    expect((await guards()).map(({ name }) => name)).toEqual(["r3a_guardA", "r3a_guard_truncateA"]);
    const second = await takeLeaf(client, LEAF, { state: "restoring", runId: null });
    const stale = { ...LEAF, token: first.token };
    expect(await releaseLeaf(client, stale, { state: "sealed", note: null, dropGuard: true })).toBe(false);
    expect(await readLeafState(client, LEAF.name)).toMatchObject({ state: "restoring", token: second.token });
    const taken = { ...LEAF, token: second.token };
    expect(await releaseLeaf(client, taken, { state: "open", note: "why", dropGuard: false })).toBe(true);
    expect(await readLeafState(client, LEAF.name)).toMatchObject({
      state: "open",
      note: "why",
      sealedAt: null,
    });
    expect(await guards()).toHaveLength(2);
    expect(await releaseLeaf(client, taken, { state: "none", note: null, dropGuard: true })).toBe(true);
    expect(await readLeafState(client, LEAF.name)).toBeNull();
    expect(await guards()).toEqual([]);
  }).finally(() => db.pool.end());
});

test("the database takes the detectors of the contract, and no other", async () => {
  const note = "insert into r3a.leaf_damage (leaf, detector, detail) values ('x', $1, 'y')";
  for (const detector of DETECTORS) await database.query(note, [detector]);
  await expect(database.query(note, ["guess"])).rejects.toMatchObject({ code: "23514" });
});
