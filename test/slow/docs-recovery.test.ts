import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, test } from "vitest";
import { leafAt } from "../../runner/src/partition/layout.ts";
import { newKey } from "../support/backup/object.ts";
import { makeSeries } from "../support/candle/made-series.ts";
import { useDatabase } from "../support/database/database.ts";
import { temporaryFolder } from "../support/folder.ts";
import { wordsOf } from "../support/pages.ts";
import { createMadeBackups } from "../support/restore/made-backup.ts";
import { runRunner } from "../support/runner.ts";

/** What docs/recovery.md shows, done with Debian's programs and with the runner. */

const page = await readFile(new URL("../../docs/recovery.md", import.meta.url), "utf8");
const blocksOf = (language: string) =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, "gm"))].map(
    ([, text = ""]) => text,
  );
/** backup-whole-by-hand.test.ts loads the tables. */
const [setUp = "", copyBack = "", printSchema = "", , load = "", rotate = "", move = ""] = blocksOf("shell");
/** What the page says to run once rows are copied back. */
const AFTER_COPY = "./r3a backup";
const [firstLines = "", ...laterLines] = blocksOf("sh");
/** restore-whole.test.ts runs those of the whole database, restore-damaged-kinds.test.ts those that mend. */
const lines = laterLines
  .flatMap((text) => text.trim().split("\n"))
  .filter((line) => !/--(all|damaged)/.test(line) && line !== AFTER_COPY);

const PROGRAMS = ["age", "age-keygen", "zstd", "jq", "awk", "psql", "sha256sum"];
const found = await Promise.all(
  PROGRAMS.map((name) => promisify(execFile)("sh", ["-c", `command -v ${name}`]).catch(() => null)),
);
const lacking = PROGRAMS.filter((_, index) => found[index] === null);
if (lacking.length > 0)
  process.stderr.write(`NOT RUN: docs/recovery.md by hand; no ${lacking.join(", ")} here\n`);

const database = useDatabase();
const FROM = Date.UTC(2026, 0, 5);
const LEAF = leafAt("1m", FROM);
const [backup, spool, folder] = [temporaryFolder(), temporaryFolder(), temporaryFolder()];
const env: Record<string, string> = {};
const ROWS = (table: string) => `select (t.*)::text as row from ${table} t order by coin_id, "timestamp"`;

beforeAll(async () => {
  const { identity, recipient } = await newKey();
  await writeFile(join(folder, "key.txt"), `${identity}\n`, { mode: 0o600 });
  Object.assign(env, { BACKUP: backup, KEY: join(folder, "key.txt"), NEW: database.url, LEAF: LEAF.name });
  const series = { interval: "1m", from: FROM, to: FROM + 100 * 60_000 } as const;
  await makeSeries(
    database.url,
    ["BTCUSDT", "ETHUSDT", "SOLUSDT"].map((symbol) => ({ symbol, ...series })),
  );
  const made = createMadeBackups({ database, folders: [backup], spool, recipients: [recipient] });
  await made.daily({ leaf: LEAF, madeAt: "2026-02-01T02:00:00Z", groups: [[1], [2, 3]] });
  for (const [index, minute] of [7, 8].entries()) {
    const at = new Date(FROM + minute * 60_000).toISOString();
    await database.query(
      `update r3a.${LEAF.name} set close = close + 0.10 where coin_id <> 2 and "timestamp" >= $1`,
      [at],
    );
    await made.delta(
      { leaf: LEAF, madeAt: `2026-02-01T02:1${index}:00Z` },
      `coin_id <> 2 and "timestamp" >= '${at}'`,
    );
  }
});

const shell = async (text: string, more: Readonly<Record<string, string>> = {}) => {
  const { stdout } = await promisify(execFile)("bash", ["-c", text], {
    cwd: folder,
    env: { PATH: process.env.PATH ?? "", HOME: folder, ...env, ...more },
  });
  return stdout;
};

describe.skipIf(lacking.length > 0)("without this program", () => {
  test("the schema is printed as SQL", async () => {
    expect(await shell(printSchema)).toContain("create table");
  });

  test("the rows of a leaf are loaded into an empty table: bases, then deltas", async () => {
    const before = await database.query(ROWS(`r3a.${LEAF.name}`));
    await database.query(`truncate r3a.${LEAF.name}`);
    const counts = (await shell(load)).trim().split("\n");
    expect(counts).toEqual(["300", "300"]);
    expect(await database.query(ROWS(`r3a.${LEAF.name}`))).toEqual(before);
  });

  test("a manifest whose text is not the one of its name ends the work", async () => {
    const bad = temporaryFolder();
    await shell(move, { TARGET: bad });
    await shell(`echo ' ' >> "$(ls -d ${bad}/manifests/* | tail -1)"`);
    await expect(shell(printSchema, { BACKUP: bad })).rejects.toThrow(/FAILED|did NOT match/);
  });

  test("a new key is made, and its public part printed", async () => {
    expect(await shell(rotate)).toMatch(/^age1[0-9a-z]{58}$/m);
  });
});

/** What a command says that is no restore. */
const SAID: Readonly<Record<string, string>> = { backups: "): 3 backups", scrub: "none is damaged" };

test("every line with the runner does what the page says, from a tier that was moved", async () => {
  const moved = temporaryFolder();
  await shell(move, { TARGET: moved });
  const own = { DB_URL: database.url, BACKUP_HOT: `file://${moved}` };
  expect(lines).toHaveLength(5);
  for (const line of lines) {
    const words = wordsOf(line.replace(/^\.\/r3a /, ""));
    const isPlan = words.includes("--dry-run");
    const { code, stdout, stderr } = await runRunner(
      words,
      isPlan ? own : { ...own, BACKUP_IDENTITY_FILE: env.KEY ?? "" },
    );
    expect([line, code, code === 0 ? "" : stderr]).toEqual([line, 0, ""]);
    const said = isPlan ? "would be restored" : "has the same rows";
    expect(stdout).toContain(SAID[words[0] ?? ""] ?? said);
  }
  expect(await database.query(ROWS(`r3a_restored.${LEAF.name}`))).toEqual(
    await database.query(ROWS(`r3a.${LEAF.name}`)),
  );
  await database.query("drop schema r3a_restored cascade");
});

describe.skipIf(lacking.length > 0)("from nothing", () => {
  const own: Record<string, string> = {};
  const run = async (line: string, exit: number) => {
    const ended = await runRunner(wordsOf(line.replace(/^\.\/r3a /, "")), own);
    expect([line, ended.code, ended.code === exit ? "" : ended.stderr]).toEqual([line, exit, ""]);
    return ended.stdout;
  };

  test("backups are set up as the page shows, and each line ends with 0", async () => {
    const said = await shell(`${setUp}\nenv`);
    for (const [, name = "", value = ""] of said.matchAll(/^(BACKUP_[A-Z]+_?[A-Z]*)=(.+)$/gm))
      own[name] = value;
    expect(Object.keys(own).toSorted()).toEqual([
      ...["BACKUP_HOT", "BACKUP_IDENTITY_FILE", "BACKUP_RECIPIENTS", "BACKUP_SPOOL"],
    ]);
    own.DB_URL = database.url;
    const shown = firstLines.trim().split("\n");
    expect(shown.at(-1)).toBe("./r3a backups");
    for (const line of shown) await run(line, 0);
  });

  test("damaged rows are copied back from the restored ones, and the next backup has no suspect", async () => {
    const before = await database.query(ROWS(`r3a.${LEAF.name}`));
    const first = new Date(FROM + 10 * 60_000).toISOString();
    await database.query(
      `update r3a.${LEAF.name} set close = close * 10 where coin_id = 1 and "timestamp" < $1`,
      [first],
    );
    await database.query(`delete from r3a.${LEAF.name} where coin_id = 1 and "timestamp" = $1`, [first]);
    expect(await run("./r3a backup", 1)).toContain("11 candles are suspect");
    const restore = lines.find((line) => line.includes("--compare")) ?? "";
    expect(await run(restore, 1)).toContain("has 10 rows with other values");
    await shell(copyBack, { DB_URL: database.url });
    expect(await database.query(ROWS(`r3a.${LEAF.name}`))).toEqual(before);
    expect(page).toContain(`\`\`\`sh\n${AFTER_COPY}\n\`\`\``);
    await run(AFTER_COPY, 0);
    await database.query("drop schema r3a_restored cascade");
  });
});
