import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { openFolderStore } from "../../runner/src/store/folder-store.ts";
import { newestManifest } from "../support/backup/restored.ts";
import { useEmptyDatabases, withSession } from "../support/database/empty-database.ts";
import { temporaryFolder } from "../support/folder.ts";
import { contentOf, useLostDatabase } from "../support/restore/lost-database.ts";
import { useWorld } from "../support/world.ts";

/** The whole database by the blocks of docs/recovery.md, with age, zstd, jq and psql alone. */

const run = promisify(execFile);
const page = readFileSync(new URL("../../docs/recovery.md", import.meta.url), "utf8");
/** The blocks before that section set backups up and copy rows back. */
const section = page.slice(page.indexOf("## Without this program"));
const [printSchema = "", loadTables = "", loadLeaf = ""] = [
  ...section.matchAll(/^```shell\n([\s\S]*?)^```$/gm),
].map(([, text = ""]) => text);
const PROGRAMS = ["age", "zstd", "jq", "awk", "psql", "sha256sum", "tac"];
const found = await Promise.all(
  PROGRAMS.map((name) => run("sh", ["-c", `command -v ${name}`]).catch(() => null)),
);
const lacking = PROGRAMS.filter((_, index) => found[index] === null);
const why = lacking.length === 0 ? "" : ` (skipped: ${lacking.join(", ")} not installed)`;

const world = useWorld({ symbols: 3 });
const emptyDatabase = useEmptyDatabases();
const lost = useLostDatabase(world);

test.skipIf(lacking.length > 0)(
  `schema, tables, leaves and numbers are there without this program${why}`,
  async () => {
    // its results refer to its run
    await world.run("health", lost.env);
    await lost.run("backup");
    const folder = temporaryFolder();
    const url = await emptyDatabase();
    const backup = String(lost.env.BACKUP_HOT).slice("file://".length);
    const key = join(folder, "key.txt");
    await writeFile(key, `${lost.env.BACKUP_IDENTITY}\n`, { mode: 0o600 });
    const shell = (text: string, more: Readonly<Record<string, string>> = {}) =>
      run("bash", ["-c", text], {
        cwd: folder,
        env: { PATH: process.env.PATH ?? "", HOME: folder, BACKUP: backup, KEY: key, NEW: url, ...more },
      });
    await writeFile(join(folder, "schema.sql"), (await shell(printSchema)).stdout);
    await shell(`psql -qX -v ON_ERROR_STOP=1 -f schema.sql "$NEW" > /dev/null`);
    await shell(loadTables);
    const { leaves } = await newestManifest(openFolderStore(backup, { tier: "hot", report: () => {} }));
    for (const { name, rows } of leaves)
      expect((await shell(loadLeaf, { LEAF: name })).stdout.trim().split("\n")).toEqual([
        String(rows),
        String(rows),
      ]);
    const [source, there] = [await contentOf(world.database.url), await contentOf(url)];
    for (const [name, rows] of Object.entries(source)) expect(there[name], name).toEqual(rows);
    const results = "select count(*)::int as n from r3a.health_result";
    expect((await withSession(url, (client) => client.query(results))).rows).not.toEqual([{ n: 0 }]);
    const insert = `insert into r3a.coin (symbol, base, quote, status) values ('XUSDT', 'X', 'USDT', 'trading') returning id`;
    expect((await withSession(url, (client) => client.query(insert))).rows).toEqual([{ id: 3 }]);
  },
  240_000,
);
