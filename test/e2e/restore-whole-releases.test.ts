import { rm } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { type Manifest, renderManifest } from "../../runner/src/archive/manifest.ts";
import { newAttempt, objectKey } from "../../runner/src/archive/object/key.ts";
import { listFiles } from "../../runner/src/db/schema/schema.ts";
import { openFolderStore } from "../../runner/src/store/folder-store.ts";
import { seal } from "../support/backup/object.ts";
import { newestManifest, readLines } from "../support/backup/restored.ts";
import { useEmptyDatabases } from "../support/database/empty-database.ts";
import { contentOf, useLostDatabase } from "../support/restore/lost-database.ts";
import { putFile } from "../support/restore/made-backup.ts";
import { useWorld } from "../support/world.ts";

/** Backups of other releases. */

const world = useWorld({ symbols: 3 });
const emptyDatabase = useEmptyDatabases();
const lost = useLostDatabase(world);
const hot = () => String(lost.env.BACKUP_HOT).slice("file://".length);
let manifest: Manifest;
let schema: readonly string[] = [];
beforeEach(async () => {
  const store = openFolderStore(hot(), { tier: "hot", report: () => {} });
  manifest ??= await newestManifest(store);
  schema = await readLines(store, manifest.schema, String(lost.env.BACKUP_IDENTITY));
});
/** A time after that of every backup that was made, and of every other one of this file. */
const later = (minutes: number) =>
  new Date(Date.parse(manifest.madeAt) + minutes * 60_000).toISOString().replace(".000", "");

/** Puts a manifest into hot that is newer than the others. */
async function putManifest(changed: Partial<Manifest>, minutes: number): Promise<string> {
  const { key, text } = renderManifest({ ...manifest, ...changed, madeAt: later(minutes) });
  await putFile([hot()], key, text);
  return key;
}

const MAKES =
  /^create (?:or replace )?(?:table|sequence|function)(?: if not exists)? (r3a(?:_util)?\.[a-z_]+)/gm;

test("a backup of an older release gets the migrations that it lacks", async () => {
  const last = (await listFiles()).at(-1) ?? "";
  const at = schema.indexOf(`-- ${last}`);
  const end = schema.indexOf("set local search_path = pg_catalog, pg_temp;", at + 20);
  // what that migration makes has an owner and rights in the text, and a table among those of the manifest
  const made = [...schema.slice(at, end).join("\n").matchAll(MAKES)].map(([, name = ""]) => name);
  expect(made.length).toBeGreaterThan(0);
  const isOld = (line: string) => !made.some((name) => line.includes(name)) && !line.includes(`'${last}'`);
  const older = [...schema.slice(0, at), ...schema.slice(end).filter(isOld)];
  expect(older.length).toBeLessThan(schema.length - 10);
  const spool = String(lost.env.BACKUP_SPOOL);
  const recipients = [String(lost.env.BACKUP_RECIPIENTS)];
  const { cipher, facts } = await seal(Buffer.from(`${older.join("\n")}\n`), { spool, recipients });
  const key = objectKey(facts.plainSha256, newAttempt());
  await putFile([hot()], key, cipher);
  const name = await putManifest(
    {
      schema: { key, rows: older.length, ...facts },
      migrations: manifest.migrations.filter((each) => each !== last),
      tables: manifest.tables.filter((table) => !made.includes(table.name)),
    },
    5,
  );
  const url = await emptyDatabase();
  const result = await lost.restore(url);
  expect(result).toMatchObject({ isOver: true, from: { manifest: name }, refused: [] });
  expect(result.ended.stderr).toContain(`[RESTORE] applied ${last}`);
  expect((await contentOf(url)).candles).toEqual((await contentOf(world.database.url)).candles);
  await rm(join(hot(), name));
});

test("one of a later release is refused, and the next older one is taken", async () => {
  const name = await putManifest({ migrations: [...manifest.migrations, "000999_of_tomorrow"] }, 10);
  const url = await emptyDatabase();
  const result = await lost.restore(url);
  const reason = expect.stringMatching(
    /has the migration 000999_of_tomorrow, which this program does not know/,
  );
  expect(result).toMatchObject({ isOver: true, refused: [{ manifest: name, leaf: null, reason }] });
  await rm(join(hot(), name));
});
