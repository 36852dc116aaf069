import { beforeAll, expect, test } from "vitest";
import { leafAt } from "../../runner/src/partition/layout.ts";
import { addMinutes, makeLeaf } from "../support/backup/parts.ts";
import { readManifests } from "../support/backup/restored.ts";
import { useBackups } from "../support/backup/runs.ts";
import { useDatabase } from "../support/database/database.ts";
import { startRunner } from "../support/runner.ts";

const database = useDatabase();
const backups = useBackups(database);
const leaf = leafAt("1m", Date.now());
const time = (minute: number) => new Date(leaf.span.from + minute * 60_000).toISOString();

beforeAll(async () => {
  await makeLeaf(database, "1m", time(0));
});

test("kill -9 at any moment of a run: the next run has every row, and the newest manifest is never an older one", async () => {
  const env = {
    DB_URL: database.url,
    BACKUP_HOT: `file://${backups.folder}/hot`,
    BACKUP_SPOOL: `${backups.folder}/spool`,
    BACKUP_RECIPIENTS: backups.recipient,
  };
  let rows = 0;
  let newest = 0;
  let killed = 0;
  for (let round = 0; round < 12; round += 1) {
    await database.query(addMinutes, [1 + (round % 3), time(rows), 400]);
    rows += 400;
    const args = round % 2 === 0 ? ["backup", "--delta"] : ["backup"];
    const { child, ended } = startRunner(args, env);
    // a run takes about 2 s on an idle machine, of which the start is the first half
    const timer = setTimeout(() => child.kill("SIGKILL"), 600 + round * 150);
    const { code } = await ended;
    clearTimeout(timer);
    if (code === null) killed += 1;
    const [first] = await readManifests(backups.hot);
    expect(first?.backup ?? 0).toBeGreaterThanOrEqual(newest);
    const { backup } = await backups.run(round % 4 < 2 ? "delta" : "daily");
    newest = backup;
    expect(await backups.restored()).toEqual(await backups.stored());
  }
  expect(killed).toBeGreaterThan(0);
}, 600_000);
