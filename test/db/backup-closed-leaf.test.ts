import { beforeAll, expect, test } from "vitest";
import { leafAt } from "../../runner/src/partition/layout.ts";
import { addMinutes, makeLeaf } from "../support/backup/parts.ts";
import { useBackups } from "../support/backup/runs.ts";
import { withSession } from "../support/database/empty-database.ts";
import { useQuietServer } from "../support/database/quiet-server.ts";

/**
 * A delta looks at a leaf whose months are over only where the server counted a change, and the server counts up to 10 s
 * late. What is not counted at all (here `track_counts` is off) the next daily run finds.
 */

const database = useQuietServer();
const backups = useBackups(database);
const leaf = leafAt("1m", Date.UTC(2024, 1));
const time = (minute: number) => new Date(leaf.span.from + minute * 60_000).toISOString();
const changeOf = (minute: number) =>
  `update r3a.ohlcv_partitioned set close = close * 10 where "timestamp" = '${time(minute)}'`;

async function uncounted(statement: string, values: readonly unknown[] = []): Promise<void> {
  await withSession(database.url, async (client) => {
    await client.query("set track_counts = off");
    await client.query(statement, [...values]);
  });
}

/** The session ends, so the server counts at once. */
const counted = (statement: string, values: readonly unknown[]) =>
  withSession(database.url, (client) => client.query(statement, [...values]));

beforeAll(async () => {
  await makeLeaf(database, "1m", time(0));
  await counted(addMinutes, [1, time(0), 20]);
});

test("what the server counts late is found by the next delta that looks, and what it never counts by the next daily run", async () => {
  expect(await backups.run("daily")).toMatchObject({ leaves: 1 });
  const truth = await backups.stored();

  // a delta passes the leaf over, and the next one still begins where the leaf was last looked at
  await uncounted(addMinutes, [1, time(30), 1]);
  expect(await backups.run("delta")).toMatchObject({ leaves: 0 });
  expect(await backups.restored()).toEqual(truth);
  await counted(addMinutes, [1, time(31), 1]);
  expect(await backups.run("delta")).toMatchObject({ leaves: 1, isWhole: false, found: 0 });
  const all = await backups.stored();
  expect(await backups.restored()).toEqual(all);

  await uncounted(changeOf(5));
  await uncounted(addMinutes, [1, time(32), 1]);
  expect(await backups.run("delta")).toMatchObject({ leaves: 0, found: 0 });
  expect(await backups.restored()).toEqual(all);
  expect(await backups.run("daily")).toMatchObject({ leaves: 1, isWhole: false, found: 1, open: 1 });
  const restored = await backups.restored();
  expect(restored).toHaveLength(23);
  expect(restored).toEqual(expect.arrayContaining([...all]));
});
