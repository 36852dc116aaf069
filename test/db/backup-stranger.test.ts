import { beforeEach, expect, test } from "vitest";
import { exitOf, renderBackup } from "../../runner/src/backup/backup-text.ts";
import { addMinutes, makeLeaf } from "../support/backup/parts.ts";
import { useBackups } from "../support/backup/runs.ts";
import { useDatabase } from "../support/database/database.ts";

const [database, other] = [useDatabase(), useDatabase()];
const backups = useBackups(database);
const ofOther = useBackups(other);

beforeEach(async () => {
  for (const each of [database, other]) {
    await makeLeaf(each, "1m", "2026-03-01T00:00:00Z");
    await each.query("truncate r3a.backup, r3a.ohlcv_partitioned");
    await each.query("delete from r3a.run where command = 'restore'");
    await each.query(addMinutes, [1, "2026-03-01T00:00:00Z", 10]);
  }
});

/** Both databases write into one tier. */
const runOther = () => ofOther.run("delta", { stores: [backups.hot] });

test("a backup names the manifest that another database wrote into its tier, and goes on", async () => {
  expect(await backups.run("daily")).toMatchObject({ strangers: [] });
  expect(await backups.run("delta")).toMatchObject({ strangers: [] });
  // the ledger of the other one is empty: a tier may come from a database that is lost
  const first = await runOther();
  expect(first.strangers).toEqual([]);
  const manifest = first.tiers[0]?.manifest ?? "";
  const next = await backups.run("delta");
  expect(next.strangers).toEqual([{ tier: "hot", manifest }]);
  expect(exitOf(next)).toBe(0);
  expect(renderBackup(next).replaceAll(/\n +/g, " ")).toContain(
    `hot: the newest manifest ${manifest} was of another database`,
  );
  expect(await backups.run("daily")).toMatchObject({ strangers: [] });
});

test("no manifest of a killed run is of another database, and none from before a restore", async () => {
  await backups.run("daily");
  const killed = await backups.run("delta");
  await database.query("update r3a.backup set outcome = 'stored', manifests = '{}' where id = $1", [
    killed.backup,
  ]);
  expect(await backups.run("delta")).toMatchObject({ strangers: [] });
  const restored = `insert into r3a.run (run_id, command, arguments, started_at, outcome)
    values (gen_random_uuid(), 'restore', '--all', now() + $1::interval, 'success')`;
  await runOther();
  await database.query(restored, ["1 hour"]);
  expect(await backups.run("delta")).toMatchObject({ strangers: [] });
  await runOther();
  await database.query("update r3a.run set started_at = now() - interval '1 hour' where command = 'restore'");
  expect((await backups.run("delta")).strangers).toHaveLength(1);
});
