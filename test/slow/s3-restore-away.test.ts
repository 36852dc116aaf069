import { rm } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseLeafRecord } from "../../runner/src/archive/leaf-record.ts";
import { openFolderStore } from "../../runner/src/store/folder-store.ts";
import { NEVER } from "../support/backup/object.ts";
import { newestManifest } from "../support/backup/restored.ts";
import { useEmptyDatabases, withSession } from "../support/database/empty-database.ts";
import { contentOf, OLD_LEAF, useLostDatabase } from "../support/restore/lost-database.ts";
import { useWorld } from "../support/world.ts";

const world = useWorld({ symbols: 3 });
const emptyDatabase = useEmptyDatabases();
const lost = useLostDatabase(world);

test("a tier that gives no answer keeps its leaves waiting, exit 75; the same command goes on when it answers", async () => {
  const hot = String(lost.env.BACKUP_HOT).slice("file://".length);
  const away = {
    BACKUP_COLD: "s3://away/r3a",
    AWS_ENDPOINT_URL_S3: "http://127.0.0.1:1",
    AWS_REGION: "us-east-1",
    AWS_ACCESS_KEY_ID: "a",
    AWS_SECRET_ACCESS_KEY: "b",
  };
  const store = openFolderStore(hot, { tier: "hot", report: () => {} });
  const { key = "" } = (await newestManifest(store)).leaves.find(({ name }) => name === OLD_LEAF) ?? {};
  const [base] = parseLeafRecord(key, await store.getText(key, NEVER)).bases;
  await rm(join(hot, base?.key ?? ""));
  const url = await emptyDatabase();
  const waits = await lost.run(`restore --all --to ${url}`, 75, away);
  expect(waits.stdout).toMatch(
    new RegExp(`${OLD_LEAF} .* waits: a tier gave no answer\n[\\s\\S]*run the same command again`),
  );
  await withSession(url, async (client) => {
    expect((await client.query("select name from r3a_restore.leaf")).rows).toEqual([{ name: OLD_LEAF }]);
  });
  const result = await lost.restore(url);
  expect(result).toMatchObject({
    isResumed: true,
    isOver: true,
    leaves: [{ leaf: OLD_LEAF, tier: "cold", rows: 120 }],
  });
  await lost.run("gaps --repair", 0, { DB_URL: url });
  expect((await contentOf(url)).candles).toEqual((await contentOf(world.database.url)).candles);
}, 240_000);
