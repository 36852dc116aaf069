import { expect, test } from "vitest";
import { sealLeaf } from "../support/leaf/seal-leaf.ts";
import { useLegacyDatabases } from "../support/legacy/build.ts";
import { copyOldRows, expectNothingLeft, findFate } from "../support/legacy/database.ts";

const make = useLegacyDatabases();

test("the move goes on into a leaf that was sealed meanwhile, and reopens it", async () => {
  const database = await make({ coins: ["BTCUSDT"], firstMonth: "2024-01", months: 3, intervals: ["1h"] });
  await copyOldRows(database);
  await database.moveUntilGone("1h_2024_03");
  await sealLeaf(database.url, "ohlcv_1h_2024");
  const run = await database.run("migrate-layout --json");
  expect(run).toMatchObject({ code: 0 });
  expect(JSON.parse(run.stdout)).toMatchObject({ isComplete: true });
  expect(await findFate(database)).toEqual({ rows: 9, stored: 9, revised: 0, lost: 0, invented: 0 });
  await expectNothingLeft(database);
  expect(await database.query("select leaf, state from r3a.leaf_state")).toEqual([
    { leaf: "ohlcv_1h_2024", state: "open" },
  ]);
  const reopened = await database.query(`select coin_id, "interval", from_ts, to_ts from r3a.leaf_reopening`);
  expect(reopened).toEqual([
    { coin_id: 1, interval: "1h", from_ts: new Date("2024-01-01Z"), to_ts: new Date("2025-01-01Z") },
  ]);
});
